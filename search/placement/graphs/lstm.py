"""Long short-term memory, unrolled: weights once, and a cell for each step.

The steps of a layer share its weights. These are variables: each lies on one device, and a cell
elsewhere reads them over an edge, as TensorFlow sends a variable once a step of training to every
other device that reads it. So cells of a layer may be spread over devices, and what that costs is
in the graph.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from apollo.search.placement.graphs.draft import Draft, Tensor, variables
from apollo.search.placement.graphs.step import Detail, Step, joined
from apollo.workloads.figures import OPERATIONS_PER_MAC

GATES = 4
STATE_FUNCTIONS = 5  # keep, learn, update, bound, show


@dataclass(frozen=True)
class LSTMLayer:
    """A layer and its weights, which are of the group `NAME/weights`.

    Attributes:
        inputs: features that it reads.
        units: elements of the memory.
        projection: size to which the hidden state is projected, if it is.
        layer_norm: whether the gates are normalised, each unit with a scale.
        weights: one variable of all for whole cells (`weights`); `kernel`, `bias` and, where there
            are, `scale` and `projection` for cells that are written out.

    """

    name: str
    inputs: int
    units: int
    projection: int | None = None
    layer_norm: bool = False
    weights: Mapping[str, Tensor] = field(default_factory=dict)

    @property
    def features(self) -> int:
        """Elements of the hidden state."""
        return self.projection or self.units

    @property
    def factors(self) -> int:
        """Weights that are multiplied once a step and row."""
        projected = self.units * self.projection if self.projection else 0
        return self._kernel + projected

    @property
    def _kernel(self) -> int:
        return GATES * self.units * (self.inputs + self.features)

    def with_weights(self, draft: Draft, detail: Detail, bytes_per_value: int) -> "LSTMLayer":
        """The layer with its variables, added to the draft."""
        values = {"kernel": self._kernel, "bias": GATES * self.units}
        if self.layer_norm:
            values["scale"] = GATES * self.units
        if self.projection:
            values["projection"] = self.units * self.projection
        if detail is not Detail.OPERATORS:
            values = {"weights": sum(values.values())}
        return replace(self, weights=variables(draft, self.name, values, bytes_per_value))


def lstm_cell(
    layer: LSTMLayer,
    step: Step,
    reads: Sequence[Tensor],
    state: tuple[Tensor, Tensor],
    detail: Detail,
    keep_gates: bool = False,
) -> tuple[Tensor, Tensor]:
    """One step: the hidden state and the memory after it.

    A cell in one operator writes both, and with `keep_gates` the gates, which its gradient reads.
    """
    if detail is Detail.OPERATORS:
        return _written_out(layer, step, reads, *state)
    # Biases, functions of the gates and, where there are, their scales; then what makes the state.
    functions = GATES * (3 if layer.layer_norm else 2) + STATE_FUNCTIONS
    hidden, memory = step.cell(
        "LSTM",
        (*reads, *state, *layer.weights.values()),
        (layer.features, layer.units),
        OPERATIONS_PER_MAC * layer.factors + functions * layer.units,
        GATES * layer.units if keep_gates else 0,
    )
    return hidden, memory


def _written_out(
    layer: LSTMLayer, step: Step, reads: Sequence[Tensor], hidden: Tensor, memory: Tensor
) -> tuple[Tensor, Tensor]:
    units = layer.units
    inputs, forget, candidate, output = _gates(layer, step, joined(step, "join", (*reads, hidden)))
    kept = step.function("keep", "Binary multiply", (forget, memory), units)
    learnt = step.function("learn", "Binary multiply", (inputs, candidate), units)
    memory = step.function("update", "Binary add", (kept, learnt), units)
    bounded = step.function("bound", "Unary tanh", (memory,), units)
    hidden = step.function("show", "Binary multiply", (output, bounded), units)
    if layer.projection:
        hidden = step.product("project", hidden, layer.weights["projection"], layer.features)
    return hidden, memory


def _gates(layer: LSTMLayer, step: Step, source: Tensor) -> list[Tensor]:
    """Input, forget, candidate and output gate: one product, cut in four."""
    every = GATES * layer.units
    sums = step.product("gates", source, layer.weights["kernel"], every)
    if layer.layer_norm:
        scaled = (sums, layer.weights["scale"])
        sums = step.function("norm", "LayerNormalization", scaled, every)
    sums = step.function("bias", "Binary add", (sums, layer.weights["bias"]), every)
    parts = step.function("split", "Split", (sums,), every, operations=0)
    gates = []
    for label, kind in (
        ("input", "Unary sigmoid"),
        ("forget", "Unary sigmoid"),
        ("candidate", "Unary tanh"),
        ("output", "Unary sigmoid"),
    ):
        part = Tensor(parts.operator, step.size(layer.units), label)
        gates.append(step.function(label, kind, (part,), layer.units))
    return gates
