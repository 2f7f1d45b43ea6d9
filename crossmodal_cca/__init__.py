"""Two modalities, one shared space: CCA, kernel CCA, PLS, retrieval and prediction across modalities."""

from . import datasets, inference, metrics, plotting, retrieval, transfer
from .alignment import (
    CCA,
    CCACV,
    PLSSVD,
    CrossModalPipeline,
    KernelCCA,
    KernelCCACV,
    PLSCanonical,
    PLSRegression,
    PLSRegressionCV,
)
from .linalg import PairMoments

__version__ = "0.1.0"

__all__ = [
    "CCA",
    "CCACV",
    "PLSSVD",
    "CrossModalPipeline",
    "KernelCCA",
    "KernelCCACV",
    "PLSCanonical",
    "PLSRegression",
    "PLSRegressionCV",
    "PairMoments",
    "datasets",
    "inference",
    "metrics",
    "plotting",
    "retrieval",
    "transfer",
]
