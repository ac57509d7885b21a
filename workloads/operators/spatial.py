"""Operators that change the size of an image without weights."""

from dataclasses import dataclass
from enum import Enum

from apollo.workloads.operators.base import Operator
from apollo.workloads.shapes import Pair, Shape, Shapes


class ResizeKind(Enum):
    """How a resized image takes its elements from those around."""

    NEAREST = "nearest"
    BILINEAR = "bilinear"


class ResizeGrid(Enum):
    """How positions of the output lie over those of the input."""

    HALF_PIXEL = "half_pixel"  # borders of the images coincide
    CORNERS = "corners"  # centres of the corner elements coincide
    ASYMMETRIC = "asymmetric"  # positions are multiplied by the ratio of the sizes


@dataclass(frozen=True)
class Resize(Operator):
    """An image at another size.

    Attributes:
        kind: the interpolation.
        size: (h, w) of the output.
        grid: where the output's positions lie.

    """

    kind: ResizeKind
    size: Pair
    grid: ResizeGrid = ResizeGrid.HALF_PIXEL

    def __post_init__(self) -> None:
        self._require_positive(size=self.size)

    def infer(self, shapes: Shapes) -> Shape:
        """Shape (n, c, *size)."""
        return *self._image(shapes)[:2], *self.size


@dataclass(frozen=True)
class DepthToSpace(Operator):
    """Channels become squares of `block` by `block` positions."""

    block: int

    def __post_init__(self) -> None:
        self._require_positive(block=self.block)

    def infer(self, shapes: Shapes) -> Shape:
        """Shape (n, c / block², h * block, w * block)."""
        batch, channels, height, width = self._image(shapes)
        if channels % self.block**2:
            raise self._fail(f"channels must be a multiple of {self.block**2}, not {channels}")
        return batch, channels // self.block**2, height * self.block, width * self.block


@dataclass(frozen=True)
class SpaceToDepth(Operator):
    """Squares of `block` by `block` positions become channels."""

    block: int

    def __post_init__(self) -> None:
        self._require_positive(block=self.block)

    def infer(self, shapes: Shapes) -> Shape:
        """Shape (n, c * block², h / block, w / block)."""
        batch, channels, height, width = self._image(shapes)
        if height % self.block or width % self.block:
            raise self._fail(
                f"height and width must be multiples of {self.block}, not {height} and {width}"
            )
        return batch, channels * self.block**2, height // self.block, width // self.block
