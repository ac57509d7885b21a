"""A TensorFlow Lite file as Python values: tensors, nodes and graphs, all of it checked.

The stored values stay in the file until they are wanted. Slots of tables are numbered as in the
schema of the format, version 3.
"""

import mmap
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path

from apollo.workloads.shapes import Shape, elements
from apollo.workloads.tflite.flatbuffer import DamagedError, Data, Table
from apollo.workloads.tflite.names import BUILTIN, CUSTOM

VERSION = 3
MOST_GRAPHS, MOST_TENSORS, MOST_NODES, MOST_INPUTS = 1 << 6, 1 << 15, 1 << 15, 1 << 10
MOST_DIMENSIONS, MOST_SIZE = 8, 1 << 31
LONGEST_QUOTE = 160
NO_TENSOR = -1


class Type(IntEnum):
    """Of a tensor's elements."""

    FLOAT32 = 0
    FLOAT16 = 1
    INT32 = 2
    UINT8 = 3
    INT64 = 4
    STRING = 5
    BOOL = 6
    INT16 = 7
    COMPLEX64 = 8
    INT8 = 9
    FLOAT64 = 10
    COMPLEX128 = 11
    UINT64 = 12
    RESOURCE = 13
    VARIANT = 14
    UINT32 = 15
    UINT16 = 16
    INT4 = 17
    BFLOAT16 = 18


def quoted(name: str) -> str:
    """A name for a message, shortened if it is very long."""
    return repr(name if len(name) <= LONGEST_QUOTE else name[:LONGEST_QUOTE] + "…")


@dataclass(frozen=True)
class Scales:
    """Scales and zero points, one of each or one for each channel along `axis`."""

    scale: tuple[float, ...]
    zero_point: tuple[int, ...]
    axis: int


@dataclass(frozen=True)
class FileTensor:
    """A tensor of a file.

    Attributes:
        index: its number in its graph.
        name: unique or not.
        shape: as stored, dimensions last that are first with us (n, h, w, c).
        open: whether dimensions are marked as unknown.
        type: of the elements.
        span: first byte and number of bytes of the stored values; None if it is computed.
        quantization: scales of its integers, if it has any.
        sparsity: how the stored values are spread, if they are sparse.

    """

    index: int
    name: str
    shape: Shape
    open: tuple[bool, ...]
    type: Type
    span: tuple[int, int] | None
    quantization: Scales | None = None
    sparsity: Table | None = None

    @property
    def title(self) -> str:
        """For messages, such as `tensor 3 ('relu')`."""
        return f"tensor {self.index} ({quoted(self.name)})"


@dataclass(frozen=True)
class Node:
    """An operator of a file.

    Attributes:
        number: its place in its graph.
        kind: such as `CONV_2D`, or the name of a custom operator.
        custom: whether it is a custom operator.
        inputs: numbers of tensors; NO_TENSOR for one that is left out.
        outputs: numbers of tensors.
        name: of the first output.
        options: of its kind, if there are any.
        extra: options of a custom operator.

    """

    number: int
    kind: str
    custom: bool
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    name: str
    options: Table | None = None
    extra: bytes = b""

    @property
    def title(self) -> str:
        """For messages, such as `CONV_2D of node 3 ('relu')`."""
        return f"{self.kind} of node {self.number} ({quoted(self.name)})"

    def fail(self, reason: str) -> ValueError:
        """An error about this node."""
        return ValueError(f"{self.title} {reason}")

    def has(self, place: int) -> bool:
        """Whether an optional input is given."""
        return place < len(self.inputs) and self.inputs[place] != NO_TENSOR

    def option(self, slot: int, kind: str = "i32", default: int = 0) -> int:
        """A number among the options."""
        return default if self.options is None else self.options.scalar(slot, kind, default)


