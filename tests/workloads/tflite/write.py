"""Writes small TensorFlow Lite files to try, table by table."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
from flatbuffers import number_types
from tflite.BuiltinOperator import BuiltinOperator
from tflite.BuiltinOptions import BuiltinOptions

KINDS = {
    "u8": number_types.Uint8Flags,
    "bool": number_types.BoolFlags,
    "i8": number_types.Int8Flags,
    "i32": number_types.Int32Flags,
    "u32": number_types.Uint32Flags,
    "u64": number_types.Uint64Flags,
    "f32": number_types.Float32Flags,
    "at": number_types.UOffsetTFlags,
}
TYPES = {
    "float32": 0,
    "float16": 1,
    "int32": 2,
    "uint8": 3,
    "int64": 4,
    "bool": 6,
    "int16": 7,
    "int8": 9,
    "resource": 13,
    "int4": 17,
}
# The options of a kind that are not named after it.
OPTIONS = {
    "AVERAGE_POOL_2D": "Pool2D",
    "MAX_POOL_2D": "Pool2D",
    "CONV_2D": "Conv2D",
    "DEPTHWISE_CONV_2D": "DepthwiseConv2D",
    "L2_NORMALIZATION": "L2Norm",
    "BATCH_MATMUL": "BatchMatMul",
    "UNIDIRECTIONAL_SEQUENCE_LSTM": "UnidirectionalSequenceLSTM",
    **dict.fromkeys(("MEAN", "SUM", "REDUCE_MAX", "REDUCE_MIN"), "Reducer"),
}
Fields = dict[int, tuple[str, Any]]


@dataclass
class Tensor:
    shape: Sequence[int]
    kind: str = "float32"
    data: bytes | None = None
    scale: Sequence[float] = ()
    zero: Sequence[int] = ()
    axis: int = 0
    signature: Sequence[int] = ()
    sparsity: "Sparsity | None" = None
    name: str = ""
    variable: bool = False
    outside: bool = False  # behind the tables, as in files of more than 2 GB


@dataclass
class Sparsity:
    """Order of the walk, blocks, and for each dimension a size, or segments and places."""

    order: Sequence[int]
    blocks: Sequence[int]
    dimensions: Sequence[int | tuple[Sequence[int], Sequence[int]]]


@dataclass
class Graph:
    """A graph on its way; tensors are named by their numbers."""

    tensors: list[Tensor] = field(default_factory=list)
    nodes: list[tuple[str, list[int], list[int], Fields, bytes]] = field(default_factory=list)
    inputs: list[int] = field(default_factory=list)
    outputs: list[int] = field(default_factory=list)

    def tensor(self, *shape: int, **fields: Any) -> int:
        self.tensors.append(Tensor(shape, **fields))
        return len(self.tensors) - 1

    def given(self, *shape: int, **fields: Any) -> int:
        self.inputs.append(self.tensor(*shape, **fields))
        return self.inputs[-1]

    def stored(self, values: Any, kind: str = "", **fields: Any) -> int:
        array = np.asarray(values)
        kind = kind or str(array.dtype)
        data = array.astype(kind).tobytes()
        return self.tensor(*array.shape, kind=kind, data=data, **fields)

    def node(
        self,
        kind: str,
        inputs: Sequence[int],
        outputs: Sequence[int],
        options: Fields | None = None,
        extra: bytes = b"",
    ) -> "Graph":
        self.nodes.append((kind, [*inputs], [*outputs], options or {}, extra))
        return self

    def write(self, path: Path, *more: "Graph", version: int = 3) -> Path:
        path.write_bytes(encoded([self, *more], version))
        return path


class Writer:
    """Puts tables and vectors behind each other."""

    def __init__(self) -> None:
        self.builder = flatbuffers.Builder(1 << 12)

    def table(self, fields: Fields) -> int:
        self.builder.StartObject(max(fields, default=-1) + 1)
        for slot, (kind, value) in fields.items():
            if kind == "at":
                self.builder.PrependUOffsetTRelativeSlot(slot, value, 0)
            else:
                self.builder.PrependSlot(KINDS[kind], slot, value, None)
        return self.builder.EndObject()

    def vector(self, values: Any, kind: str) -> int:
        return self.builder.CreateNumpyVector(np.asarray(values, kind))

    def tables(self, places: Sequence[int]) -> int:
        self.builder.StartVector(4, len(places), 4)
        for place in reversed(places):
            self.builder.PrependUOffsetTRelative(place)
        return self.builder.EndVector()

    def text(self, value: str) -> int:
        return self.builder.CreateString(value)


def encoded(graphs: Sequence[Graph], version: int = 3) -> bytes:
    """The bytes of a file; values that lie behind the tables are put there in a second go."""
    outside = b"".join(t.data or b"" for graph in graphs for t in graph.tensors if t.outside)
    tables = _tables(graphs, version, 1 << 40)
    return _tables(graphs, version, len(tables)) + outside


def _tables(graphs: Sequence[Graph], version: int, end: int) -> bytes:
    writer = Writer()
    kinds = sorted({node[0] for graph in graphs for node in graph.nodes})
    buffers: list[bytes | tuple[int, int]] = [b""]
    tables = [_graph(writer, graph, kinds, buffers) for graph in graphs]
    codes = [writer.table(_code(writer, kind)) for kind in kinds]
    stored = [writer.table(_buffer(writer, data, end)) for data in buffers]
    fields: Fields = {
        0: ("u32", version),
        1: ("at", writer.tables(codes)),
        2: ("at", writer.tables(tables)),
        4: ("at", writer.tables(stored)),
    }
    writer.builder.Finish(writer.table(fields), file_identifier=b"TFL3")
    return bytes(writer.builder.Output())


def _buffer(writer: Writer, data: bytes | tuple[int, int], end: int) -> Fields:
    if isinstance(data, tuple):
        return {1: ("u64", end + data[0]), 2: ("u64", data[1])}
    return {0: ("at", writer.builder.CreateByteVector(data))} if data else {}


def _code(writer: Writer, kind: str) -> Fields:
    number = getattr(BuiltinOperator, kind, BuiltinOperator.CUSTOM)
    fields: Fields = {0: ("i8", min(number, 127)), 3: ("i32", number)}
    if not hasattr(BuiltinOperator, kind):
        fields[1] = ("at", writer.text(kind))
    return fields


def _graph(
    writer: Writer, graph: Graph, kinds: list[str], buffers: list[bytes | tuple[int, int]]
) -> int:
    tensors = [_tensor(writer, i, item, buffers) for i, item in enumerate(graph.tensors)]
    nodes = []
    for kind, inputs, outputs, options, extra in graph.nodes:
        fields: Fields = {
            0: ("u32", kinds.index(kind)),
            1: ("at", writer.vector(inputs, "<i4")),
            2: ("at", writer.vector(outputs, "<i4")),
            3: ("u8", _options_type(kind)),
            4: ("at", _options(writer, options)),
        }
        if extra:
            fields[5] = ("at", writer.builder.CreateByteVector(extra))
        nodes.append(writer.table(fields))
    fields = {
        0: ("at", writer.tables(tensors)),
        1: ("at", writer.vector(graph.inputs, "<i4")),
        2: ("at", writer.vector(graph.outputs, "<i4")),
        3: ("at", writer.tables(nodes)),
    }
    return writer.table(fields)


def _options_type(kind: str) -> int:
    name = OPTIONS.get(kind) or "".join(part.capitalize() for part in kind.split("_"))
    return int(getattr(BuiltinOptions, f"{name}Options", 0))


def _options(writer: Writer, options: Fields) -> int:
    done: Fields = {}
    for slot, (kind, value) in options.items():
        if kind == "text":
            done[slot] = ("at", writer.text(value))
        elif kind == "list":
            done[slot] = ("at", writer.vector(value, "<i4"))
        else:
            done[slot] = (kind, value)
    return writer.table(done)


def _tensor(
    writer: Writer, index: int, tensor: Tensor, buffers: list[bytes | tuple[int, int]]
) -> int:
    fields: Fields = {
        0: ("at", writer.vector(tensor.shape, "<i4")),
        1: ("u8", TYPES[tensor.kind]),
        2: ("u32", len(buffers) if tensor.data else 0),
        3: ("at", writer.text(tensor.name or f"t{index}")),
        5: ("bool", tensor.variable),
    }
    if tensor.data and tensor.outside:
        before = sum(item[1] for item in buffers if isinstance(item, tuple))
        buffers.append((before, len(tensor.data)))
    elif tensor.data:
        buffers.append(tensor.data)
    if tensor.scale:
        zero = tensor.zero or [0] * len(tensor.scale)
        scales: Fields = {
            2: ("at", writer.vector(tensor.scale, "<f4")),
            3: ("at", writer.vector(zero, "<i8")),
            6: ("i32", tensor.axis),
        }
        fields[4] = ("at", writer.table(scales))
    if tensor.sparsity is not None:
        fields[6] = ("at", _sparsity(writer, tensor.sparsity))
    if tensor.signature:
        fields[7] = ("at", writer.vector(tensor.signature, "<i4"))
    return writer.table(fields)


def _sparsity(writer: Writer, sparsity: Sparsity) -> int:
    dimensions = []
    for item in sparsity.dimensions:
        if isinstance(item, int):
            dimensions.append(writer.table({0: ("i8", 0), 1: ("i32", item)}))
            continue
        inner = [writer.table({0: ("at", writer.vector(values, "<i4"))}) for values in item]
        fields: Fields = {
            0: ("i8", 1),
            2: ("u8", 1),
            3: ("at", inner[0]),
            4: ("u8", 1),
            5: ("at", inner[1]),
        }
        dimensions.append(writer.table(fields))
    fields = {
        0: ("at", writer.vector(sparsity.order, "<i4")),
        1: ("at", writer.vector(sparsity.blocks, "<i4")),
        2: ("at", writer.tables(dimensions)),
    }
    return writer.table(fields)
