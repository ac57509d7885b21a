"""Apollo designs machine-learning accelerators by search."""
