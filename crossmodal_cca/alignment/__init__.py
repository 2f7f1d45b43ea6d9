"""Estimators that map two modalities into one space."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .cca import CCA
    from .cca_cv import CCACV
    from .kernel_cca import KernelCCA
    from .kernel_cca_cv import KernelCCACV
    from .pipeline import CrossModalPipeline
    from .pls import PLSSVD, PLSCanonical, PLSRegression
    from .pls_cv import PLSRegressionCV

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
]

# The modules of classes, imported when they are first used.
_HOMES = {
    "CCA": "cca",
    "CCACV": "cca_cv",
    "PLSSVD": "pls",
    "CrossModalPipeline": "pipeline",
    "KernelCCA": "kernel_cca",
    "KernelCCACV": "kernel_cca_cv",
    "PLSCanonical": "pls",
    "PLSRegression": "pls",
    "PLSRegressionCV": "pls_cv",
}


def __getattr__(name: str) -> Any:
    # Imported when first used: one class needs no kernels, and no measures for a search.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f".{_HOMES[name]}", __name__), name)
    return value


def __dir__() -> list[str]:
    return __all__
