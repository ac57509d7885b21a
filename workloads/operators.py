"""The operators of a network: what each computes, its output shape and its cost.

An operator names the tensors it reads and the one tensor it writes. It knows the shape of its
output from the shapes of its inputs (`infer`), and how many multiply-accumulates and stored
values it takes (`macs`, `weights`, `biases`, `parameters`). Only convolutions and fully connected
layers count multiply-accumulates, as published figures do.
"""

from dataclasses import dataclass
from enum import Enum

from apollo.workloads.shapes import (
    NO_PADDING,
    Padding,
    Pair,
    Shape,
    Shapes,
    broadcast,
    elements,
    window_positions,
)


class PoolKind(Enum):
    """What a pooling window yields."""

    MAX = "max"
    AVERAGE = "average"


class BinaryKind(Enum):
    """Elementwise function of two operands."""

    ADD = "add"
    MULTIPLY = "multiply"


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


@dataclass(frozen=True)
class Operator:
    """One operator of a network.

    Attributes:
        name: unique in its network.
        inputs: names of the tensors read.
        output: name of the tensor written.

    """

    name: str
    inputs: tuple[str, ...]
    output: str

    @property
    def label(self) -> str:
        """Kind of the operator for people, such as `Convolution` or `Pool average`."""
        kind = getattr(self, "kind", None)
        return type(self).__name__ + (f" {kind.value}" if isinstance(kind, Enum) else "")

    def infer(self, shapes: Shapes) -> Shape:
        """Shape of the output, given the shapes of the inputs."""
        raise NotImplementedError

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


@dataclass(frozen=True)
class _Window(Operator):
    """What convolutions and pools share: a window that slides over an image."""

    def _positions(
        self, shape: Shape, kernel: Pair, stride: Pair, padding: Padding, dilation: Pair = (1, 1)
    ) -> Pair:
        try:
            return window_positions(shape, kernel, stride, padding, dilation)
        except ValueError as error:
            raise self._fail(str(error)) from None

    def _check_window(
        self, kernel: Pair, stride: Pair, padding: Padding, dilation: Pair = (1, 1)
    ) -> None:
        self._require_positive(kernel=kernel, stride=stride, dilation=dilation)
        if min(padding) < 0:
            raise self._fail(f"padding must not be negative, as in {padding}")


@dataclass(frozen=True)
class Convolution(_Window):
    """Two-dimensional convolution; `groups` equal to the input channels makes it depthwise."""

    out_channels: int
    kernel: Pair
    stride: Pair = (1, 1)
    padding: Padding = NO_PADDING
    dilation: Pair = (1, 1)
    groups: int = 1
    bias: bool = False

    def __post_init__(self) -> None:
        self._require_positive(out_channels=self.out_channels, groups=self.groups)
        self._check_window(self.kernel, self.stride, self.padding, self.dilation)
        if self.out_channels % self.groups:
            raise self._fail(
                f"out_channels must be a multiple of groups ({self.groups}), "
                f"not {self.out_channels}"
            )

    def infer(self, shapes: Shapes) -> Shape:
        """Shape (n, out_channels, h, w)."""
        shape = self._image(shapes)
        if shape[1] % self.groups:
            raise self._fail(
                f"input channels must be a multiple of groups ({self.groups}), not {shape[1]}"
            )
        window = (self.kernel, self.stride, self.padding, self.dilation)
        return shape[0], self.out_channels, *self._positions(shape, *window)

    def macs(self, input_shapes: Shapes, output_shape: Shape) -> int:
        """One per output element and tap, padding included."""
        return elements(output_shape) * self._taps(input_shapes)

    def weights(self, shapes: Shapes) -> int:
        """Elements of the kernels."""
        return self.out_channels * self._taps(shapes)

    def biases(self, shapes: Shapes) -> int:
        """One per output channel, if any."""
        return self.out_channels if self.bias else 0

    def _taps(self, shapes: Shapes) -> int:
        return self._image(shapes)[1] // self.groups * self.kernel[0] * self.kernel[1]


@dataclass(frozen=True)
class FullyConnected(Operator):
    """Matrix product with stored weights; an image is flattened first."""

    out_features: int
    bias: bool = False

    def __post_init__(self) -> None:
        self._require_positive(out_features=self.out_features)

    def infer(self, shapes: Shapes) -> Shape:
        """Shape (n, out_features)."""
        shape = self._only(shapes)
        if len(shape) not in (2, 4):
            raise self._fail(f"the input must have shape (n, c) or (n, c, h, w), not {shape}")
        return shape[0], self.out_features

    def macs(self, input_shapes: Shapes, output_shape: Shape) -> int:
        """One per input and output feature of every row."""
        return elements(output_shape) * elements(self._only(input_shapes)[1:])

    def weights(self, shapes: Shapes) -> int:
        """Elements of the matrix."""
        return self.out_features * elements(self._only(shapes)[1:])

    def biases(self, shapes: Shapes) -> int:
        """One per output feature, if any."""
        return self.out_features if self.bias else 0


