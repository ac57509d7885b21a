"""Optimizers: where to look next."""
