"""Search: which design."""
