"""Placement of the operators of a graph on several devices (docs/placement.md)."""
