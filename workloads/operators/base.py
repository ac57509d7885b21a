"""What every operator is: names, shapes and costs."""

from dataclasses import dataclass
from enum import Enum
from typing import ClassVar

from apollo.workloads.shapes import Shape, Shapes


@dataclass(frozen=True)
class Operator:
    """One operator of a network.

    Attributes:
        name: unique in its network.
        inputs: names of the tensors read.
        output: name of the first tensor written, the only one of most operators.
        on_host: whether it runs on the host processor, not on the accelerator.

    """

    on_host: ClassVar[bool] = False

    name: str
    inputs: tuple[str, ...]
    output: str

    @property
    def label(self) -> str:
        """Kind of the operator for people, such as `Convolution` or `Pool average`."""
        kind = getattr(self, "kind", None)
        return type(self).__name__ + (f" {kind.value}" if isinstance(kind, Enum) else "")

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the tensors written, `output` first."""
        return (self.output,)

    def infer(self, shapes: Shapes) -> Shape:
        """Shape of the first output, given the shapes of the inputs."""
        raise NotImplementedError

    def infer_all(self, shapes: Shapes) -> tuple[Shape, ...]:
        """Shapes of all outputs, given the shapes of the inputs."""
        return (self.infer(shapes),)

    def moves_batch(self, shapes: Shapes) -> bool:
        """Whether the first dimension of the inputs is not the first one of the output."""
        return False

    def macs(self, input_shapes: Shapes, output_shape: Shape) -> int:
        """Multiply-accumulates."""
        return 0

    def weights(self, shapes: Shapes) -> int:
        """Stored factors, given the shapes of the inputs."""
        return 0

    def biases(self, shapes: Shapes) -> int:
        """Stored summands, given the shapes of the inputs."""
        return 0

    def parameters(self, shapes: Shapes) -> int:
        """Stored values, given the shapes of the inputs."""
        return self.weights(shapes) + self.biases(shapes)

    def _fail(self, reason: str) -> ValueError:
        return ValueError(f"{type(self).__name__} {self.name!r}: {reason}.")

    def _require_positive(self, **values: int | tuple[int, ...]) -> None:
        for field, value in values.items():
            if min(value if isinstance(value, tuple) else (value,)) < 1:
                raise self._fail(f"{field} must be positive, not {value}")

    def _require_axis(self, shape: Shape, *axes: int) -> None:
        for axis in axes:
            if not 0 <= axis < len(shape):
                raise self._fail(f"axis must be in 0..{len(shape) - 1} for {shape}, not {axis}")

    def _image(self, shapes: Shapes) -> Shape:
        """The only input, which must be (n, c, h, w)."""
        shape = self._only(shapes)
        if len(shape) != 4:
            raise self._fail(f"the input must have shape (n, c, h, w), not {shape}")
        return shape

    def _only(self, shapes: Shapes) -> Shape:
        if len(shapes) != 1:
            raise self._fail(f"there must be one input, not {len(shapes)}")
        return shapes[0]

    def _pair(self, shapes: Shapes) -> tuple[Shape, Shape]:
        if len(shapes) != 2:
            raise self._fail(f"there must be two inputs, not {len(shapes)}")
        return shapes[0], shapes[1]
