"""Optimizers by google-vizier. Nothing here imports the library until points are asked."""
