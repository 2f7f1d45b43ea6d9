"""Kernels of one modality: one table of them, their settings, and what a fit with them leaves."""