@dataclass(frozen=True)
class FileGraph:
    """A graph of a file: the main one, or one that a node calls."""

    tensors: tuple[FileTensor, ...]
    nodes: tuple[Node, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


@dataclass(frozen=True)
class File:
    """What a file holds.

    Attributes:
        data: its bytes.
        graphs: the main one first.
        entrances: numbers of the graphs that can be called from outside, if the file says.

    """

    data: Data
    graphs: tuple[FileGraph, ...]
    entrances: frozenset[int] = field(default=frozenset())


def read(path: Path) -> File:
    """The contents of a file.

    Raises `ValueError` when there is none, or when it is no TensorFlow Lite file.
    """
    if not path.is_file():
        raise ValueError(f"There is no file {str(path)!r}.")
    try:
        with path.open("rb") as stream:
            data = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
    except (OSError, ValueError) as error:
        reason = "it is empty" if path.stat().st_size == 0 else str(error)
        raise ValueError(f"File {str(path)!r} cannot be read ({reason}).") from None
    if data[4:8] != b"TFL3":
        version = data[4:8].decode("latin-1")
        hint = f": its version is {version!r}" if version.startswith("TFL") else ""
        raise ValueError(f"File {str(path)!r} is not a TensorFlow Lite file of version 3{hint}.")
    try:
        return _file(data)
    except DamagedError as error:
        raise ValueError(f"File {str(path)!r} is damaged: {error}.") from None


def _file(data: Data) -> File:
    model = Table.root(data)
    if (version := model.scalar(0, "u32")) != VERSION:
        raise DamagedError(f"it says that its version is {version}, not {VERSION}")
    codes = [_code(code) for code in model.tables(1, MOST_NODES)]
    spans = [_span(buffer) for buffer in model.tables(4, MOST_TENSORS)]
    graphs = tuple(_graph(table, codes, spans) for table in model.tables(2, MOST_GRAPHS))
    if not graphs or not graphs[0].nodes:
        raise DamagedError("it holds no operators")
    entrances = frozenset(table.scalar(4, "u32") for table in model.tables(7, MOST_GRAPHS))
    return File(data, graphs, entrances)


def _code(code: Table) -> tuple[str, bool]:
    """Name of an operator, and whether it is a custom one."""
    number = max(code.scalar(0, "i8"), code.scalar(3, "i32"))
    if number == CUSTOM:
        name = "".join(mark if mark.isprintable() else "?" for mark in code.text(1))
        return name or "CUSTOM", True
    return (BUILTIN[number] if 0 <= number < len(BUILTIN) else f"operator number {number}"), False


def _span(buffer: Table) -> tuple[int, int] | None:
    """Where a buffer's bytes are: inside the tables, or in a large file behind them."""
    start, count = buffer.span(0)
    if not count:
        start, count = buffer.scalar(1, "u64"), buffer.scalar(2, "u64")
        if start <= 1 or not count:  # 1 stands for data that have not been written yet
            return None
    if start + count > len(buffer.data):
        raise DamagedError(f"the {count:,} stored bytes at byte {start:,} go beyond the end")
    return start, count


def _graph(
    table: Table, codes: list[tuple[str, bool]], spans: list[tuple[int, int] | None]
) -> FileGraph:
    tensors = tuple(
        _tensor(index, item, spans) for index, item in enumerate(table.tables(0, MOST_TENSORS))
    )
    nodes = [
        _node(number, item, codes, tensors)
        for number, item in enumerate(table.tables(3, MOST_NODES))
    ]
    inputs, outputs = (_indices(table, slot, tensors, "the graph") for slot in (1, 2))
    return FileGraph(tensors, tuple(nodes), inputs, outputs)


def _tensor(index: int, table: Table, spans: list[tuple[int, int] | None]) -> FileTensor:
    shape = tuple(table.numbers(0, "i32")[: MOST_DIMENSIONS + 1].tolist())
    signature = tuple(table.numbers(7, "i32")[: MOST_DIMENSIONS + 1].tolist())
    kind, buffer, name = table.scalar(1, "u8"), table.scalar(2, "u32"), table.text(3)
    title = f"tensor {index} ({quoted(name)})"
    if len(shape) > MOST_DIMENSIONS or min(shape, default=0) < 0 or elements(shape) > MOST_SIZE:
        raise DamagedError(f"{title} has shape {shape}")
    if kind not in Type._value2member_map_:
        raise DamagedError(f"{title} has elements of type {kind}")
    if buffer >= len(spans):
        raise DamagedError(f"{title} is in buffer {buffer} of {len(spans)}")
    return FileTensor(
        index=index,
        name=name or f"tensor {index}",
        shape=shape,
        open=tuple(size < 0 for size in signature) or (False,) * len(shape),
        type=Type(kind),
        span=spans[buffer],
        sparsity=table.table(6),
        quantization=_quantization(table.table(4), shape, title),
    )


def _quantization(table: Table | None, shape: Shape, title: str) -> Scales | None:
    """Scales, zero points and axis, if the tensor is quantised."""
    if table is None or not table.numbers(2, "f32").size:
        return None
    scale, zero = table.numbers(2, "f32"), table.numbers(3, "i64")
    axis = table.scalar(6, "i32")
    channels = shape[axis] if 0 <= axis < len(shape) else 1
    if len(scale) not in (1, channels) or len(zero) not in (0, len(scale)):
        raise DamagedError(f"{title} has {len(scale)} scales and {len(zero)} zero points")
    zeros = tuple(zero.tolist()) or (0,) * len(scale)
    return Scales(tuple(scale.tolist()), zeros, axis)


def _node(
    number: int, table: Table, codes: list[tuple[str, bool]], tensors: tuple[FileTensor, ...]
) -> Node:
    code = table.scalar(0, "u32")
    if code >= len(codes):
        raise DamagedError(f"node {number} has operator {code} of {len(codes)}")
    kind, custom = codes[code]
    title = f"node {number} ({kind})"
    inputs = _indices(table, 1, tensors, title, optional=True)
    outputs = _indices(table, 2, tensors, title)
    start, count = table.span(5)
    return Node(
        number=number,
        kind=kind,
        custom=custom,
        inputs=inputs,
        outputs=outputs,
        name=tensors[outputs[0]].name if outputs else f"node {number}",
        options=table.table(4),
        extra=bytes(table.data[start : start + min(count, 256)]) if custom else b"",
    )


def _indices(
    table: Table, slot: int, tensors: tuple[FileTensor, ...], title: str, *, optional: bool = False
) -> tuple[int, ...]:
    """Numbers of tensors that there are."""
    values = table.numbers(slot, "i32")
    if len(values) > MOST_INPUTS:
        raise DamagedError(f"{title} names {len(values):,} tensors")
    found: tuple[int, ...] = tuple(values.tolist())
    for value in found:
        if not (0 <= value < len(tensors) or (optional and value == NO_TENSOR)):
            raise DamagedError(f"{title} names tensor {value} of {len(tensors)}")
    return found
