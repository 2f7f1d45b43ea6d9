"""Paired data sets, real and synthetic."""

from crossmodal_cca.datasets.emoji import load_emoji
from crossmodal_cca.datasets.synthetic import make_paired_latent

__all__ = ["load_emoji", "make_paired_latent"]
