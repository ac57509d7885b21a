"""Lowering: a graph becomes the tables of nests and tensors, once for all designs.

Channels lie innermost in every memory, so reshapes are views: the parameters of the layer that
reads one are stored in the order in which it finds the elements.
"""

import math
from dataclasses import dataclass

import numpy as np

from apollo.arch.cycles import NORMALIZE_EXTRA_PASSES, SOFTMAX_PASSES
from apollo.arch.isa import Opcode
from apollo.compiler.fuse import fused_into
from apollo.compiler.tables import (
    NESTS,
    NO_TENSOR,
    TENSOR_COLUMNS,
    Ints,
    Nest,
    TensorColumn,
)
from apollo.workloads.graph import Graph
from apollo.workloads.operators import (
    BatchNormalization,
    Binary,
    BinaryKind,
    Concat,
    Convolution,
    FullyConnected,
    LocalResponseNormalization,
    Operator,
    Pool,
    PoolKind,
    Reshape,
    Softmax,
    Transpose,
    Unary,
)

# Bias and requantisation multiplier, int32 each, and its shift (docs/machine.md, M27).
SCALE_BYTES = 9

_BINARY_OPCODES = {BinaryKind.ADD: Opcode.ADD, BinaryKind.MULTIPLY: Opcode.MULTIPLY}

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Network:
    """A lowered graph: `L` nests, `T` tensors."""

    name: str
    layer_names: tuple[str, ...]  # [L]
    nests: Ints  # [L, NESTS]
    tensors: Ints  # [T, TENSOR_COLUMNS]
    tensor_names: tuple[str, ...]  # [T]
    macs: int  # of one inference (the whole batch)
    parameters: int
    batch: int


def dimensions(shape: Shape) -> tuple[int, int, int]:
    """Rows (batch included), columns and channels of a tensor."""
    if len(shape) >= 4:
        return shape[0] * shape[-2], shape[-1], math.prod(shape[1:-2])
    if len(shape) == 3:
        return shape[0] * shape[1], 1, shape[2]
    return math.prod(shape[:-1]), 1, shape[-1] if shape else 1


def dimensions_inside(rank: int, axis: int) -> tuple[int, ...]:
    """The axis and those stored inside it: channels innermost, as in `dimensions`."""
    order = tuple(range(rank))
    if rank >= 4:
        order = (0, rank - 2, rank - 1, *range(1, rank - 2))
    return order[order.index(axis) :]


def lower(graph: Graph) -> Network:
    """The tables of a graph.

    Raises `ValueError` for an operator that the machine has no instruction for.
    """
    return _Lowering(graph).run()


