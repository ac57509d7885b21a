"""Numba kernels: columns in, columns out."""
