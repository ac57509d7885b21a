"""Gated recurrent units, unrolled: weights once, and a cell for each step (see `lstm`)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from apollo.search.placement.graphs.draft import Draft, Tensor, variables
from apollo.search.placement.graphs.step import Detail, Step, joined
from apollo.workloads.figures import OPERATIONS_PER_MAC

GATES = 2  # update and reset; the candidate has weights of its own
# Biases and functions of both gates and the candidate; reset, differ, weigh, show.
FUNCTIONS = 2 * (GATES + 1) + 4


@dataclass(frozen=True)
class GRULayer:
    """A layer and its weights, which are of the group `NAME/weights`.

    Attributes:
        inputs: features that it reads.
        units: elements of the hidden state.
        reset_after: whether the products of the hidden state have biases of their own.
        weights: one variable of all for whole cells (`weights`), else `kernel` and `bias` of the
            gates, `candidate_kernel` and `candidate_bias`.

    """

    name: str
    inputs: int
    units: int
    reset_after: bool = False
    weights: Mapping[str, Tensor] = field(default_factory=dict)

    @property
    def factors(self) -> int:
        """Weights that are multiplied once a step and row."""
        return (GATES + 1) * self.units * (self.inputs + self.units)

    def with_weights(self, draft: Draft, detail: Detail, bytes_per_value: int) -> "GRULayer":
        """The layer with its variables, added to the draft."""
        candidate = self.factors // (GATES + 1)
        biases = 2 * self.units if self.reset_after else self.units
        values = {
            "kernel": GATES * candidate,
            "bias": GATES * biases,
            "candidate_kernel": candidate,
            "candidate_bias": biases,
        }
        if detail is not Detail.OPERATORS:
            values = {"weights": sum(values.values())}
        return replace(self, weights=variables(draft, self.name, values, bytes_per_value))


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
    (hidden,) = step.cell(
        "GRU",
        (*reads, hidden, *layer.weights.values()),
        (layer.units,),
        OPERATIONS_PER_MAC * layer.factors + FUNCTIONS * layer.units,
        (GATES + 1) * layer.units if keep_gates else 0,
    )
    return hidden


def _written_out(layer: GRULayer, step: Step, reads: Sequence[Tensor], hidden: Tensor) -> Tensor:
    """The reset gate acts before the product: where it acts behind, as much is computed."""
    kernel, bias, candidate_kernel, candidate_bias = layer.weights.values()
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
