"""Kernels of the systolic lowering: order, emission of products, and waits."""
