"""Small random networks of every operator that has a lowering, and tiny random designs."""

import random
from collections.abc import Callable

from apollo.arch.accelerator import Accelerator
from apollo.workloads.graph import Graph, GraphBuilder, Tensor
from apollo.workloads.operators import (
    BatchNormalization,
    Binary,
    BinaryKind,
    Concat,
    Convolution,
    ConvTranspose,
    DepthToSpace,
    FullyConnected,
    LayerNormalization,
    LocalResponseNormalization,
    Operator,
    Pad,
    Pool,
    PoolKind,
    PReLU,
    Reduce,
    ReduceKind,
    Reshape,
    Resize,
    ResizeGrid,
    ResizeKind,
    Slice,
    Softmax,
    SpaceToDepth,
    Split,
    Transpose,
    Unary,
    UnaryKind,
)


class _Maker:
    """Appends a few operators at a time behind `last`."""

    def __init__(self, rng: random.Random, builder: GraphBuilder, last: str) -> None:
        self.rng, self.builder, self.last = rng, builder, last
        self.count = 0

    def names(self) -> tuple[str, str]:
        """Of the next operator and its output."""
        self.count += 1
        return f"op{self.count}", f"t{self.count}"

    def add(self, operator: type[Operator], *arguments: object, **more: object) -> None:
        """An operator of the last tensor."""
        name, output = self.names()
        self.last = self.builder.add(operator(name, (self.last,), output, *arguments, **more))

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the last tensor."""
        return self.builder.shape(self.last)

    def window(self) -> dict[str, object]:
        """Kernel, stride and padding."""
        rng = self.rng
        kernel = (rng.randint(1, 4), rng.randint(1, 4))
        padding = tuple(rng.randint(0, min(2, kernel[side % 2] - 1)) for side in range(4))
        return {
            "kernel": kernel,
            "stride": (rng.randint(1, 3), rng.randint(1, 3)),
            "padding": padding,
        }

    def convolution(self) -> None:
        groups = self.rng.choice([g for g in (1, 1, 1, 2, 3, 4) if self.shape[1] % g == 0])
        outputs = groups * self.rng.randint(1, 20 // groups)
        dilation = (self.rng.randint(1, 2), self.rng.randint(1, 2))
        more = {**self.window(), "dilation": dilation, "groups": groups, "bias": True}
        self.add(Convolution, outputs, **more)

    def depthwise(self) -> None:
        channels = self.shape[1]
        more = {**self.window(), "groups": channels, "bias": self.rng.random() < 0.5}
        self.add(Convolution, channels * self.rng.choice([1, 1, 2]), **more)

    def pool(self) -> None:
        kind = self.rng.choice(list(PoolKind))
        self.add(Pool, kind, **self.window(), include_padding=self.rng.random() < 0.5)

    def transposed(self) -> None:
        channels = self.shape[1]
        groups = self.rng.choice([g for g in (1, 1, 2, channels) if channels % g == 0])
        outputs = groups if groups == channels else groups * self.rng.randint(1, 6)
        more = {**self.window(), "dilation": (self.rng.randint(1, 2), self.rng.randint(1, 3))}
        self.add(ConvTranspose, outputs, **more, groups=groups, bias=True)

    def resize(self) -> None:
        kind, grid = self.rng.choice(list(ResizeKind)), self.rng.choice(list(ResizeGrid))
        size = tuple(
            self.rng.choice([self.rng.randint(1, 3) * old, self.rng.randint(1, 9)])
            for old in self.shape[2:]
        )
        self.add(Resize, kind, size, grid)

    def blocks(self) -> None:
        self.add(self.rng.choice([DepthToSpace, SpaceToDepth]), self.rng.choice([2, 2, 3]))

    def clamp(self) -> None:
        self.add(Unary, self.rng.choice([UnaryKind.RELU, UnaryKind.RELU6]))

    def function(self) -> None:
        self.add(Unary, self.rng.choice([UnaryKind.SIGMOID, UnaryKind.TANH, UnaryKind.HARD_SWISH]))

    def normalization(self) -> None:
        self.add(BatchNormalization, self.shape[1])

    def neighbours(self) -> None:
        self.add(LocalResponseNormalization, self.rng.choice([3, 5]))

    def residual(self) -> None:
        first, channels = self.last, self.shape[1]
        self.add(Convolution, channels, (3, 3), padding=(1, 1, 1, 1), bias=True)
        kinds = [kind for kind in BinaryKind if kind is not BinaryKind.POWER]
        name, output = self.names()
        pair = (first, self.last)
        self.last = self.builder.add(Binary(name, pair, output, self.rng.choice(kinds)))

    def squeeze(self) -> None:
        first = self.last
        if self.rng.random() < 0.5:
            self.add(Pool, PoolKind.AVERAGE, self.shape[2:])
        else:
            self.add(Reduce, ReduceKind.MEAN, (2, 3))
        name, output = self.names()
        kind = self.rng.choice([kind for kind in BinaryKind if kind is not BinaryKind.POWER])
        pair = (first, self.last) if self.rng.random() < 0.5 else (self.last, first)
        self.last = self.builder.add(Binary(name, pair, output, kind))

    def constant(self) -> None:
        kind = self.rng.choice([BinaryKind.ADD, BinaryKind.MULTIPLY])
        shape = tuple(self.rng.choice([1, size]) for size in self.shape)
        self.add(Binary, kind, (1, *shape[1:]))

    def concat(self) -> None:
        first = self.last
        self.add(Unary, UnaryKind.TANH)
        second = self.last
        name, output = self.names()
        axis = self.rng.randint(1, 3)
        self.last = self.builder.add(Concat(name, (first, second, first), output, axis))

    def pad(self) -> None:
        amounts = [(0, *(self.rng.choice([0, 1, 2]) for _ in self.shape[1:])) for _ in range(2)]
        self.add(Pad, *amounts)

    def cut(self) -> None:
        axis = self.rng.randint(1, 3)
        size = self.shape[axis]
        start = self.rng.randint(0, size - 1)
        stop = self.rng.randint(start + 1, size)
        step = 1 if axis == 1 else self.rng.randint(1, 2)
        self.add(Slice, (axis,), (start,), (stop,), (step,))

    def cut_rows(self) -> None:
        axis = self.rng.randrange(len(self.shape) == 4, len(self.shape))
        start = self.rng.randrange(self.shape[axis])
        self.add(Slice, (axis,), (start,), (self.rng.randint(start + 1, self.shape[axis]),))

    def split(self) -> None:
        axis = self.rng.randint(1, 3)
        size = self.shape[axis]
        if size < 2:
            return
        first = self.rng.randint(1, size - 1)
        name, output = self.names()
        parts = Split(name, (self.last,), output, (first, size - first), (f"{output}b",), axis)
        self.builder.add(parts)
        name, joined = self.names()
        self.last = self.builder.add(Concat(name, (f"{output}b", output), joined, axis))

    def transpose(self) -> None:
        order = list(range(int(self.rng.random() < 0.7), len(self.shape)))
        self.rng.shuffle(order)
        self.add(Transpose, (*range(len(self.shape) - len(order)), *order))

    def shuffle(self) -> None:
        batch, channels, height, width = self.shape
        groups = self.rng.choice([g for g in (1, 2, 3, 4) if channels % g == 0])
        self.add(Reshape, (batch, groups, channels // groups, height, width))
        self.add(Transpose, (0, 2, 1, 3, 4))
        self.add(Reshape, (batch, channels, height, width))

    def reshape(self) -> None:
        batch, channels, height, width = self.shape
        self.add(Reshape, (batch, height, channels, width))

    def dense(self) -> None:
        if len(self.shape) == 4 and self.rng.random() < 0.5:
            batch, *others = self.shape
            self.add(Reshape, (batch, others[0] * others[1] * others[2]))
        self.add(FullyConnected, self.rng.randint(1, 20), bias=True)

    def slopes(self) -> None:
        self.add(PReLU, self.shape[1])

    def reduce(self) -> None:
        rank = len(self.shape)
        axes = self.rng.sample(range(1, rank), self.rng.randint(1, rank - 1))
        kind = self.rng.choice(list(ReduceKind))
        keep = len(axes) > rank - 2 or self.rng.random() < 0.7
        self.add(Reduce, kind, tuple(sorted(axes)), keep)

    def layer(self) -> None:
        self.add(LayerNormalization, self.shape[-1])

    def softmax(self) -> None:
        self.add(Softmax)


_OF_IMAGES: tuple[Callable[[_Maker], None], ...] = (
    _Maker.convolution,
    _Maker.convolution,
    _Maker.depthwise,
    _Maker.slopes,
    _Maker.reduce,
    _Maker.resize,
    _Maker.blocks,
    _Maker.transposed,
    _Maker.pool,
    _Maker.clamp,
    _Maker.function,
    _Maker.normalization,
    _Maker.neighbours,
    _Maker.residual,
    _Maker.residual,
    _Maker.squeeze,
    _Maker.constant,
    _Maker.concat,
    _Maker.pad,
    _Maker.cut,
    _Maker.split,
    _Maker.transpose,
    _Maker.shuffle,
    _Maker.reshape,
    _Maker.dense,
    _Maker.softmax,
)
_OF_ROWS = (
    _Maker.layer,
    _Maker.transpose,
    _Maker.cut_rows,
    _Maker.reduce,
    _Maker.slopes,
    _Maker.dense,
    _Maker.clamp,
    _Maker.function,
    _Maker.normalization,
    _Maker.softmax,
)


def random_graph(seed: int) -> Graph:
    """A chain of one to five pieces."""
    rng = random.Random(seed)
    shape = (rng.choice([1, 1, 1, 2, 3]), rng.choice([1, 3, 4, 8, 12]))
    shape += (rng.randint(1, 14), rng.randint(1, 14)) if rng.random() < 0.9 else ()
    builder = GraphBuilder("random", [Tensor("image", shape)])
    maker = _Maker(rng, builder, "image")
    pieces = rng.randint(1, 5)
    while pieces > 0 or all(isinstance(each, Reshape | Transpose) for each in builder.operators):
        piece = rng.choice(_OF_IMAGES if len(maker.shape) == 4 else _OF_ROWS)
        before = maker.last
        try:
            piece(maker)
        except ValueError:  # a window that does not fit, and the like
            maker.last = before
        pieces -= 1
    return builder.build([maker.last])


def tiny_design(seed: int) -> Accelerator:
    """Memories so small that everything is tiled and spilt."""
    rng = random.Random(seed)
    return Accelerator(
        "tiny",
        pes_x=rng.choice([1, 2, 3, 4]),
        pes_y=rng.choice([1, 2, 3]),
        lanes=rng.choice([1, 2, 4, 8]),
        cores=rng.choice([1, 2, 3]),
        pe_memory_bytes=rng.choice([1 << 8, 1 << 9, 1 << 10, 1 << 11, 1 << 13, 1 << 16]),
        core_memory_bytes=rng.choice([100, 300, 600, 1024, 1 << 16]),
        activation_memory_bytes=1024,
        instruction_memory_bytes=rng.choice([8192, 65536]),
        parameter_memory_bytes=2048,
        dram_gb_per_s=5,
    )
