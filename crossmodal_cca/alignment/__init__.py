"""Estimators that map two modalities into one space."""

from .cca import CCA
from .pipeline import CrossModalPipeline
from .pls import PLSSVD, PLSCanonical, PLSRegression

__all__ = ["CCA", "PLSSVD", "CrossModalPipeline", "PLSCanonical", "PLSRegression"]
