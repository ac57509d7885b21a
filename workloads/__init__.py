"""What is computed: networks as graphs of operators, by name or from a file."""

from apollo.workloads.catalogue import NETWORKS, Variant, listing, load
from apollo.workloads.graph import Graph, Layer, Tensor

__all__ = ["NETWORKS", "Graph", "Layer", "Tensor", "Variant", "listing", "load"]
