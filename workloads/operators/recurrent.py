"""Recurrent layers: one step (n, c), or a sequence (n, t, c) step after step.

State goes in as further inputs and comes out as further outputs, so that a stream can be cut
anywhere. Every product of a step counts as multiply-accumulates; functions and products element
by element count none. Layers are stacked by adding several operators.
"""

from dataclasses import dataclass
from typing import ClassVar

from apollo.workloads.operators.base import Operator
from apollo.workloads.shapes import Shape, Shapes, elements


@dataclass(frozen=True)
class _Recurrent(Operator):
    """What recurrent layers share.

    Attributes:
        units: elements of the state behind the gates.
        bidirectional: whether a second layer reads the sequence backwards; outputs side by side.
        hidden: name of the hidden state after the last step, if it is wanted beside the output.

    """

    gates: ClassVar[int]
    states: ClassVar[int]

    units: int
    bidirectional: bool = False
    hidden: str = ""

    def __post_init__(self) -> None:
        self._require_positive(units=self.units)
        if len(self.inputs) not in (1, 1 + self.states):
            raise self._fail(f"there must be 1 or {1 + self.states} inputs, not {len(self.inputs)}")
        if self.bidirectional and (len(self.inputs) > 1 or len(self.outputs) > 1):
            raise self._fail("a bidirectional layer must have no state as input or output")

    @property
    def features(self) -> int:
        """Elements of the hidden state."""
        return self.units

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the output and of the states that are wanted."""
        return (self.output, *([self.hidden] if self.hidden else []))

    @property
    def directions(self) -> int:
        """How many layers run side by side."""
        return 2 if self.bidirectional else 1

    def infer(self, shapes: Shapes) -> Shape:
        """Shape (n, features), or (n, t, features) of a sequence."""
        shape = shapes[0] if shapes else ()
        if len(shape) not in (2, 3):
            raise self._fail(f"the input must have shape (n, c) or (n, t, c), not {shape}")
        expected = self.state_shapes(shape[0])
        if len(shapes) > 1 and tuple(shapes[1:]) != expected:
            raise self._fail(f"states must have shapes {[*expected]}, not {[*shapes[1:]]}")
        return *shape[:-1], self.features * self.directions

    def infer_all(self, shapes: Shapes) -> tuple[Shape, ...]:
        """Shapes of the output and of the states that are wanted."""
        states = dict(zip(self._state_names(), self.state_shapes(shapes[0][0]), strict=True))
        return self.infer(shapes), *(states[name] for name in self.outputs[1:])

    def state_shapes(self, batch: int) -> tuple[Shape, ...]:
        """Shapes of the states."""
        raise NotImplementedError

    def _state_names(self) -> tuple[str, ...]:
        raise NotImplementedError

    def macs(self, input_shapes: Shapes, output_shape: Shape) -> int:
        """Every stored factor once a step and item."""
        return elements(input_shapes[0][:-1]) * self.weights(input_shapes)

    def weights(self, shapes: Shapes) -> int:
        """Elements of the matrices: gates of inputs and hidden state."""
        joined = shapes[0][-1] + self.features
        return self.directions * self.gates * self.units * joined


@dataclass(frozen=True)
class LSTM(_Recurrent):
    """Long short-term memory (Hochreiter and Schmidhuber, 1997) with forget gates.

    Inputs are x, or x, hidden state (n, features) and memory (n, units).

    Attributes:
        projection: size to which the hidden state is projected, if it is (Sak et al., 2014).
        layer_norm: whether the gates are normalised, by a scale for each and their biases.
        memory: name of the memory after the last step, if it is wanted.

    """

    gates: ClassVar[int] = 4
    states: ClassVar[int] = 2

    projection: int | None = None
    layer_norm: bool = False
    memory: str = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.projection is not None:
            self._require_positive(projection=self.projection)

    @property
    def features(self) -> int:
        """Elements of the hidden state."""
        return self.units if self.projection is None else self.projection

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the output and of the states that are wanted."""
        return (self.output, *(name for name in (self.hidden, self.memory) if name))

    def state_shapes(self, batch: int) -> tuple[Shape, ...]:
        """Shapes of the hidden state and of the memory."""
        return (batch, self.features), (batch, self.units)

    def weights(self, shapes: Shapes) -> int:
        """Elements of the matrices: gates of inputs and hidden state, and the projection."""
        projected = 0 if self.projection is None else self.units * self.projection
        return super().weights(shapes) + self.directions * projected

    def biases(self, shapes: Shapes) -> int:
        """One per gate and unit."""
        return self.directions * self.gates * self.units

    def parameters(self, shapes: Shapes) -> int:
        """Weights, biases, and a scale per normalised gate and unit."""
        scales = self.directions * self.gates * self.units if self.layer_norm else 0
        return super().parameters(shapes) + scales

    def _state_names(self) -> tuple[str, ...]:
        return self.hidden, self.memory


@dataclass(frozen=True)
class GRU(_Recurrent):
    """Gated recurrent unit (Cho et al., 2014, arXiv:1406.1078).

    Inputs are x, or x and the hidden state (n, units).

    Attributes:
        reset_after: whether the reset gate acts behind the product, which then has own biases.

    """

    gates: ClassVar[int] = 3
    states: ClassVar[int] = 1

    reset_after: bool = False

    def state_shapes(self, batch: int) -> tuple[Shape, ...]:
        """Shape of the hidden state."""
        return ((batch, self.units),)

    def biases(self, shapes: Shapes) -> int:
        """One per gate and unit, two where the reset gate acts behind the product."""
        return self.directions * self.gates * self.units * (2 if self.reset_after else 1)

    def _state_names(self) -> tuple[str, ...]:
        return (self.hidden,)