@dataclass(frozen=True)
class BatchNormalization(Operator):
    """Scale and shift of every channel, by constants."""

    channels: int

    def __post_init__(self) -> None:
        self._require_positive(channels=self.channels)

    def infer(self, shapes: Shapes) -> Shape:
        """Shape of the input."""
        shape = self._only(shapes)
        if len(shape) not in (2, 4) or shape[1] != self.channels:
            raise self._fail(f"the input must have {self.channels} channels, not shape {shape}")
        return shape

    def parameters(self, shapes: Shapes) -> int:
        """A scale and a shift per channel: to what inference reduces the four trained values."""
        return 2 * self.channels


@dataclass(frozen=True)
class Pool(_Window):
    """Maximum or average of a window; a global pool has the window of its input.

    Rounding the output size up (`ceil_mode` elsewhere) is expressed by more padding.

    Attributes:
        include_padding: whether an average divides by the whole window at the border.

    """

    kind: PoolKind
    kernel: Pair
    stride: Pair = (1, 1)
    padding: Padding = NO_PADDING
    include_padding: bool = False

    def __post_init__(self) -> None:
        self._check_window(self.kernel, self.stride, self.padding)

    def infer(self, shapes: Shapes) -> Shape:
        """Shape (n, c, h, w)."""
        shape = self._image(shapes)
        return *shape[:2], *self._positions(shape, self.kernel, self.stride, self.padding)


@dataclass(frozen=True)
class Binary(Operator):
    """Sum or product, element by element, of two tensors or of one and a constant.

    Attributes:
        kind: the function.
        constant_shape: shape of the stored operand; None if both operands are inputs.

    """

    kind: BinaryKind
    constant_shape: Shape | None = None

    def __post_init__(self) -> None:
        if len(self.inputs) != (1 if self.constant else 2):
            raise self._fail(
                f"{'one input and a constant' if self.constant else 'two inputs'} "
                f"must be given, not {len(self.inputs)} inputs"
            )

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
        """Stored factors."""
        return self._stored() if self.kind is BinaryKind.MULTIPLY else 0

    def biases(self, shapes: Shapes) -> int:
        """Stored summands."""
        return self._stored() if self.kind is BinaryKind.ADD else 0

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
class Concat(Operator):
    """Inputs one after the other along `axis`."""

    axis: int = 1

    def infer(self, shapes: Shapes) -> Shape:
        """Shape of the inputs with the sum of their extents along `axis`."""
        if not shapes or not 0 <= self.axis < len(shapes[0]):
            raise self._fail(f"there must be inputs that have axis {self.axis}")
        first, axis = shapes[0], self.axis
        others = {(*shape[:axis], *shape[axis + 1 :]) for shape in shapes}
        if len(others) > 1:
            raise self._fail(f"inputs must agree but along axis {axis}, unlike {list(shapes)}")
        return *first[:axis], sum(shape[axis] for shape in shapes), *first[axis + 1 :]


@dataclass(frozen=True)
class Reshape(Operator):
    """The same elements in the same order under another shape."""

    shape: Shape

    def infer(self, shapes: Shapes) -> Shape:
        """The shape asked for."""
        shape = self._only(shapes)
        if min(self.shape, default=1) < 1 or elements(shape) != elements(self.shape):
            raise self._fail(f"{self.shape} must have the {elements(shape)} elements of {shape}")
        return self.shape


@dataclass(frozen=True)
class Transpose(Operator):
    """Dimension `i` of the output is dimension `perm[i]` of the input."""

    perm: tuple[int, ...]

    def infer(self, shapes: Shapes) -> Shape:
        """The permuted shape."""
        shape = self._only(shapes)
        if sorted(self.perm) != list(range(len(shape))):
            raise self._fail(f"perm must order the dimensions of {shape}, not be {self.perm}")
        return tuple(shape[dimension] for dimension in self.perm)


@dataclass(frozen=True)
class Softmax(Operator):
    """Exponentials over channels, divided by their sum."""

    def infer(self, shapes: Shapes) -> Shape:
        """Shape of the input."""
        return self._only(shapes)


@dataclass(frozen=True)
class LocalResponseNormalization(Operator):
    """Division by (bias + alpha/size * sum of squares over `size` channels) ** beta."""

    size: int
    alpha: float = 1e-4
    beta: float = 0.75
    bias: float = 1.0

    def __post_init__(self) -> None:
        self._require_positive(size=self.size)

    def infer(self, shapes: Shapes) -> Shape:
        """Shape of the input."""
        return self._image(shapes)
