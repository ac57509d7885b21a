"""Operators that set elements in relation to those around them."""

from dataclasses import dataclass

from apollo.workloads.operators.base import Operator
from apollo.workloads.shapes import Shape, Shapes


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
class LayerNormalization(Operator):
    """The last dimension centred and scaled to unit variance, then scaled and shifted.

    Ba et al., 2016, arXiv:1607.06450.
    """

    features: int
    epsilon: float = 1e-6

    def __post_init__(self) -> None:
        self._require_positive(features=self.features)

    def infer(self, shapes: Shapes) -> Shape:
        """Shape of the input."""
        shape = self._only(shapes)
        if len(shape) < 2 or shape[-1] != self.features:
            raise self._fail(f"the last dimension must be {self.features}, not that of {shape}")
        return shape

    def parameters(self, shapes: Shapes) -> int:
        """A scale and a shift per feature."""
        return 2 * self.features


@dataclass(frozen=True)
class Softmax(Operator):
    """Exponentials over channels, or over another axis, divided by their sum."""

    axis: int = 1

    def infer(self, shapes: Shapes) -> Shape:
        """Shape of the input."""
        shape = self._only(shapes)
        self._require_axis(shape, self.axis)
        return shape

    def moves_batch(self, shapes: Shapes) -> bool:
        """Whether it runs over the batch."""
        return self.axis == 0


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
