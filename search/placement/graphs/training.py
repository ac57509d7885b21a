"""The step of training that belongs to a forward graph: gradients, their sums, and updates.

From the last operators back, whose loss is taken to be their own, every operator gets one more for
each operator it reads (`NAME/gradient`), for its own weights (`NAME/weights_gradient`), and for
each variable it reads (`NAME/shared_gradient`). Each does as much as the operator itself; those of
a cell share in that, by bytes. They read what of the forward pass their kind needs (`gradients`),
so that it lives until then. Sums pass their gradient on to what has their size, and slices pass
theirs, which are put together.

Gradients of a tensor that several operators read are added one after the other, as they come: all
at once would keep those of 40 steps, of 134 MB each for a layer of 2048 units. The sum for a
variable runs where the variable lies, and so does its update. All backward operators share a group
with their forward ones, as TensorFlow does when gradients are colocated with operators. An update
writes to the side, so that nothing waits for the readers of the old values.
"""

from collections.abc import Iterable
from itertools import chain

from apollo.search.placement.graph import OperatorGraph
from apollo.search.placement.graphs.draft import INPUT, VARIABLE, Draft, Drafted, Tensor
from apollo.search.placement.graphs.gradients import CELLS, CHOICES, FACTORS, needs

UPDATE = "Update"
OPERATIONS_PER_VALUE = 2  # of an update, and of each value of the optimizer's state
SHARED = "shared_gradient"  # of weights that other operators read, too
PASSING = ("Binary add", "Slice")


def training_step(
    graph: OperatorGraph, state_values: int = 0, bytes_per_value: int = 4
) -> OperatorGraph:
    """The forward graph with its gradients and updates.

    `state_values` is what an optimizer keeps for each weight: 0 for plain gradient descent, 1 with
    momentum, 2 for Adam. They are parameters of the operators `NAME/update`.

    Raises `ValueError`, one sentence, when the graph has gradients already or nothing to train.
    """
    if graph.is_backward.any():
        raise ValueError(f"Operator graph '{graph.name}': it has a backward pass already.")
    step = _Step(graph, state_values, bytes_per_value)
    if not step.trained:
        raise ValueError(f"Operator graph '{graph.name}': it has no parameters to train.")
    for name in reversed(graph.names):
        if name in step.trained:
            step.differentiate(step.draft.operators[name])
    return step.draft.graph()


