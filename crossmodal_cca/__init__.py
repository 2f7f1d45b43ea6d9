"""Two modalities, one shared space: CCA, kernel CCA, PLS, retrieval and prediction across modalities."""

from . import datasets, inference, metrics, plotting, retrieval
from .alignment import CCA, PLSSVD, CrossModalPipeline, KernelCCA, PLSCanonical, PLSRegression
from .linalg import PairMoments

__version__ = "0.1.0"

__all__ = [
    "CCA",
    "PLSSVD",
    "CrossModalPipeline",
    "KernelCCA",
    "PLSCanonical",
    "PLSRegression",
    "PairMoments",
    "datasets",
    "inference",
    "metrics",
    "plotting",
    "retrieval",
]
