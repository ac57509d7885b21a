"""Generators of networks: one file a family."""
