"""Numba kernels of the compiler: tables in, tables out."""
