"""Gated recurrent units, unrolled: weights once, and a cell for each step (see `lstm`)."""

from collections.abc import Sequence
from dataclasses import dataclass

from apollo.search.placement.graphs.draft import Draft, Tensor
from apollo.search.placement.graphs.step import Detail, Step, joined
from apollo.workloads.figures import OPERATIONS_PER_MAC

GATES = 2  # update and reset; the candidate has weights of its own
# Biases and functions of both gates and the candidate; reset, differ, weigh, show.
FUNCTIONS = 2 * (GATES + 1) + 4


@dataclass(frozen=True)
class GRULayer:
    """A layer's weights; they are of the group `NAME/weights`.

    Attributes:
        units: elements of the hidden state.
        variables: kernel and bias of the gates, kernel and bias of the candidate.

    """

    name: str
    units: int
    variables: tuple[Tensor, Tensor, Tensor, Tensor]


def gru_layer(
    draft: Draft, name: str, inputs: int, units: int, reset_after: bool, bytes_per_value: int = 4
) -> GRULayer:
    """The weights of a layer that reads `inputs` features, added to the draft."""

    def variable(label: str, values: int) -> Tensor:
        size = values * bytes_per_value
        return draft.variable(f"{name}/{label}", size, group=f"{name}/weights")

    biases = 2 * units if reset_after else units
    return GRULayer(
        name,
        units,
        (
            variable("kernel", GATES * units * (inputs + units)),
            variable("bias", GATES * biases),
            variable("candidate_kernel", units * (inputs + units)),
            variable("candidate_bias", biases),
        ),
    )


def gru_cell(
    layer: GRULayer,
    step: Step,
    reads: Sequence[Tensor],
    hidden: Tensor,
    detail: Detail,
    keep_gates: bool = False,
) -> Tensor:
    """The hidden state after one step; with `keep_gates` a whole cell keeps them."""
    if detail is Detail.OPERATORS:
        return _written_out(layer, step, reads, hidden)
    kernel, _, candidate, _ = (item.size_bytes // step.bytes_per_value for item in layer.variables)
    (hidden,) = step.cell(
        "GRU",
        (*reads, hidden, *layer.variables),
        (layer.units,),
        OPERATIONS_PER_MAC * (kernel + candidate) + FUNCTIONS * layer.units,
        (GATES + 1) * layer.units if keep_gates else 0,
    )
    return hidden


def _written_out(layer: GRULayer, step: Step, reads: Sequence[Tensor], hidden: Tensor) -> Tensor:
    """The reset gate acts before the product: where it acts behind, as much is computed."""
    kernel, bias, candidate_kernel, candidate_bias = layer.variables
    units, both = layer.units, GATES * layer.units
    sums = step.product("gates", joined(step, "join", (*reads, hidden)), kernel, both)
    sums = step.function("bias", "Binary add", (sums, bias), both)
    gates = step.function("gate", "Unary sigmoid", (sums,), both)
    parts = step.function("split", "Split", (gates,), both, operations=0)
    update, reset = (
        Tensor(parts.operator, step.size(units), label) for label in ("update", "reset")
    )
    shown = step.function("reset", "Binary multiply", (reset, hidden), units)
    source = joined(step, "join_candidate", (*reads, shown))
    candidate = step.product("candidate", source, candidate_kernel, units)
    candidate = step.function("candidate_bias", "Binary add", (candidate, candidate_bias), units)
    candidate = step.function("candidate_tanh", "Unary tanh", (candidate,), units)
    differing = step.function("differ", "Binary subtract", (hidden, candidate), units)
    kept = step.function("weigh", "Binary multiply", (update, differing), units)
    return step.function("show", "Binary add", (candidate, kept), units)