class _Step:
    """The graph so far, and the gradients that its tensors have got."""

    def __init__(self, graph: OperatorGraph, state_values: int, bytes_per_value: int) -> None:
        self.draft = Draft.of(graph)
        self.state_values, self.bytes_per_value = state_values, bytes_per_value
        self.trained = _trained(self.draft.operators.values())
        self._read = {
            part.operator for item in self.draft.operators.values() for part in item.reads
        }
        self._gradients: dict[str, list[Tensor]] = {name: [] for name in self.trained}
        self._pieces: dict[str, list[Tensor]] = {name: [] for name in self.trained}

    def differentiate(self, item: Drafted) -> None:
        """Hand gradients on to what the operator reads, and update its own weights."""
        gradients = self._arrived(item)
        if item.name in self._read and not gradients:
            return  # only choices read it
        if item.kind == VARIABLE:
            self._update(item, gradients[0])
            return
        passed = self._pass_on(item, gradients)
        rest = [part for part in item.reads if part not in passed]
        inputs = [part for part in rest if not self._is_variable(part)]
        self._spread(item, gradients, inputs, "gradient")
        weights = [part for part in rest if self._is_variable(part)]
        self._spread(item, gradients, weights, SHARED)
        if item.parameter_bytes:
            self._differentiate_own(item, gradients)

    def _is_variable(self, part: Tensor) -> bool:
        return self.draft.operators[part.operator].kind == VARIABLE

    def _arrived(self, item: Drafted) -> list[Tensor]:
        """The gradient of what an operator writes; none of the last ones, the parts of a split."""
        gradients = self._gradients[item.name]
        if pieces := self._pieces[item.name]:
            gradients.append(
                self._add(f"{item.name}/pieces", "Concat", item, pieces, item.output_bytes, 0)
            )
        if item.kind == "Split" or not gradients:
            return gradients
        total = gradients[0]
        for number, gradient in enumerate(gradients[1:], start=1):
            size = max(total.size_bytes, gradient.size_bytes)
            name, operations = f"{item.name}/sum{number}", size // self.bytes_per_value
            total = self._add(name, "Binary add", item, [total, gradient], size, operations)
        return [total]

    def _add(
        self,
        name: str,
        kind: str,
        item: Drafted,
        reads: Iterable[Tensor],
        output_bytes: int,
        operations: int,
        stored_bytes: int = 0,
    ) -> Tensor:
        """A backward operator beside its forward one; `stored_bytes` are read besides."""
        parts = list(reads)
        traffic = stored_bytes + output_bytes + sum(part.size_bytes for part in parts)
        return self.draft.add(
            name,
            kind,
            parts,
            output_bytes,
            operations,
            group=item.group,
            traffic_bytes=traffic,
            is_backward=True,
        )

    def _pass_on(self, item: Drafted, gradients: list[Tensor]) -> list[Tensor]:
        """The parts whose gradient is that of the operator, which they now have."""
        if item.kind not in PASSING or not gradients:
            return []
        is_slice = item.kind == "Slice"
        passed = [
            part
            for part in item.reads
            if part.size_bytes and (is_slice or part.size_bytes == item.output_bytes)
        ]
        for part in passed:
            if part.operator in self.trained:
                kept = self._pieces if is_slice else self._gradients
                kept[part.operator].append(gradients[0])
        return passed

    def _spread(
        self, item: Drafted, gradients: list[Tensor], parts: list[Tensor], label: str
    ) -> None:
        """An operator for the gradient of each of these parts, as far as they are trained."""
        total = sum(part.size_bytes for part in parts)
        trained = [part for part in parts if part.operator in self.trained and part.size_bytes]
        for number, part in enumerate(trained, start=1):
            share = (part.size_bytes, total) if item.kind in CELLS else (1, 1)
            name = f"{item.name}/{label}{number if len(trained) > 1 else ''}"
            kept = [
                other
                for other in self._kept(item)
                if not (label == SHARED and self._is_variable(other))
                and not (item.kind in FACTORS and other.operator == part.operator)
            ]
            stored = sum(other.size_bytes for other in kept if self._is_variable(other))
            read = (stored + item.parameter_bytes) * share[0] // share[1]
            self._gradients[part.operator].append(
                self._add(
                    name,
                    item.kind,
                    item,
                    chain(gradients, kept),
                    part.size_bytes,
                    item.operations * share[0] // share[1],
                    0 if label == SHARED else read - stored,
                )
            )

    def _differentiate_own(self, item: Drafted, gradients: list[Tensor]) -> None:
        """The gradient of its own weights, which of a table is that of its rows, and the update."""
        kept = [part for part in self._kept(item) if not self._is_variable(part)]
        size = item.output_bytes if item.kind == "Embedding" else item.parameter_bytes
        name, reads = f"{item.name}/weights_gradient", chain(gradients, kept)
        self._update(item, self._add(name, item.kind, item, reads, size, item.operations))

    def _kept(self, item: Drafted) -> list[Tensor]:
        """What of the forward pass a gradient of the operator reads."""
        needed = needs(item.kind)
        kept = list(item.reads) if needed.inputs else []
        if needed.output:
            kept.append(Tensor(item.name, item.output_bytes))
        return kept

    def _update(self, item: Drafted, gradient: Tensor) -> None:
        """Weights and the optimizer's state are read and written, as far as there is a gradient."""
        values = gradient.size_bytes // self.bytes_per_value
        self.draft.add(
            f"{item.name}/update",
            UPDATE,
            [gradient],
            0,
            OPERATIONS_PER_VALUE * (1 + self.state_values) * values,
            self.state_values * item.parameter_bytes,
            item.group,
            traffic_bytes=(3 + 2 * self.state_values) * gradient.size_bytes,
            is_backward=True,
        )


def _trained(operators: Iterable[Drafted]) -> set[str]:
    """Operators whose output depends on weights, in order."""
    trained: set[str] = set()
    for item in operators:
        depends = item.parameter_bytes or any(
            part.operator in trained and part.size_bytes for part in item.reads
        )
        if depends and item.kind not in (INPUT, *CHOICES):
            trained.add(item.name)
    return trained
