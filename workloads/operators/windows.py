"""Operators whose window slides over an image: convolutions and pools."""

from dataclasses import dataclass
from enum import Enum

from apollo.workloads.operators.base import Operator
from apollo.workloads.shapes import (
    NO_PADDING,
    Padding,
    Pair,
    Shape,
    Shapes,
    elements,
    transposed_positions,
    window_positions,
)


class PoolKind(Enum):
    """What a pooling window yields."""

    MAX = "max"
    AVERAGE = "average"


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
class _Kernels(_Window):
    """What a convolution and its transpose share: stored kernels, in groups of channels."""

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

    def weights(self, shapes: Shapes) -> int:
        """Elements of the kernels."""
        return self.out_channels * self._taps(shapes)

    def biases(self, shapes: Shapes) -> int:
        """One per output channel, if any."""
        return self.out_channels if self.bias else 0

    def _grouped_image(self, shapes: Shapes) -> Shape:
        shape = self._image(shapes)
        if shape[1] % self.groups:
            raise self._fail(
                f"input channels must be a multiple of groups ({self.groups}), not {shape[1]}"
            )
        return shape

    def _taps(self, shapes: Shapes) -> int:
        """Factors that meet in an output channel of one window."""
        return self._image(shapes)[1] // self.groups * self.kernel[0] * self.kernel[1]


@dataclass(frozen=True)
class Convolution(_Kernels):
    """Two-dimensional convolution; `groups` equal to the input channels makes it depthwise."""

    def infer(self, shapes: Shapes) -> Shape:
        """Shape (n, out_channels, h, w)."""
        shape = self._grouped_image(shapes)
        window = (self.kernel, self.stride, self.padding, self.dilation)
        return shape[0], self.out_channels, *self._positions(shape, *window)

    def macs(self, input_shapes: Shapes, output_shape: Shape) -> int:
        """One per output element and tap, padding included."""
        return elements(output_shape) * self._taps(input_shapes)


@dataclass(frozen=True)
class ConvTranspose(_Kernels):
    """Transposed convolution: each input position adds a window to the output.

    Attributes:
        padding: rows and columns cut off the output.
        extra: rows and columns (h, w) added behind it.

    """

    extra: Pair = (0, 0)

    def __post_init__(self) -> None:
        super().__post_init__()
        if min(self.extra) < 0:
            raise self._fail(f"extra must not be negative, as in {self.extra}")

    def infer(self, shapes: Shapes) -> Shape:
        """Shape (n, out_channels, h, w)."""
        shape = self._grouped_image(shapes)
        window = (self.kernel, self.stride, self.padding, self.dilation)
        height, width = transposed_positions(shape, *window, self.extra)
        if min(height, width) < 1:
            raise self._fail(f"padding {self.padding} must leave something of the output")
        return shape[0], self.out_channels, height, width

    def macs(self, input_shapes: Shapes, output_shape: Shape) -> int:
        """One per input position and stored factor, parts cut off included."""
        batch, _, height, width = self._image(input_shapes)
        return batch * height * width * self.weights(input_shapes)


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