class _Lowering:
    """Numbers tensors as they appear and appends a row for every nest."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.hosts = fused_into(graph)
        self.numbers: dict[str, int] = {}
        self.shapes: list[Shape] = []
        self.names: list[str] = []
        self.rows: list[dict[Nest, int]] = []
        self.layers: list[str] = []

    def run(self) -> Network:
        """Lower every operator, in order."""
        for name in self.graph.inputs:
            self.number(name)
        for operator in self.graph.operators:
            if operator.name in self.hosts or isinstance(operator, Reshape):
                self.numbers[operator.output] = self.number(operator.inputs[0])
            else:
                self.lower(operator)
        if not self.rows:
            raise ValueError(f"Network '{self.graph.name}' computes nothing.")
        nests = np.zeros((len(self.rows), NESTS), np.int64)
        for index, row in enumerate(self.rows):
            for column, value in row.items():
                nests[index, column] = value
        return Network(
            name=self.graph.name,
            layer_names=tuple(self.layers),
            nests=nests,
            tensors=self.tensors(nests),
            tensor_names=tuple(self.names),
            macs=self.graph.macs,
            parameters=self.graph.parameters,
            batch=self.graph.batch,
        )

    def number(self, tensor: str) -> int:
        """The number of a tensor, a new one at its first appearance."""
        if tensor not in self.numbers:
            self.numbers[tensor] = len(self.names)
            self.names.append(tensor)
            self.shapes.append(self.graph.tensor(tensor).shape)
        return self.numbers[tensor]

    def tensors(self, nests: Ints) -> Ints:
        """The table of tensors: dimensions, last reader, whether they must be in DRAM."""
        table = np.zeros((len(self.names), TENSOR_COLUMNS), np.int64)
        table[:, : TensorColumn.LAST_USE] = [dimensions(shape) for shape in self.shapes]
        for index, nest in enumerate(nests):
            for column in (Nest.DESTINATION, Nest.SOURCE, Nest.SECOND):
                if nest[column] != NO_TENSOR:
                    table[nest[column], TensorColumn.LAST_USE] = index
            # Parts of the rows or columns of a tensor are put together in DRAM only.
            whole = table[nest[Nest.DESTINATION]]
            if (whole[: TensorColumn.CHANNELS] != nest[[Nest.ROWS, Nest.COLUMNS]]).any():
                whole[TensorColumn.IN_DRAM] = 1
        for name in self.graph.inputs + self.graph.outputs:
            table[self.numbers[name], TensorColumn.IN_DRAM] = 1
        return table

    def append(self, operator: Operator, opcode: Opcode, **columns: int) -> None:
        """A nest that computes the operator's output, elementwise unless `columns` say more."""
        destination = self.number(operator.output)
        rows, width, channels = dimensions(self.graph.tensor(operator.output).shape)
        row = {
            Nest.OPCODE: int(opcode),
            Nest.ROWS: rows,
            Nest.COLUMNS: width,
            Nest.CHANNELS: channels,
            Nest.SOURCE: self.number(operator.inputs[0]),
            Nest.SECOND: NO_TENSOR,
            Nest.DESTINATION: destination,
        }
        ones = "IN_CHANNELS GROUPS TAPS EXTENT_ROWS EXTENT_COLUMNS STRIDE_ROWS STRIDE_COLUMNS"
        ones += " IMAGE_ROWS KERNEL_ROWS KERNEL_COLUMNS"
        row |= {Nest[name]: 1 for name in ones.split()}
        row |= {Nest[name.upper()]: value for name, value in columns.items()}
        if opcode >= Opcode.ADD and self.is_scattered(operator, row):
            rows, width, _ = dimensions(self.shapes[row[Nest.SOURCE]])
            row |= {Nest.EXTENT_ROWS: rows, Nest.EXTENT_COLUMNS: width, Nest.WHOLE_CHANNELS: 1}
        self.rows.append(row)
        self.layers.append(operator.name)

    def is_scattered(self, operator: Operator, row: dict[Nest, int]) -> bool:
        """Whether an elementwise nest finds its elements in other positions of the source."""
        if isinstance(operator, Transpose):
            last = len(operator.perm) - 1
            if last < 3 or operator.perm[0] != 0 or operator.perm[-2:] != (last - 1, last):
                return True
        wanted = (row[Nest.ROWS], row[Nest.COLUMNS], row[Nest.CHANNELS])
        return wanted != dimensions(self.shapes[row[Nest.SOURCE]])

    def lower(self, operator: Operator) -> None:
        """Append the nests of one operator."""
        match operator:
            case Convolution():
                self.convolution(operator)
            case FullyConnected():
                self.fully_connected(operator)
            case Pool():
                maximum = operator.kind is PoolKind.MAX
                opcode = Opcode.POOL_MAX if maximum else Opcode.POOL_AVERAGE
                self.append(operator, opcode, **self.window(operator, (1, 1)))
            case Binary():
                self.binary(operator)
            case BatchNormalization():
                self.append(operator, Opcode.MULTIPLY, channel_bytes=1 + SCALE_BYTES)
            case Unary():
                self.append(operator, Opcode.LOOKUP)
            case Transpose():
                self.append(operator, Opcode.COPY, whole_channels=1)
            case Concat():
                self.concat(operator)
            case Softmax() | LocalResponseNormalization():
                self.normalization(operator)
            case _:
                raise self.no_lowering(operator)

    def no_lowering(self, operator: Operator) -> ValueError:
        """What to raise for an operator that the machine has no instruction for."""
        return ValueError(
            f"Network '{self.graph.name}': operator '{operator.name}' ({operator.label}) "
            f"has no lowering."
        )

    def window(self, operator: Convolution | Pool, dilation: tuple[int, int]) -> dict[str, int]:
        """Kernel, stride and padding; rows of several images follow each other."""
        height, width = operator.kernel
        source = self.graph.input_shapes(operator)[0]
        output = self.graph.tensor(operator.output).shape
        return {
            "taps": height * width,
            "kernel_rows": height,
            "kernel_columns": width,
            "extent_rows": (height - 1) * dilation[0] + 1,
            "extent_columns": (width - 1) * dilation[1] + 1,
            "stride_rows": operator.stride[0],
            "stride_columns": operator.stride[1],
            "pad_rows": operator.padding[0],
            "pad_columns": operator.padding[1],
            "image_rows": output[-2],
            "skip_rows": source[-2] - output[-2] * operator.stride[0],
        }

    def convolution(self, operator: Convolution) -> None:
        """Depthwise where every group has one input channel, else a nest with groups."""
        in_channels = self.graph.input_shapes(operator)[0][1] // operator.groups
        window = self.window(operator, operator.dilation)
        if in_channels == 1 and operator.groups > 1:
            self.append(operator, Opcode.DEPTHWISE, channel_bytes=SCALE_BYTES, **window)
            return
        self.append(
            operator,
            Opcode.CONVOLVE,
            channels=operator.out_channels // operator.groups,
            in_channels=in_channels,
            groups=operator.groups,
            channel_bytes=SCALE_BYTES,
            mixes_channels=1,
            **window,
        )

    def fully_connected(self, operator: FullyConnected) -> None:
        """A convolution with one position a row, which reads everything the row holds."""
        shape = self.graph.input_shapes(operator)[0]
        stored = self.shapes[self.number(operator.inputs[0])]
        rows, columns, _ = dimensions(stored)
        outputs = math.prod(self.graph.tensor(operator.output).shape[:-1])
        self.append(
            operator,
            Opcode.CONVOLVE,
            in_channels=math.prod(shape) // outputs,
            extent_rows=max(1, rows // outputs),
            stride_rows=max(1, rows // outputs),
            extent_columns=columns,
            stride_columns=columns,
            channel_bytes=SCALE_BYTES,
            mixes_channels=1,
        )

    def normalization(self, operator: Softmax | LocalResponseNormalization) -> None:
        """Passes over all channels of a position."""
        opcode, passes = Opcode.SOFTMAX, SOFTMAX_PASSES
        if isinstance(operator, LocalResponseNormalization):
            opcode, passes = Opcode.NORMALIZE, operator.size + NORMALIZE_EXTRA_PASSES
        self.append(operator, opcode, taps=passes, whole_channels=1)

    def binary(self, operator: Binary) -> None:
        """The operand of the output's shape is the source, the other the second."""
        opcode = _BINARY_OPCODES.get(operator.kind)
        if opcode is None:
            raise self.no_lowering(operator)
        if operator.constant_shape is not None:
            channels = dimensions(self.graph.tensor(operator.output).shape)[2]
            stored = math.prod(operator.constant_shape)
            each = max(1 + SCALE_BYTES, math.ceil(stored / channels))
            self.append(operator, opcode, channel_bytes=each)
            return
        shapes = self.graph.input_shapes(operator)
        first, second = operator.inputs
        if math.prod(shapes[0]) < math.prod(shapes[1]):
            first, second = second, first
        self.append(operator, opcode, source=self.number(first), second=self.number(second))

    def concat(self, operator: Concat) -> None:
        """One copy for every input, each into its part of the output."""
        first = 0
        for name in operator.inputs:
            shape = self.graph.tensor(name).shape
            rows, columns, channels = dimensions(shape)
            self.append(
                operator,
                Opcode.COPY,
                rows=rows,
                columns=columns,
                channels=channels,
                source=self.number(name),
                whole_channels=1,
                first=first,
            )
            inside = dimensions_inside(len(shape), operator.axis)
            first += math.prod(shape[axis] for axis in inside)
