"""Placement by reinforcement learning (docs/placement_learning.md)."""
