"""Statistical inference for shared spaces: tests, stability, noise levels and meaning of components."""

from .bootstrap import bootstrap_weights
from .components import explained_variance, structure_correlations, vip_scores
from .encoders import alignment_test
from .noise import debias_correlations, noise_edge
from .parametric import canonical_correlation_tests
from .permutation import permutation_test
from .regime import alignment_regime
from .sample_size import required_samples
from .table import summary

__all__ = [
    "alignment_regime",
    "alignment_test",
    "bootstrap_weights",
    "canonical_correlation_tests",
    "debias_correlations",
    "explained_variance",
    "noise_edge",
    "permutation_test",
    "required_samples",
    "structure_correlations",
    "summary",
    "vip_scores",
]
