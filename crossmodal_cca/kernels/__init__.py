"""Kernels, the maps that approximate them, and kernel canonical correlation analysis of checked arrays."""
