"""Inception V3 (Szegedy et al., 2015, arXiv:1512.00567), without the auxiliary classifier."""

from collections.abc import Sequence
from dataclasses import dataclass

from apollo.workloads.graph import Graph, GraphBuilder
from apollo.workloads.models.blocks import classifier, concat, convolution, pool, start
from apollo.workloads.models.family import Published, Single
from apollo.workloads.operators import PoolKind, UnaryKind
from apollo.workloads.shapes import NO_PADDING

RESOLUTION, CLASSES = 299, 1000
LETTERS = "abcde"
MOST_BLOCKS = len(LETTERS)
# A convolution: output channels, kernel (h, w), stride; a strided one has no padding.
Step = tuple[int, tuple[int, int], int]
Branch = tuple[Step, ...]


def _step(channels: int, height: int = 1, width: int = 0, stride: int = 1) -> Step:
    return channels, (height, width or height), stride


def _square(pooled: int) -> tuple[Branch, ...]:
    """Branches of the modules at 35x35; the last one follows an average pool."""
    return (
        (_step(64),),
        (_step(48), _step(64, 5)),
        (_step(64), _step(96, 3), _step(96, 3)),
        (_step(pooled),),
    )


def _factored(inner: int) -> tuple[Branch, ...]:
    """Branches of the modules at 17x17: 7x7 kernels as rows and columns."""
    row, column, last = _step(inner, 1, 7), _step(inner, 7, 1), 192
    return (
        (_step(last),),
        (_step(inner), row, _step(last, 7, 1)),
        (_step(inner), column, row, column, _step(last, 1, 7)),
        (_step(last),),
    )


REDUCTIONS: dict[str, tuple[Branch, ...]] = {
    "reduce17": ((_step(384, 3, stride=2),), (_step(64), _step(96, 3), _step(96, 3, stride=2))),
    "reduce8": (
        (_step(192), _step(320, 3, stride=2)),
        (_step(192), _step(192, 1, 7), _step(192, 7, 1), _step(192, 3, stride=2)),
    ),
}


@dataclass(frozen=True)
class Blocks:
    """How many modules there are of each size.

    Attributes:
        at_35: at 35x35, one to five.
        at_17: at 17x17, one to five.
        at_8: at 8x8, one to five.

    """

    at_35: int = 3
    at_17: int = 4
    at_8: int = 2

    def __post_init__(self) -> None:
        for count in (self.at_35, self.at_17, self.at_8):
            if not 1 <= count <= MOST_BLOCKS:
                raise ValueError(f"Blocks must be in 1..{MOST_BLOCKS}, not {count}.")

    @property
    def modules(self) -> dict[str, tuple[Branch, ...]]:
        """Branches of those at 35x35 and 17x17 and of the reductions, in order."""
        squares = [_square(32), *[_square(64)] * (self.at_35 - 1)]
        factored = [_factored(inner) for inner in (128, 160, 160, 192, 192)[: self.at_17]]
        return {
            **_lettered("35", squares),
            "reduce17": REDUCTIONS["reduce17"],
            **_lettered("17", factored),
            "reduce8": REDUCTIONS["reduce8"],
        }


def _lettered(size: str, modules: Sequence[tuple[Branch, ...]]) -> dict[str, tuple[Branch, ...]]:
    return {f"{size}{letter}": module for letter, module in zip(LETTERS, modules, strict=False)}


def inception_v3(name: str, blocks: Blocks = Blocks()) -> Graph:
    """The network for 299x299 images and 1000 classes; published with the usual blocks."""
    builder = start(name, RESOLUTION)
    tensor = _stem(builder)
    for label, branches in blocks.modules.items():
        tensor = _module(builder, label, tensor, branches)
    for letter in LETTERS[: blocks.at_8]:
        tensor = _wide(builder, f"8{letter}", tensor)
    return builder.build([classifier(builder, tensor, CLASSES)])


def _stem(builder: GraphBuilder) -> str:
    tensor = _conv(builder, "stem1", "image", _step(32, 3, stride=2))
    tensor = _conv(builder, "stem2", tensor, _step(32, 3), padded=False)
    tensor = _conv(builder, "stem3", tensor, _step(64, 3))
    tensor = pool(builder, "pool1", tensor, PoolKind.MAX, 3, 2)
    tensor = _conv(builder, "stem4", tensor, _step(80))
    tensor = _conv(builder, "stem5", tensor, _step(192, 3), padded=False)
    return pool(builder, "pool2", tensor, PoolKind.MAX, 3, 2)


def _module(builder: GraphBuilder, name: str, source: str, branches: tuple[Branch, ...]) -> str:
    """Branches side by side: four, the last behind a pool; or two and a pool that halves."""
    halves = len(branches) == 2
    stride, padding = (2, NO_PADDING) if halves else (1, None)
    kind = PoolKind.MAX if halves else PoolKind.AVERAGE
    pooled = pool(builder, f"{name}/pool", source, kind, 3, stride, padding)
    sources = [source, source] if halves else [source, source, source, pooled]
    tensors = []
    for number, (tensor, branch) in enumerate(zip(sources, branches, strict=True), start=1):
        for index, step in enumerate(branch, start=1):
            tensor = _conv(builder, f"{name}/branch{number}/{index}", tensor, step)
        tensors.append(tensor)
    return concat(builder, f"{name}/join", *tensors, *([pooled] if halves else []))


def _wide(builder: GraphBuilder, name: str, source: str) -> str:
    """A module at 8x8: two of its branches fork into a row and a column."""
    first = _conv(builder, f"{name}/branch1", source, _step(320))
    second = _conv(builder, f"{name}/branch2", source, _step(384))
    third = _conv(builder, f"{name}/branch3/1", source, _step(448))
    third = _conv(builder, f"{name}/branch3/2", third, _step(384, 3))
    forks = [
        _conv(builder, f"{name}/{label}/{fork}", tensor, step)
        for label, tensor in (("branch2", second), ("branch3", third))
        for fork, step in (("row", _step(384, 1, 3)), ("column", _step(384, 3, 1)))
    ]
    pooled = pool(builder, f"{name}/pool", source, PoolKind.AVERAGE, 3, 1, None)
    last = _conv(builder, f"{name}/branch4", pooled, _step(192))
    return concat(builder, f"{name}/join", first, *forks, last)


def _conv(builder: GraphBuilder, name: str, source: str, step: Step, padded: bool = True) -> str:
    channels, kernel, stride = step
    padding = None if padded and stride == 1 else NO_PADDING
    return convolution(builder, name, source, channels, kernel, stride, 1, UnaryKind.RELU, padding)


NETWORK = Single(
    name="inception_v3",
    build=inception_v3,
    source="Szegedy et al., 2015, arXiv:1512.00567; parameters as Keras counts the trainable ones",
    published=Published(5700, 23.82),
    counted_values=1,
)
