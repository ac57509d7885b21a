"""The operator graph of any network: of the catalogue, or of an ONNX or TFLite file.

One operator for each of the network, but a reshape is none: who reads it reads what it reads; and a
split is one for each part, so that an operator writes one tensor and each part travels by itself.
Normalisations stay operators, as in training. Inputs are operators of kind `Input` in the group of
their first reader. Recurrent layers can be taken apart by steps (`Detail`); what lies between
their layers step by step, sums, joins and attention, is then taken apart, too, and `Slice` and
`Concat` lead from whole sequences to steps and back.
"""

from dataclasses import replace

from apollo.search.placement.graph import OperatorGraph
from apollo.search.placement.graphs.draft import Draft, Tensor, sliced
from apollo.search.placement.graphs.operations import operations_of, traffic_of
from apollo.search.placement.graphs.step import Detail, joined
from apollo.search.placement.graphs.unroll import BYTES_PER_VALUE, Reads, Unrolling
from apollo.workloads.graph import Graph
from apollo.workloads.operators import (
    GRU,
    LSTM,
    Binary,
    Concat,
    MatMul,
    Operator,
    Reshape,
    Softmax,
    Split,
    Unary,
)
from apollo.workloads.shapes import elements


def lower_graph(
    graph: Graph,
    bytes_per_value: int = BYTES_PER_VALUE,
    detail: Detail = Detail.LAYERS,
    keep_gates: bool = False,
) -> OperatorGraph:
    """The operators of a network; with `keep_gates` whole cells keep theirs for a gradient."""
    lowering = _Lowering(graph, bytes_per_value, detail, keep_gates)
    for operator in graph.operators:
        lowering.lower(operator)
    return replace(lowering.draft.graph(), network=graph)


