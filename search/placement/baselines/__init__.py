"""Ways to place a graph without learning (docs/placement_baselines.md)."""
