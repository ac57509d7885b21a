"""Long short-term memory, unrolled: weights once, and a cell for each step.

The steps of a layer share its weights. These are variables: each lies on one device, and a cell
elsewhere reads them over an edge, as TensorFlow sends a variable once a step of training to every
other device that reads it. So cells of a layer may be spread over devices, and what that costs is
in the graph.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from apollo.search.placement.graphs.draft import Draft, Tensor
from apollo.search.placement.graphs.step import Detail, Step, joined
from apollo.workloads.figures import OPERATIONS_PER_MAC

GATES = 4
STATE_FUNCTIONS = 5  # keep, learn, update, bound, show


@dataclass(frozen=True)
class LSTMLayer:
    """A layer's weights; they are of the group `NAME/weights`.

    Attributes:
        units: elements of the memory.
        features: elements of the hidden state, which is projected where they differ.
        kernel: (inputs + features, gates * units).
        bias: one for each gate and unit.
        scale: of normalised gates, where they are.
        projection: (units, features), where there is one.

    """

    name: str
    units: int
    features: int
    kernel: Tensor
    bias: Tensor
    scale: Tensor | None = None
    projection: Tensor | None = None

    @property
    def variables(self) -> tuple[Tensor, ...]:
        """All weights."""
        variables = (self.kernel, self.bias, self.scale, self.projection)
        return tuple(item for item in variables if item is not None)


def lstm_layer(
    draft: Draft,
    name: str,
    inputs: int,
    units: int,
    projection: int | None = None,
    layer_norm: bool = False,
    bytes_per_value: int = 4,
) -> LSTMLayer:
    """The weights of a layer that reads `inputs` features, added to the draft."""
    features = projection or units

    def variable(label: str, values: int) -> Tensor:
        size = values * bytes_per_value
        return draft.variable(f"{name}/{label}", size, group=f"{name}/weights")

    return LSTMLayer(
        name,
        units,
        features,
        variable("kernel", GATES * units * (inputs + features)),
        variable("bias", GATES * units),
        variable("scale", GATES * units) if layer_norm else None,
        variable("projection", units * projection) if projection else None,
    )


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
    kernel = layer.kernel.size_bytes // step.bytes_per_value
    projection = layer.projection.size_bytes // step.bytes_per_value if layer.projection else 0
    # Biases, functions of the gates and, where there are, their scales; then what makes the state.
    functions = GATES * (3 if layer.scale else 2) + STATE_FUNCTIONS
    hidden, memory = step.cell(
        "LSTM",
        (*reads, *state, *layer.variables),
        (layer.features, layer.units),
        OPERATIONS_PER_MAC * (kernel + projection) + functions * layer.units,
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
        hidden = step.product("project", hidden, layer.projection, layer.features)
    return hidden, memory


def _gates(layer: LSTMLayer, step: Step, source: Tensor) -> list[Tensor]:
    """Input, forget, candidate and output gate: one product, cut in four."""
    every = GATES * layer.units
    sums = step.product("gates", source, layer.kernel, every)
    if layer.scale:
        sums = step.function("norm", "LayerNormalization", (sums, layer.scale), every)
    sums = step.function("bias", "Binary add", (sums, layer.bias), every)
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
