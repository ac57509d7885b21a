"""A graph on its way: operators may be replaced, and inputs may turn up late."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from apollo.workloads.graph import Graph, GraphBuilder, Tensor
from apollo.workloads.operators import Operator
from apollo.workloads.shapes import Shape


class Draft:
    """Operators in order, with the shapes of all tensors so far."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.inputs: list[str] = []
        self._operators: list[Operator] = []
        self._shapes: dict[str, Shape] = {}
        self._producers: dict[str, Operator] = {}
        self._names: Counter[str] = Counter()

    def __contains__(self, tensor: str) -> bool:
        return tensor in self._shapes

    def add_input(self, name: str, shape: Shape) -> None:
        """A tensor that is given."""
        self._shapes[name] = Tensor(name, shape).shape
        self.inputs.append(name)

    def shape(self, tensor: str) -> Shape:
        """Shape of a tensor made so far."""
        return self._shapes[tensor]

    def producer(self, tensor: str) -> Operator | None:
        """The operator that writes a tensor; None for an input."""
        return self._producers.get(tensor)

    def add(self, operator: Operator) -> Operator:
        """Append an operator under a name not taken yet; returns it with that name."""
        self._names[operator.name] += 1
        if self._names[operator.name] > 1:
            operator = replace(operator, name=f"{operator.name}#{self._names[operator.name]}")
        self._write(operator)
        self._operators.append(operator)
        return operator

    def substitute(self, old: Operator, new: Operator) -> None:
        """Put an operator of the same inputs in the place of one whose output nobody has read."""
        for name in old.outputs:
            del self._shapes[name], self._producers[name]
        self._write(new)
        self._operators[self._operators.index(old)] = new

    def build(self, outputs: Sequence[str], rows: int) -> Graph:
        """The network of those operators on which an output depends."""
        wanted, kept = set(outputs), []
        for operator in reversed(self._operators):
            if wanted.intersection(operator.outputs):
                wanted.update(operator.inputs)
                kept.append(operator)
        inputs = [Tensor(name, self._shapes[name]) for name in self.inputs if name in wanted]
        if not inputs or not kept:
            raise ValueError("no output depends on an input by an operator that is supported")
        builder = GraphBuilder(self.name, inputs)
        for operator in reversed(kept):
            builder.add(operator)
        return builder.build(outputs, rows)

    def _write(self, operator: Operator) -> None:
        shapes = operator.infer_all([self._shapes[name] for name in operator.inputs])
        for name, shape in zip(operator.outputs, shapes, strict=True):
            if name in self._shapes:
                raise ValueError(f"tensor {name!r} is written twice")
            self._shapes[name] = Tensor(name, shape).shape
            self._producers[name] = operator

    def macs(self) -> int:
        """Multiply-accumulates so far."""
        return sum(
            item.macs([self._shapes[name] for name in item.inputs], self._shapes[item.output])
            for item in self._operators
        )