class _Lowering:
    """What has been lowered so far: tensors of the network as whole ones, by steps, or both."""

    def __init__(
        self, graph: Graph, bytes_per_value: int, detail: Detail, keep_gates: bool
    ) -> None:
        self.graph, self.draft = graph, Draft(graph.name)
        self.bytes_per_value, self.detail, self.keep_gates = bytes_per_value, detail, keep_gates
        self._whole: dict[str, Tensor] = {}
        self._steps: dict[str, list[Tensor]] = {}

    def lower(self, operator: Operator) -> None:
        """Add the operator, or its steps."""
        if isinstance(operator, Reshape):
            self._whole[operator.output] = self._read(operator.inputs[0], operator.name)
        elif isinstance(operator, Split):
            self._split(operator)
        elif isinstance(operator, LSTM | GRU) and self.detail is not Detail.LAYERS:
            self._unroll(operator)
        elif self._is_stepwise(operator):
            self._step_by_step(operator)
        else:
            self._add(operator)

    def _size(self, tensor: str) -> int:
        return elements(self.graph.tensor(tensor).shape) * self.bytes_per_value

    def _add(self, operator: Operator) -> None:
        shapes = self.graph.input_shapes(operator)
        reads = [self._read(name, operator.name) for name in operator.inputs]
        self.draft.add(
            operator.name,
            operator.label,
            reads,
            sum(self._size(name) for name in operator.outputs),
            operations_of(self.graph, operator),
            operator.parameters(shapes) * self.bytes_per_value,
            traffic_bytes=traffic_of(self.graph, operator) * self.bytes_per_value,
        )
        for name in operator.outputs:
            part = name if len(operator.outputs) > 1 else ""
            self._whole[name] = Tensor(operator.name, self._size(name), part)

    def _split(self, operator: Split) -> None:
        """An operator for each part, as readers of one do not read the others."""
        source = self._read(operator.inputs[0], operator.name)
        for number, name in enumerate(operator.outputs):
            size = self._size(name)
            self._whole[name] = self.draft.add(
                f"{operator.name}/slice{number}",
                "Slice",
                [source],
                size,
                group=operator.name,
                traffic_bytes=2 * size,
            )

    def _read(self, tensor: str, reader: str) -> Tensor:
        """The whole tensor; steps are put together, an input comes with its first reader."""
        if tensor not in self._whole and tensor in self._steps:
            name, size = f"{tensor}/stack", self._size(tensor)
            self._whole[tensor] = self.draft.add(name, "Concat", self._steps[tensor], size)
        if tensor not in self._whole:
            name = f"input/{tensor}"
            self._whole[tensor] = self.draft.input(name, self._size(tensor), reader)
        return self._whole[tensor]

    def _read_steps(self, tensor: str, reader: str) -> list[Tensor]:
        """The tensor (n, t, ...) by steps; what is whole is cut into them."""
        if tensor not in self._steps:
            source, count = self._read(tensor, reader), self.graph.tensor(tensor).shape[1]
            group = self.draft.operators[source.operator].group
            self._steps[tensor] = sliced(self.draft, tensor, source, count, group)
        return self._steps[tensor]

    def _is_stepwise(self, operator: Operator) -> bool:
        """Whether each step of the output needs one step of what is already cut in steps."""
        shape = self.graph.tensor(operator.output).shape
        shapes = self.graph.input_shapes(operator)
        if len(shape) != 3 or not any(name in self._steps for name in operator.inputs):
            return False
        if isinstance(operator, MatMul):
            return operator.inputs[0] in self._steps and not operator.transpose_left
        if isinstance(operator, Concat | Softmax) and operator.axis != 2:
            return False
        if isinstance(operator, Binary) and operator.constant:
            return False
        steps_agree = all(len(item) == 3 and item[1] == shape[1] for item in shapes)
        return steps_agree and isinstance(operator, Binary | Concat | Softmax | Unary)

    def _step_by_step(self, operator: Operator) -> None:
        """Step by step; the right matrix of a product is read as a whole."""
        count = self.graph.tensor(operator.output).shape[1]
        stepped = operator.inputs[:1] if isinstance(operator, MatMul) else operator.inputs
        whole = operator.inputs[len(stepped) :]
        reads = [self._read_steps(name, operator.name) for name in stepped]
        others = [self._read(name, operator.name) for name in whole]
        self._steps[operator.output] = [
            self.draft.add(
                f"{operator.name}/step{number}",
                operator.label,
                [*(read[number] for read in reads), *others],
                self._size(operator.output) // count,
                operations_of(self.graph, operator) // count,
            )
            for number in range(count)
        ]

    def _unroll(self, operator: LSTM | GRU) -> None:
        shape = self.graph.input_shapes(operator)[0]
        unrolling = Unrolling(
            self.draft, shape[0], self.detail, self.keep_gates, self.bytes_per_value
        )
        name = f"{operator.name}/ahead" if operator.bidirectional else operator.name
        if len(shape) == 3:
            reads = [[part] for part in self._read_steps(operator.inputs[0], name)]
        else:
            reads = [[self._read(operator.inputs[0], f"{name}/step0")]]
        outputs = self._layer(unrolling, operator, name, reads)
        if operator.bidirectional:
            behind = self._layer(unrolling, operator, f"{operator.name}/behind", reads[::-1])
            outputs = [
                joined(unrolling.step(operator.name, number), "join", pair)
                for number, pair in enumerate(zip(outputs, behind[::-1], strict=True))
            ]
        if len(shape) == 3:
            self._steps[operator.output] = outputs
        else:
            self._whole[operator.output] = outputs[0]

    def _layer(
        self, unrolling: Unrolling, operator: LSTM | GRU, name: str, reads: Reads
    ) -> list[Tensor]:
        """Outputs of all steps; the states after the last are noted where they are wanted."""
        given = [self._read(item, f"{name}/step0") for item in operator.inputs[1:]]
        if isinstance(operator, GRU):
            state = given[0] if given else None
            outputs = unrolling.gru(name, reads, operator.units, operator.reset_after, state)
            last = {operator.hidden: outputs[-1]}
        else:
            outputs, (hidden, memory) = unrolling.lstm(
                name,
                reads,
                operator.units,
                operator.projection,
                operator.layer_norm,
                (given[0], given[1]) if given else None,
            )
            last = {operator.hidden: hidden, operator.memory: memory}
        self._whole |= {label: tensor for label, tensor in last.items() if label}
        return outputs
