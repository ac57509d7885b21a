"""A graph that is written anew, operator by operator, with others in the place of some."""

import math
from collections.abc import Mapping, Sequence

from apollo.workloads.graph import Graph, GraphBuilder
from apollo.workloads.operators import Concat, Operator, Reshape, Transpose
from apollo.workloads.quantization import Quantization
from apollo.workloads.shapes import Shape


class Rewriting:
    """The new graph so far, and the units of its tensors."""

    def __init__(self, graph: Graph, rules: Mapping[str, Quantization]) -> None:
        self.graph = graph
        self.rules = dict(rules)
        self.builder = GraphBuilder(graph.name, [graph.tensor(name) for name in graph.inputs])
        self.is_changed = False
        self._names = {operator.name for operator in graph.operators}

    def shape(self, name: str) -> Shape:
        """Of a tensor made so far."""
        return self.builder.shape(name)

    def transposed(self, source: str, perm: Sequence[int], name: str, like: str = "") -> str:
        """Dimensions in another order; units are the source's, or those of `like`."""
        if [*perm] == sorted(perm):
            return source
        perm = tuple(perm)
        return self._add(Transpose(self._free(name), (source,), name, perm), like or source)

    def reshaped(self, source: str, shape: Shape, name: str, like: str = "") -> str:
        """The same elements under another shape."""
        return self._add(Reshape(self._free(name), (source,), name, shape), like or source)

    def repeated(self, source: str, shape: Shape, name: str) -> str:
        """A tensor as often, along each dimension, as it goes into a shape of the same rank."""
        for axis, (have, want) in enumerate(zip(self.shape(source), shape, strict=True)):
            if have != want:
                label = f"{name}{axis}"
                join = Concat(label, (source,) * (want // have), label, axis)
                source = self._add(join, source)
        return source

    def _free(self, name: str) -> str:
        """A name that no operator has: tensors and operators may be called alike."""
        while name in self._names:
            name += ":moved"
        self._names.add(name)
        return name

    def _add(self, operator: Operator, like: str) -> str:
        if like in self.rules:
            self.rules.setdefault(operator.output, self.rules[like])
        self.is_changed = True
        return self.builder.add(operator)

    def add(self, operator: Operator, like: str = "") -> str:
        """An operator in the place of another one, with units as `like`."""
        return self._add(operator, like or operator.output)


def by_itself(shape: Shape, axis: int) -> tuple[Shape, int]:
    """The same elements as a shape that has a dimension stored by itself, and where."""
    outer, inner = math.prod(shape[:axis]), math.prod(shape[axis + 1 :])
    if inner == 1:
        return (outer, shape[axis]), 1
    if outer == 1:
        return (shape[axis], inner), 0
    return (outer, 1, shape[axis], inner), 2
