"""Where a program finds its data in DRAM and behind the host link, and how to put it there.

The compiler fills a `Layout` with addresses; `pack_*` and `unpack` fill and read an array of bytes,
so that a program can be run on values. Arrays: activations [images, rows, columns, channels],
weights [K, N] in the order of `geometry.reduction_rows`.
"""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from apollo.compiler.systolic.geometry import cut
from apollo.compiler.systolic.layers import Shape

Bytes = npt.NDArray[np.uint8]
Values = npt.NDArray[np.integer]
SUM_RECORD_BYTES = 13
_ALIGNMENT = 256


@dataclass(frozen=True)
class Requantisation:
    """Values of the records of N channels: a becomes (a + bias) * multiplier / 2^shift (M27)."""

    bias: Values  # [N]
    multiplier: Values  # [N]
    shift: Values  # [N]


@dataclass(frozen=True)
class Stored:
    """An input or output: channel tiles one after the other, each [image, row, column, channel]."""

    address: int
    shape: Shape
    tile_channels: int

    def tile_address(self, tile: int) -> int:
        """Where a channel tile begins."""
        before = tile * self.tile_channels * self.shape.images * self.shape.positions
        return self.address + before * (2 if self.shape.wide else 1)


@dataclass(frozen=True)
class WeightTile:
    """Weights that one load brings: rows of K by a run of N, and padding to the pitch."""

    address: int
    rows: tuple[int, ...]  # of K
    column: int
    columns: int
    pitch: int  # bytes a row


@dataclass
class Layout:
    """Addresses by name of tensor, layer or table; `size` bytes in all."""

    tensors: dict[str, Stored] = field(default_factory=dict)
    weights: dict[str, list[WeightTile]] = field(default_factory=dict)
    records: dict[str, int] = field(default_factory=dict)  # of all channels of a matrix layer
    vector_records: dict[str, int] = field(default_factory=dict)
    tables: dict[str, int] = field(default_factory=dict)
    size: int = 0

    def reserve(self, count: int) -> int:
        """The address of so many further bytes."""
        address = self.size
        self.size = -(-(address + count) // _ALIGNMENT) * _ALIGNMENT
        return address

    def empty(self) -> Bytes:
        """A memory that holds it all."""
        return np.zeros(self.size, np.uint8)

    def pack_tensor(self, memory: Bytes, name: str, values: Values) -> None:
        """Write an input [images, rows, columns, channels]."""
        stored = self.tensors[name]
        kind = "<i2" if stored.shape.wide else "<i1"
        for tile, (first, count) in enumerate(cut(stored.shape.channels, stored.tile_channels)):
            part = np.ascontiguousarray(values[..., first : first + count].astype(kind))
            _write(memory, stored.tile_address(tile), part)

    def unpack(self, memory: Bytes, name: str) -> Values:
        """Read an output [images, rows, columns, channels]."""
        stored = self.tensors[name]
        shape = stored.shape
        kind = np.dtype("<i2" if shape.wide else "<i1")
        parts = []
        for tile, (_, count) in enumerate(cut(shape.channels, stored.tile_channels)):
            address = stored.tile_address(tile)
            size = shape.images * shape.positions * count * kind.itemsize
            part = memory[address : address + size].view(kind)
            parts.append(part.reshape(shape.images, shape.rows, shape.columns, count))
        return np.concatenate(parts, axis=3)

    def pack_weights(self, memory: Bytes, layer: str, weights: Values) -> None:
        """Write int8 weights [K, N]."""
        for tile in self.weights[layer]:
            part = np.zeros((len(tile.rows), tile.pitch), np.int8)
            columns = slice(tile.column, tile.column + tile.columns)
            part[:, : tile.columns] = weights[list(tile.rows), columns]
            _write(memory, tile.address, part)

    def pack_records(self, memory: Bytes, layer: str, values: Requantisation) -> None:
        """Write the requantisation of a matrix layer."""
        kind = np.dtype([("bias", "<i4"), ("multiplier", "<i4"), ("shift", "i1")])
        records = np.zeros(len(values.bias), kind)
        records["bias"], records["multiplier"] = values.bias, values.multiplier
        records["shift"] = values.shift
        _write(memory, self.records[layer], records)

    def pack_product(
        self,
        memory: Bytes,
        layer: str,
        multiplier: int,
        shift: int,
        zeros: tuple[int, int] = (0, 0),
    ) -> None:
        """Write the record of a `MULTIPLY` (M29)."""
        kind = np.dtype([("zeros", "<i2", 2), ("multiplier", "<i4"), ("shift", "i1")])
        record = np.array([(zeros, multiplier, shift)], kind)
        _write(memory, self.vector_records[layer], record)

    def pack_sum(
        self,
        memory: Bytes,
        layer: str,
        multipliers: tuple[int, int],
        shift: int,
        zeros: tuple[int, int] = (0, 0),
    ) -> None:
        """Write the record of an `ADD` (M29)."""
        kind = np.dtype([("zeros", "<i2", 2), ("multipliers", "<i4", 2), ("shift", "i1")])
        record = np.array([(zeros, multipliers, shift)], kind)
        _write(memory, self.vector_records[layer], record)

    def pack_table(self, memory: Bytes, table: str, values: Values, *, wide: bool) -> None:
        """Write the entries of a `LOOKUP` (M30): 256 int8, or 513 int16 for wide tensors."""
        _write(memory, self.tables[table], values.astype("<i2" if wide else "<i1"))


def _write(memory: Bytes, address: int, values: npt.NDArray[np.generic]) -> None:
    raw = np.frombuffer(values.tobytes(), np.uint8)
    memory[address : address + len(raw)] = raw
