"""Estimators that map two modalities into one space."""

from .cca import CCA
from .kernel_cca import KernelCCA
from .pipeline import CrossModalPipeline
from .pls import PLSSVD, PLSCanonical, PLSRegression

__all__ = ["CCA", "PLSSVD", "CrossModalPipeline", "KernelCCA", "PLSCanonical", "PLSRegression"]
