"""What is run: a network, and which of its weights are pruned."""

from dataclasses import dataclass

from apollo.compiler.lower import lower
from apollo.compiler.network import Network
from apollo.workloads.graph import Graph
from apollo.workloads.sparsity import Masks


@dataclass(frozen=True)
class Workload:
    """A graph for so many images; `masks` say which weights are pruned, None that none are."""

    graph: Graph
    masks: Masks | None = None

    def lowered(self) -> Network:
        """The tables of the compiler for lanes.

        Raises `ValueError` for an operator without lowering.
        """
        return lower(self.graph, masks=self.masks)
