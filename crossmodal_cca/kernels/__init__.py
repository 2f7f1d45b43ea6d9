"""Kernels of one modality: their table, settings, feature maps and solvers."""
