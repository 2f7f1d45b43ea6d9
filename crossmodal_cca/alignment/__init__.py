"""Estimators that map two modalities into one space."""

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
