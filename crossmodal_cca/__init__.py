"""Two modalities, one shared space: CCA, PLS, cross-modal retrieval and prediction for scikit-learn users."""

from . import datasets, metrics, plotting
from .alignment import CCA, PLSSVD, CrossModalPipeline, PLSCanonical, PLSRegression
from .linalg import PairMoments

__version__ = "0.1.0"

__all__ = [
    "CCA",
    "PLSSVD",
    "CrossModalPipeline",
    "PLSCanonical",
    "PLSRegression",
    "PairMoments",
    "datasets",
    "metrics",
    "plotting",
]
