"""Reading of FlatBuffers that trusts nothing: every offset and every length is checked.

A table begins with the distance back to its *vtable*, which holds where each of its fields lies; a
field that is absent has its default. Strings, vectors and tables are pointed to by the distance
from the field. See the FlatBuffers documentation, "FlatBuffer Internals".
"""

import mmap
import struct
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

Data = bytes | mmap.mmap
LONGEST_TEXT = 1 << 12
MOST_FIELDS = 64  # that are looked at; no table of the format has as many
SCALARS = {"bool": "?", "i8": "b", "u8": "B", "i32": "i", "u32": "I", "u64": "Q"}
VECTORS = {"u8": "u1", "u16": "<u2", "i32": "<i4", "i64": "<i8", "f32": "<f4"}


class DamagedError(ValueError):
    """The file says something that cannot be."""


@dataclass
class Meter:
    """How many entries may still be read: a small file could name the same ones again and again."""

    left: int

    @classmethod
    def of(cls, data: Data) -> "Meter":
        """As much as a file can hold, and some more for what it may share."""
        return cls((1 << 20) + 8 * len(data))

    def take(self, count: int) -> None:
        """Raises `DamagedError` when too many entries have been read."""
        self.left -= count
        if self.left < 0:
            raise DamagedError("its tables name the same entries too often")


@dataclass(frozen=True)
class Table:
    """A table at a position of a file.

    Attributes:
        data: the whole file.
        position: where the table begins.
        fields: where each field lies behind it; 0 if it is absent.
        meter: of the file.

    """

    data: Data
    position: int
    fields: tuple[int, ...]
    meter: Meter

    @classmethod
    def root(cls, data: Data) -> "Table":
        """The table that the file begins with a pointer to."""
        return cls.at(data, _unpack(data, "I", 0), Meter.of(data))

    @classmethod
    def at(cls, data: Data, position: int, meter: Meter) -> "Table":
        """The table at a position."""
        meter.take(MOST_FIELDS)
        vtable = position - _unpack(data, "i", position)
        size = _unpack(data, "H", vtable)
        if size < 4 or size % 2 or vtable + size > len(data):
            raise DamagedError(f"there is no table at byte {position:,}")
        count = min(size // 2 - 2, MOST_FIELDS)
        fields = struct.unpack_from(f"<{count}H", data, vtable + 4)
        return cls(data, position, fields, meter)

    def again(self) -> "Table":
        """The same table, to be read as if nothing had been read yet."""
        return replace(self, meter=Meter.of(self.data))

    def scalar(self, slot: int, kind: str, default: int = 0) -> int:
        """A number of a kind that is named in `SCALARS`, or its default."""
        place = self._place(slot)
        return default if place is None else int(_unpack(self.data, SCALARS[kind], place))

    def real(self, slot: int, default: float = 0.0) -> float:
        """A floating-point number, or its default."""
        place = self._place(slot)
        return default if place is None else float(_unpack(self.data, "f", place))

    def table(self, slot: int) -> "Table | None":
        """A table that a field points to."""
        place = self._place(slot)
        return None if place is None else Table.at(self.data, self._target(place), self.meter)

    def tables(self, slot: int, most: int) -> list["Table"]:
        """A vector of tables, at most so many."""
        start, count = self._vector(slot, 4)
        if count > most:
            raise DamagedError(f"there are {count:,} entries where at most {most:,} can be")
        places = range(start, start + 4 * count, 4)
        return [Table.at(self.data, self._target(place), self.meter) for place in places]

    def numbers(self, slot: int, kind: str) -> npt.NDArray[np.generic]:
        """A vector of numbers of a kind that is named in `VECTORS`; it is not copied."""
        dtype = np.dtype(VECTORS[kind])
        start, count = self._vector(slot, dtype.itemsize)
        self.meter.take(count)
        return np.frombuffer(self.data, dtype, count, start) if count else np.zeros(0, dtype)

    def span(self, slot: int) -> tuple[int, int]:
        """Where a vector of bytes begins, and how many there are."""
        return self._vector(slot, 1)

    def text(self, slot: int) -> str:
        """A text, empty if it is absent."""
        start, count = self._vector(slot, 1)
        if count > LONGEST_TEXT:
            raise DamagedError(f"there is a name of {count:,} bytes")
        self.meter.take(count)
        try:
            return bytes(self.data[start : start + count]).decode()
        except UnicodeDecodeError:
            raise DamagedError(f"the name at byte {start:,} is not UTF-8 text") from None

    def _place(self, slot: int) -> int | None:
        behind = self.fields[slot] if slot < len(self.fields) else 0
        return self.position + behind if behind else None

    def _target(self, place: int) -> int:
        return place + int(_unpack(self.data, "I", place))

    def _vector(self, slot: int, size: int) -> tuple[int, int]:
        """Position and length of a vector whose elements take `size` bytes."""
        place = self._place(slot)
        if place is None:
            return 0, 0
        start = self._target(place)
        count = int(_unpack(self.data, "I", start))
        if start + 4 + size * count > len(self.data):
            raise DamagedError(f"the {count:,} entries at byte {start:,} go beyond the end")
        return start + 4, count


def _unpack(data: Data, kind: str, position: int) -> int:
    """The number at a position."""
    if not 0 <= position <= len(data) - struct.calcsize("<" + kind):
        raise DamagedError(f"byte {position:,} is wanted of {len(data):,}")
    value: int = struct.unpack_from("<" + kind, data, position)[0]
    return value
