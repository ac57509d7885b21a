"""Operators that take elements one by one."""

from dataclasses import dataclass
from enum import Enum

from apollo.workloads.operators.base import Operator
from apollo.workloads.shapes import Shape, Shapes, broadcast, elements


class BinaryKind(Enum):
    """Elementwise function of two operands."""

    ADD = "add"
    MULTIPLY = "multiply"
    SUBTRACT = "subtract"
    DIVIDE = "divide"
    MAXIMUM = "maximum"
    MINIMUM = "minimum"
    POWER = "power"  # by a constant only


class UnaryKind(Enum):
    """Elementwise function of one operand: at int8 each is a table of 256 entries."""

    RELU = "relu"
    RELU6 = "relu6"
    CLIP = "clip"
    LEAKY_RELU = "leaky_relu"
    ELU = "elu"
    SIGMOID = "sigmoid"
    HARD_SIGMOID = "hard_sigmoid"
    HARD_SWISH = "hard_swish"
    TANH = "tanh"
    GELU = "gelu"
    SOFTPLUS = "softplus"
    MISH = "mish"
    EXP = "exp"
    LOG = "log"
    SQRT = "sqrt"
    RECIPROCAL = "reciprocal"
    ABS = "abs"
    NEGATE = "negate"
    ERF = "erf"


_SUMMANDS = (BinaryKind.ADD, BinaryKind.SUBTRACT)


@dataclass(frozen=True)
class Binary(Operator):
    """Function, element by element, of two tensors or of one and a constant.

    Attributes:
        kind: the function.
        constant_shape: shape of the stored second operand; None if both operands are inputs.

    """

    kind: BinaryKind
    constant_shape: Shape | None = None

    def __post_init__(self) -> None:
        if len(self.inputs) != (1 if self.constant else 2):
            raise self._fail(
                f"{'one input and a constant' if self.constant else 'two inputs'} "
                f"must be given, not {len(self.inputs)} inputs"
            )
        if self.kind is BinaryKind.POWER and not self.constant:
            raise self._fail("the exponent must be constant")

    @property
    def constant(self) -> bool:
        """Whether the second operand is stored with the network."""
        return self.constant_shape is not None

    def infer(self, shapes: Shapes) -> Shape:
        """Shape to which both operands broadcast."""
        operands = [*shapes] if self.constant_shape is None else [*shapes, self.constant_shape]
        if len(operands) != 2:
            raise self._fail(f"there must be two operands, not {len(operands)}")
        try:
            return broadcast(operands[0], operands[1])
        except ValueError as error:
            raise self._fail(str(error)) from None

    def weights(self, shapes: Shapes) -> int:
        """Stored operands that are no summands."""
        return 0 if self.kind in _SUMMANDS else self._stored()

    def biases(self, shapes: Shapes) -> int:
        """Stored summands."""
        return self._stored() if self.kind in _SUMMANDS else 0

    def _stored(self) -> int:
        return 0 if self.constant_shape is None else elements(self.constant_shape)


@dataclass(frozen=True)
class Unary(Operator):
    """Function of each element.

    Attributes:
        kind: the function.
        arguments: its constants, such as the bounds of `CLIP` or the slope of `LEAKY_RELU`.

    """

    kind: UnaryKind
    arguments: tuple[float, ...] = ()

    def infer(self, shapes: Shapes) -> Shape:
        """Shape of the input."""
        return self._only(shapes)


@dataclass(frozen=True)
class PReLU(Operator):
    """Negative elements times a stored slope, one for each channel."""

    channels: int

    def __post_init__(self) -> None:
        self._require_positive(channels=self.channels)

    def infer(self, shapes: Shapes) -> Shape:
        """Shape of the input."""
        shape = self._only(shapes)
        if len(shape) < 2 or shape[1] != self.channels:
            raise self._fail(f"the input must have {self.channels} channels, not shape {shape}")
        return shape

    def weights(self, shapes: Shapes) -> int:
        """A slope per channel."""
        return self.channels
