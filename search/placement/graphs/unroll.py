"""Recurrent layers over steps."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from apollo.search.placement.graphs.draft import Draft, Tensor
from apollo.search.placement.graphs.gru import GRULayer, gru_cell
from apollo.search.placement.graphs.lstm import LSTMLayer, lstm_cell
from apollo.search.placement.graphs.step import Detail, Step

BYTES_PER_VALUE = 4
Reads = Sequence[Sequence[Tensor]]  # of every step
LayerT = TypeVar("LayerT", LSTMLayer, GRULayer)
LSTMState = tuple[Tensor, Tensor]  # hidden state and memory


@dataclass(frozen=True)
class Unrolling:
    """Where layers go, and how far they are taken apart.

    Attributes:
        draft: collects their operators.
        batch: rows of every tensor.
        detail: whether a cell is one operator or several.
        keep_gates: whether a cell of one operator keeps its gates for its gradient.
        bytes_per_value: of every tensor.

    """

    draft: Draft
    batch: int
    detail: Detail = Detail.CELLS
    keep_gates: bool = False
    bytes_per_value: int = BYTES_PER_VALUE

    def step(self, name: str, number: int) -> Step:
        """Where the operators of a step of a layer go."""
        return Step(self.draft, f"{name}/step{number}", self.batch, self.bytes_per_value)

    def features(self, tensors: Sequence[Tensor]) -> int:
        """Elements of a row of all of them side by side."""
        return sum(item.size_bytes for item in tensors) // (self.batch * self.bytes_per_value)

    def zeros(self, name: str, features: int) -> Tensor:
        """The state before the first step of a layer, which comes from outside."""
        layer, _, _ = name.rpartition("/")
        size = self.batch * features * self.bytes_per_value
        return self.draft.input(name, size, group=f"{layer}/step0")

    def weighted(self, layer: LayerT) -> LayerT:
        """A layer with its weights."""
        return layer.with_weights(self.draft, self.detail, self.bytes_per_value)

    def lstm_zeros(self, layer: LSTMLayer) -> LSTMState:
        """The state before the first step."""
        hidden = self.zeros(f"{layer.name}/hidden", layer.features)
        return hidden, self.zeros(f"{layer.name}/memory", layer.units)

    def lstm_step(
        self, layer: LSTMLayer, number: int, reads: Sequence[Tensor], state: LSTMState
    ) -> LSTMState:
        """The state after a step."""
        step = self.step(layer.name, number)
        return lstm_cell(layer, step, reads, state, self.detail, self.keep_gates)

    def lstm(
        self,
        name: str,
        reads: Reads,
        units: int,
        projection: int | None = None,
        layer_norm: bool = False,
        state: LSTMState | None = None,
    ) -> tuple[list[Tensor], LSTMState]:
        """A layer over all steps: its outputs, and its state after the last."""
        inputs = self.features(reads[0])
        layer = self.weighted(LSTMLayer(name, inputs, units, projection, layer_norm))
        state, outputs = state or self.lstm_zeros(layer), []
        for number, tensors in enumerate(reads):
            state = self.lstm_step(layer, number, tensors, state)
            outputs.append(state[0])
        return outputs, state

    def gru(
        self,
        name: str,
        reads: Reads,
        units: int,
        reset_after: bool = False,
        state: Tensor | None = None,
    ) -> list[Tensor]:
        """A layer over all steps: its outputs."""
        layer = self.weighted(GRULayer(name, self.features(reads[0]), units, reset_after))
        outputs = []
        state = state or self.zeros(f"{name}/hidden", units)
        for number, tensors in enumerate(reads):
            step = self.step(name, number)
            state = gru_cell(layer, step, tensors, state, self.detail, self.keep_gates)
            outputs.append(state)
        return outputs
