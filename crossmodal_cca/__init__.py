"""Two modalities, one shared space: CCA, kernel CCA, PLS, retrieval and prediction across modalities."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ._files import load
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

if TYPE_CHECKING:
    from . import datasets, diagnosis, inference, metrics, plotting, retrieval, transfer

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
    "diagnosis",
    "inference",
    "load",
    "metrics",
    "plotting",
    "retrieval",
    "transfer",
]


def __getattr__(name: str) -> Any:
    # Subpackages are imported when first used: an import of the package alone stays quick.
    if name in __all__:
        return import_module(f".{name}", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
