"""Operators that move elements and compute nothing."""

from dataclasses import dataclass

from apollo.workloads.operators.base import Operator
from apollo.workloads.shapes import Shape, Shapes, elements


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

    def moves_batch(self, shapes: Shapes) -> bool:
        """Whether batches follow each other."""
        return self.axis == 0


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

    def moves_batch(self, shapes: Shapes) -> bool:
        """Whether the first dimension becomes another."""
        return self.shape[:1] != self._only(shapes)[:1]


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

    def moves_batch(self, shapes: Shapes) -> bool:
        """Whether the first dimension moves."""
        return self.perm[0] != 0


@dataclass(frozen=True)
class Pad(Operator):
    """Constant elements before and after every dimension.

    Attributes:
        before: how many before each dimension.
        after: how many behind each dimension.
        value: of the new elements.

    """

    before: tuple[int, ...]
    after: tuple[int, ...]
    value: float = 0.0

    def infer(self, shapes: Shapes) -> Shape:
        """The padded shape."""
        shape = self._only(shapes)
        if not len(self.before) == len(self.after) == len(shape):
            raise self._fail(
                f"before and after must be given for {len(shape)} dimensions, "
                f"not {self.before} and {self.after}"
            )
        if min((*self.before, *self.after)) < 0:
            raise self._fail(f"padding must not be negative, as in {self.before}, {self.after}")
        sizes = zip(self.before, shape, self.after, strict=True)
        return tuple(before + size + after for before, size, after in sizes)

    def moves_batch(self, shapes: Shapes) -> bool:
        """Whether items are added to the batch."""
        return bool(self.before[0] or self.after[0])


@dataclass(frozen=True)
class Slice(Operator):
    """Part of a tensor: from `starts` up to but without `stops` along `axes`.

    Attributes:
        axes: dimensions that are cut.
        starts: first position along each of them.
        stops: position behind the last along each of them.
        steps: distance of the positions along each of them; empty means 1.

    """

    axes: tuple[int, ...]
    starts: tuple[int, ...]
    stops: tuple[int, ...]
    steps: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        lengths = {len(self.axes), len(self.starts), len(self.stops)}
        if len(lengths | {len(self.steps or self.axes)}) > 1:
            raise self._fail("axes, starts, stops and steps must be equally many")
        if self.steps:
            self._require_positive(steps=self.steps)

    def infer(self, shapes: Shapes) -> Shape:
        """Shape of the part."""
        shape = self._only(shapes)
        self._require_axis(shape, *self.axes)
        part, steps = list(shape), self.steps or (1,) * len(self.axes)
        for axis, start, stop, step in zip(self.axes, self.starts, self.stops, steps, strict=True):
            if not 0 <= start < stop <= shape[axis]:
                raise self._fail(
                    f"start and stop must lie in 0..{shape[axis]} in that order, "
                    f"not {start} and {stop}"
                )
            part[axis] = len(range(start, stop, step))
        return tuple(part)

    def moves_batch(self, shapes: Shapes) -> bool:
        """Whether part of the batch is cut out."""
        return 0 in self.axes


@dataclass(frozen=True)
class Split(Operator):
    """Parts of a tensor, one after the other along `axis`.

    Attributes:
        sizes: extents of the parts.
        others: names of the parts but for the first, which is `output`.
        axis: dimension that is cut.

    """

    sizes: tuple[int, ...]
    others: tuple[str, ...]
    axis: int = 1

    def __post_init__(self) -> None:
        if len(self.sizes) != len(self.outputs):
            raise self._fail(
                f"there must be as many sizes as outputs ({len(self.outputs)}), "
                f"not {len(self.sizes)}"
            )
        self._require_positive(sizes=self.sizes)

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the parts."""
        return (self.output, *self.others)

    def infer(self, shapes: Shapes) -> Shape:
        """Shape of the first part."""
        return self.infer_all(shapes)[0]

    def infer_all(self, shapes: Shapes) -> tuple[Shape, ...]:
        """Shapes of the parts."""
        shape, axis = self._only(shapes), self.axis
        self._require_axis(shape, axis)
        if sum(self.sizes) != shape[axis]:
            raise self._fail(f"sizes must sum to {shape[axis]}, unlike {self.sizes}")
        return tuple((*shape[:axis], size, *shape[axis + 1 :]) for size in self.sizes)

    def moves_batch(self, shapes: Shapes) -> bool:
        """Whether the batch is cut."""
        return self.axis == 0
