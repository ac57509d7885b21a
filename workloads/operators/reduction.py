"""Operators that reduce a dimension: sums and choices.

Choices (`ArgMax`, `TopK`) run on the host, as do the parts of a detector behind them: decoding of
boxes, suppression of overlaps, and beam searches are in no graph.
"""

from dataclasses import dataclass
from enum import Enum
from typing import ClassVar

from apollo.workloads.operators.base import Operator
from apollo.workloads.shapes import Shape, Shapes


class ReduceKind(Enum):
    """What becomes of the elements along the reduced dimensions."""

    MEAN = "mean"
    SUM = "sum"
    MAX = "max"
    MIN = "min"


@dataclass(frozen=True)
class Reduce(Operator):
    """Mean, sum, maximum or minimum over whole dimensions.

    Attributes:
        kind: the function.
        axes: dimensions that are reduced.
        keep: whether they stay, with extent 1.

    """

    kind: ReduceKind
    axes: tuple[int, ...]
    keep: bool = True

    def infer(self, shapes: Shapes) -> Shape:
        """Shape without the axes, or with 1 in their place."""
        shape = self._only(shapes)
        self._require_axis(shape, *self.axes)
        sizes = [1 if axis in self.axes else size for axis, size in enumerate(shape)]
        return tuple(size for axis, size in enumerate(sizes) if self.keep or axis not in self.axes)

    def moves_batch(self, shapes: Shapes) -> bool:
        """Whether the batch is reduced."""
        return 0 in self.axes


@dataclass(frozen=True)
class ArgMax(Operator):
    """Position of the greatest element along `axis`; runs on the host."""

    on_host: ClassVar[bool] = True

    axis: int = 1

    def infer(self, shapes: Shapes) -> Shape:
        """Shape without the axis."""
        shape = self._only(shapes)
        self._require_axis(shape, self.axis)
        return *shape[: self.axis], *shape[self.axis + 1 :]

    def moves_batch(self, shapes: Shapes) -> bool:
        """Whether the batch is reduced."""
        return self.axis == 0


@dataclass(frozen=True)
class TopK(Operator):
    """The `count` greatest elements of the last dimension, and where; runs on the host.

    Attributes:
        count: how many.
        indices: name of the tensor with their positions.

    """

    on_host: ClassVar[bool] = True

    count: int
    indices: str

    def __post_init__(self) -> None:
        self._require_positive(count=self.count)

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the values and of their positions."""
        return self.output, self.indices

    def infer(self, shapes: Shapes) -> Shape:
        """Shape (..., count)."""
        shape = self._only(shapes)
        if shape[-1] < self.count:
            raise self._fail(f"count must be at most {shape[-1]}, not {self.count}")
        return *shape[:-1], self.count

    def infer_all(self, shapes: Shapes) -> tuple[Shape, ...]:
        """The same shape twice."""
        return (self.infer(shapes),) * 2

    def moves_batch(self, shapes: Shapes) -> bool:
        """Whether it chooses among the batch."""
        return len(shapes[0]) == 1
