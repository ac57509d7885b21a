"""Kernels of the two objectives, and of the dynamic program over ideals."""
