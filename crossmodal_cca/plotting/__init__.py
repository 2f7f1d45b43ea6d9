"""Display classes in scikit-learn's form: they hold data and draw it, and compute nothing."""

from .canonical_correlation import CanonicalCorrelationDisplay
from .hit_rate import HitRateDisplay
from .hubness import HubnessDisplay
from .precision_recall import PrecisionRecallDisplay
from .rank_histogram import RankHistogramDisplay
from .shared_space import SharedSpaceDisplay
from .similarity_matrix import SimilarityMatrixDisplay

__all__ = [
    "CanonicalCorrelationDisplay",
    "HitRateDisplay",
    "HubnessDisplay",
    "PrecisionRecallDisplay",
    "RankHistogramDisplay",
    "SharedSpaceDisplay",
    "SimilarityMatrixDisplay",
]
