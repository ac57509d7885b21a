"""Tensors in flight, and in which order of dimensions they are at hand.

A file has channels last, our graphs have them behind the batch. A *layout* says how a tensor of
ours lies to that of the file: dimension `i` of ours is dimension `layout[i]` of the file's. So a
`TRANSPOSE` in a file is most often nothing but another layout of the same tensor, and a transpose
is added to a graph only where an operator needs an order in which the tensor is not at hand.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from apollo.workloads.quantization import Quantization
from apollo.workloads.shapes import Shape

Layout = tuple[int, ...]
IMAGE: Layout = (0, 3, 1, 2)


def plain(rank: int) -> Layout:
    """The order of the file itself."""
    return tuple(range(rank))


def usual(rank: int) -> Layout:
    """Channels behind the batch for an image, the order of the file for everything else."""
    return IMAGE if rank == len(IMAGE) else plain(rank)


def arrange(shape: Shape, layout: Layout) -> Shape:
    """A shape of the file in a layout."""
    return tuple(shape[axis] for axis in layout)


def restore(shape: Shape, layout: Layout) -> Shape:
    """The shape in the file of one in a layout."""
    return tuple(shape[layout.index(axis)] for axis in range(len(layout)))


def keeps_order(shape: Shape, one: Layout, other: Layout) -> bool:
    """Whether two layouts of a tensor have its elements in the same order."""
    return [axis for axis in one if shape[axis] > 1] == [axis for axis in other if shape[axis] > 1]


def carried(base: Shape, shape: Shape, layout: Layout) -> Layout | None:
    """The layout that a shape has, which differs from a base in dimensions of extent 1 only."""
    old = [axis for axis, size in enumerate(base) if size > 1]
    new = [axis for axis, size in enumerate(shape) if size > 1]
    if [base[axis] for axis in old] != [shape[axis] for axis in new]:
        return None
    order = [new[old.index(axis)] for axis in layout if axis in old]
    for candidate in (usual(len(shape)), plain(len(shape))):
        if [axis for axis in candidate if axis in order] == order:
            return candidate
    single = [axis for axis in range(len(shape)) if axis not in order]
    batch = single[:1] if single[:1] == [0] else []
    return (*batch, *order, *single[len(batch) :])


@dataclass(frozen=True)
class Place:
    """A tensor of ours that holds a tensor of the file."""

    name: str
    layout: Layout


@dataclass
class Flow:
    """A computed tensor.

    Attributes:
        name: in the file.
        shape: in the order of the file.
        quantization: of its integers; None for real numbers.
        places: where it is at hand; none if it is only a view so far.
        base: the tensor that it shows under another shape, if it is a view.

    """

    name: str
    shape: Shape
    quantization: Quantization | None = None
    places: list[Place] = field(default_factory=list)
    base: "Flow | None" = None

    def root(self) -> "Flow":
        """The tensor that is shown in the end, itself if it is at hand."""
        return self if self.places or self.base is None else self.base.root()

    def root_of_view(self) -> "Flow":
        """The tensor that a view shows."""
        assert self.base is not None, f"{self.name} is neither at hand nor a view"
        return self.base.root()

    def view(self, name: str, shape: Shape) -> "Flow":
        """The same elements, in the order of the file, under another shape."""
        return Flow(name, shape, self.quantization, base=self.root())

    def transposed(self, name: str, order: Sequence[int]) -> "Flow":
        """The same tensor with dimension `order[i]` as its dimension `i`."""
        moved = [
            Place(place.name, tuple(order.index(axis) for axis in place.layout))
            for place in self.places
        ]
        shape = tuple(self.shape[axis] for axis in order)
        return Flow(name, shape, self.quantization, moved)

    def at_hand(self, layout: Layout) -> str | None:
        """Our tensor that has it in a layout."""
        return next((place.name for place in self.places if place.layout == layout), None)
