"""What can be said about canonical correlations beyond the sample."""

from .noise import noise_edge

__all__ = ["noise_edge"]
