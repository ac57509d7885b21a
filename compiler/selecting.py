"""A gather in two operators that the machine has instructions for: hits, and a product by them.

A hit is a one where a place is the one that an index names, so the product by a row of hits is the
entry that the index names: one summand, and zeros.
"""

from dataclasses import dataclass

from apollo.workloads.graph import Graph
from apollo.workloads.operators import Operator
from apollo.workloads.quantization import Quantization
from apollo.workloads.shapes import Shape, Shapes

HIT = Quantization((1.0,), (0,))
MOST_PLACES = 1 << 15  # that an index of 16 bits names


@dataclass(frozen=True)
class Hits(Operator):
    """Of indices (n, p), ones at the places that they name and zeros at the others."""

    places: int

    def infer(self, shapes: Shapes) -> Shape:
        """Shape (n, p, places)."""
        return *self._only(shapes), self.places


@dataclass(frozen=True)
class Selection(Operator):
    """Of hits (n, p, t) and entries (n, t, c), the entries hit; nothing is computed."""

    def infer(self, shapes: Shapes) -> Shape:
        """Shape (n, p, c)."""
        hits, entries = self._pair(shapes)
        return *hits[:2], entries[2]


def index_rules(graph: Graph) -> dict[str, Quantization]:
    """Of tensors that name places: integers as they are, of 16 bits where 8 are too few."""
    most: dict[str, int] = {}
    for operator in graph.operators:
        if isinstance(operator, Hits):
            name = operator.inputs[0]
            most[name] = max(operator.places, most.get(name, 0))
    return {name: _rule(places) for name, places in most.items()}


def _rule(places: int) -> Quantization:
    return Quantization((1.0,), (0,), bits=8 if places - 1 <= HIT.high else 16)
