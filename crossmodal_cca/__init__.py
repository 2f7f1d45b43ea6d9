"""Two modalities, one shared space: CCA, kernel CCA, PLS, retrieval and prediction across modalities."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import datasets, diagnosis, inference, io, metrics, plotting, retrieval, transfer
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
    from .reporting._make import report
    from .rows._moments import PairMoments

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
    "io",
    "load",
    "metrics",
    "plotting",
    "report",
    "retrieval",
    "transfer",
]


# The modules of classes and functions; the other names are subpackages.
_HOMES = {"load": "._files", "PairMoments": ".rows._moments", "report": ".reporting._make"}


def __getattr__(name: str) -> Any:
    # All is imported when first used: the command line says what it can do before NumPy is there.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name.islower() and name not in _HOMES:
        return import_module(f".{name}", __name__)
    value = globals()[name] = getattr(import_module(_HOMES.get(name, ".alignment"), __name__), name)
    return value


def __dir__() -> list[str]:
    return __all__
