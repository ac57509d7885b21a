"""What the systolic lowering takes: a list of layers over named tensors.

A tensor is a batch of `images`, each `rows` x `columns` positions of `channels`; a fully connected
layer sees one position. Values are int8, or int16 where `wide`. Weights are symmetric int8.
"""

import math
from dataclasses import dataclass
from enum import Enum


@dataclass(frozen=True)
class Shape:
    """Elements of a tensor."""

    images: int
    rows: int
    columns: int
    channels: int
    wide: bool = False

    @property
    def positions(self) -> int:
        """Of an image."""
        return self.rows * self.columns

    @property
    def elements(self) -> int:
        """Of all images."""
        return self.images * self.positions * self.channels


@dataclass(frozen=True)
class Range:
    """What a requantisation adds and where it clamps (M27)."""

    zero_point: int = 0
    low: int = -128
    high: int = 127


WIDE_RANGE = Range(0, -32768, 32767)


@dataclass(frozen=True)
class FullyConnected:
    """Every output from every element of all sources, concatenated: K = their sum."""

    name: str
    sources: tuple[str, ...]
    output: str
    out_channels: int
    wide: bool = False  # the output
    range: Range = Range()
    layer: str = ""  # heading in the program; the name if empty

    def shape(self, sources: tuple[Shape, ...]) -> Shape:
        """Of the output."""
        return Shape(sources[0].images, 1, 1, self.out_channels, self.wide)


@dataclass(frozen=True)
class Window:
    """Kernel, stride, padding and dilation, each (rows, columns)."""

    kernel: tuple[int, int]
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)  # top, left, bottom, right
    dilation: tuple[int, int] = (1, 1)

    def outputs(self, source: Shape) -> tuple[int, int]:
        """Rows and columns of positions."""
        top, left, bottom, right = self.padding
        height = source.rows + top + bottom - (self.kernel[0] - 1) * self.dilation[0] - 1
        width = source.columns + left + right - (self.kernel[1] - 1) * self.dilation[1] - 1
        return height // self.stride[0] + 1, width // self.stride[1] + 1


@dataclass(frozen=True)
class Convolution:
    """A convolution without groups; `fill` is the source's zero point, its padding."""

    name: str
    source: str
    output: str
    out_channels: int
    window: Window
    range: Range = Range()
    fill: int = 0

    @property
    def sources(self) -> tuple[str, ...]:
        """The one tensor."""
        return (self.source,)

    def shape(self, sources: tuple[Shape, ...]) -> Shape:
        """Of the output."""
        rows, columns = self.window.outputs(sources[0])
        return Shape(sources[0].images, rows, columns, self.out_channels)


@dataclass(frozen=True)
class Pool:
    """Largest or mean element of every window; `fill` is what padding holds."""

    name: str
    source: str
    output: str
    window: Window
    average: bool = False
    range: Range = Range()
    fill: int = 0

    @property
    def sources(self) -> tuple[str, ...]:
        """The one tensor."""
        return (self.source,)

    def shape(self, sources: tuple[Shape, ...]) -> Shape:
        """Of the output."""
        rows, columns = self.window.outputs(sources[0])
        return Shape(sources[0].images, rows, columns, sources[0].channels, sources[0].wide)


class VectorKind(Enum):
    """Elementwise layers of one or two sources."""

    LOOKUP = 1
    ADD = 2
    MULTIPLY = 3


@dataclass(frozen=True)
class Vector:
    """An elementwise layer: a function by table (M30), or a sum or product (M29)."""

    name: str
    kind: VectorKind
    sources: tuple[str, ...]
    output: str
    range: Range = Range()
    layer: str = ""
    table: str = ""  # of a LOOKUP; layers of one function share it

    def shape(self, sources: tuple[Shape, ...]) -> Shape:
        """Of the output, as wide as the first source."""
        return sources[0]


Layer = FullyConnected | Convolution | Pool | Vector


@dataclass(frozen=True)
class Stack:
    """A network: inputs from the host, layers in order, outputs to the host.

    Raises `ValueError` for a name that is not there.
    """

    name: str
    inputs: dict[str, Shape]
    layers: tuple[Layer, ...]
    outputs: tuple[str, ...]

    def shapes(self) -> dict[str, Shape]:
        """Of every tensor."""
        shapes = dict(self.inputs)
        for layer in self.layers:
            for name in layer.sources:
                if name not in shapes:
                    raise ValueError(
                        f"Network '{self.name}': layer '{layer.name}' reads '{name}', which no "
                        "layer before it writes."
                    )
            shapes[layer.output] = layer.shape(tuple(shapes[name] for name in layer.sources))
        for name in self.outputs:
            if name not in shapes:
                raise ValueError(f"Network '{self.name}': there is no tensor '{name}' to store.")
        return shapes

    def work(self) -> tuple[int, int]:
        """Multiply-accumulates and weights of the matrix layers."""
        shapes = self.shapes()
        macs = weights = 0
        for layer in self.layers:
            if isinstance(layer, FullyConnected | Convolution):
                size = reduction(layer, shapes) * layer.out_channels
                weights += size
                output = shapes[layer.output]
                macs += size * output.images * output.positions
        return macs, weights


def reduction(layer: FullyConnected | Convolution, shapes: dict[str, Shape]) -> int:
    """K: elements that an output is the weighted sum of."""
    if isinstance(layer, Convolution):
        return math.prod(layer.window.kernel) * shapes[layer.source].channels
    return sum(shapes[name].positions * shapes[name].channels for name in layer.sources)
