"""What loads, stores and moves mean, element by element (M23-M25), and random ones.

A memory is a dict of units to bytearrays: PEs by number, cores by (PE, core).
"""

from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np

from apollo.arch.accelerator import Accelerator
from apollo.arch.operands import TransferFlag as Flag
from tests.simulator.functional.draw import Places
from tests.simulator.functional.meaning import get, put

AXES = ("none", "rows", "columns", "channels")
Operands = dict[str, Any]
Point = tuple[int, int, int]


def grid(chip: Accelerator) -> Iterator[tuple[int, int, int]]:
    """Number, x and y of every PE."""
    for number in range(chip.pes):
        yield number, number % chip.pes_x, number // chip.pes_x


def width(o: Operands) -> int:
    return 2 if o["flags"] & Flag.WIDE else 1


def shifted(point: list[int], axis: str, by: int) -> list[int]:
    moved = list(point)
    if axis != "none":
        moved[AXES.index(axis) - 1] += by
    return moved


def box(o: Operands, x: int, y: int, core: int = 0) -> dict[Point, int]:
    """Address of every element of a box by its coordinates in the tensor."""
    first = [o["first_row"], o["first_column"], o["first_channel"]]
    first = shifted(shifted(first, o["split_x"], x * o["step_x"]), o["split_y"], y * o["step_y"])
    first = shifted(first, o.get("core_split", "none"), core * o.get("step_core", 0))
    found = {}
    for i, j, k in product(*(range(o[f"box_{name}"]) for name in AXES[1:])):
        address = o["address"] + i * o["row_pitch"] + j * o["column_pitch"]
        point = (first[0] + i, first[1] + j, first[2] + k)
        found[point] = address + k * o["channel_pitch"]
    return found


def stream(o: Operands, dram: bytes | bytearray) -> list[int]:
    """The bytes' addresses of a stream."""
    return [
        o["dram_address"] + s * o["dram_pitch"] + b
        for s in range(o["segments"])
        for b in range(o["segment_bytes"])
    ]


def stream_elements(o: Operands, dram: bytearray) -> dict[Point, tuple[int, ...]]:
    """The DRAM addresses of the bytes of each element."""
    bytes_of, w = stream(o, dram), width(o)
    found = {}
    for e in range(len(bytes_of) // w):
        pixel, channel = divmod(e, o["channels"])
        point = (*divmod(pixel, o["columns"]), channel)
        found[point] = tuple(bytes_of[e * w : (e + 1) * w])
    return found


def load(o: Operands, chip: Accelerator, dram: bytearray, pe: list[bytearray]) -> None:
    elements = stream_elements(o, dram)
    for number, x, y in grid(chip):
        for point, address in box(o, x, y).items():
            if point in elements:
                for i, at in enumerate(elements[point]):
                    pe[number][address + i] = dram[at]
            else:
                put(pe[number], address, o["fill"], width(o))


def store(o: Operands, chip: Accelerator, dram: bytearray, pe: list[bytearray]) -> None:
    for point, places in stream_elements(o, dram).items():
        number, address = next(
            (number, box(o, x, y)[point]) for number, x, y in grid(chip) if point in box(o, x, y)
        )
        for i, at in enumerate(places):
            dram[at] = pe[number][address + i]


def part(o: Operands, x: int, y: int) -> dict[Point, int]:
    """Address of every element of the moved tensor that a PE holds."""
    begin, size = [0, 0, 0], [o["rows"], o["columns"], o["channels"]]
    total = list(size)
    for name, place in (("x", x), ("y", y)):
        axis, step = o[f"source_split_{name}"], o[f"source_step_{name}"]
        begin = shifted(begin, axis, place * step)
        if axis != "none":
            size[AXES.index(axis) - 1] = min(size[AXES.index(axis) - 1], step)
    found = {}
    for i, j, k in product(*map(range, size)):
        point = (begin[0] + i, begin[1] + j, begin[2] + k)
        address = o["source"] + i * o["source_row_pitch"] + j * o["source_column_pitch"]
        if all(at < end for at, end in zip(point, total, strict=True)):
            found[point] = address + k * o["source_channel_pitch"]
    return found


def move(
    o: Operands, chip: Accelerator, pe: list[bytearray], core: dict[tuple[int, int], bytearray]
) -> int:
    """Moves, and says how many bytes crossed."""
    old = [bytes(memory) for memory in pe]
    inside = set(product(range(o["rows"]), range(o["columns"]), range(o["channels"])))
    owners: dict[Point, tuple[int, int]] = {}
    for number, x, y in grid(chip):
        for point, address in part(o, x, y).items():
            owners.setdefault(point, (number, address))
    crossed: set[Point] = set()
    for number, x, y in grid(chip):
        own = part(o, x, y) if o["flags"] & Flag.HALO else {}
        for c in range(chip.cores if o["flags"] & Flag.TO_CORE else 1):
            memory = core[number, c] if o["flags"] & Flag.TO_CORE else pe[number]
            for point, address in box(o, x, y, c).items():
                if point in own:
                    continue
                value = o["fill"]
                if point in inside:
                    crossed.add(point)
                    giver, at = owners[point]
                    value = get(bytearray(old[giver]), at, width(o))
                put(memory, address, value, width(o))
    return (len(crossed) if o["flags"] & Flag.HALO else len(inside)) * width(o)


def draw_boxes(rng: np.random.Generator, places: Places, shape: Point, w: int) -> Operands:
    """Boxes of any size about a tensor, splits, steps and a layout in PE memory."""
    o: Operands = {}
    for name, first, size in zip(AXES[1:], ("row", "column", "channel"), shape, strict=True):
        o[f"box_{name}"] = int(rng.integers(1, size + 3))
        o[f"first_{first}"] = int(rng.integers(-2, 3))
    for name in ("x", "y"):
        o[f"split_{name}"] = AXES[rng.integers(4)]
        o[f"step_{name}"] = int(rng.integers(0, 4))
    layout = places.tensor("", (o["box_rows"], o["box_columns"], o["box_channels"]), w)
    o["address"] = places.take(layout.pop("size"))
    o["fill"] = int(rng.integers(-128, 128))
    return o | layout


def cover(
    rng: np.random.Generator, places: Places, chip: Accelerator, shape: Point, w: int
) -> Operands:
    """Boxes that together have all of a tensor; they may overlap."""
    o: Operands = dict(first_row=0, first_column=0, first_channel=0)
    size = dict(zip(AXES[1:], shape, strict=True))
    for name, count in (("x", chip.pes_x), ("y", chip.pes_y)):
        axis = o[f"split_{name}"] = AXES[rng.integers(4)]
        if name == "y" and axis == o["split_x"]:
            axis = o["split_y"] = "none"
        o[f"step_{name}"] = 0
        if axis != "none":
            o[f"step_{name}"] = size[axis] = -(-size[axis] // count)
    for axis in AXES[1:]:
        o[f"box_{axis}"] = size[axis] + int(rng.integers(0, 2))
    layout = places.tensor("", (o["box_rows"], o["box_columns"], o["box_channels"]), w)
    o["address"] = places.take(layout.pop("size"))
    return o | layout


def draw_stream(rng: np.random.Generator, w: int) -> tuple[Operands, Point]:
    """A stream, perhaps with an incomplete last row, and the shape of its tensor."""
    segments, each = (int(n) for n in rng.integers(1, (5, 20)))
    o: Operands = dict(
        segments=segments,
        segment_bytes=w * each,
        dram_pitch=w * each + int(rng.integers(0, 4)),
        columns=int(rng.integers(1, 5)),
        channels=int(rng.integers(1, 4)),
    )
    rows = -(-segments * each // (o["columns"] * o["channels"]))
    return o, (rows, o["columns"], o["channels"])


def draw_move(
    rng: np.random.Generator, places: Places, chip: Accelerator, flags: int
) -> tuple[Operands, Places]:
    """A move whose parts cover its tensor, and the places in the receivers' memory."""
    w = 2 if flags & Flag.WIDE else 1
    shape = tuple(int(n) for n in rng.integers(1, (6, 6, 5)))
    o: Operands = dict(flags=flags, rows=shape[0], columns=shape[1], channels=shape[2])
    held = dict(zip(AXES[1:], shape, strict=True))
    for name, count in (("x", chip.pes_x), ("y", chip.pes_y)):
        axis = AXES[rng.integers(4)]
        if name == "y" and axis == o["source_split_x"]:
            axis = "none"
        o[f"source_split_{name}"] = axis
        o[f"source_step_{name}"] = 0 if axis == "none" else -(-held[axis] // count)
        if axis != "none":
            held[axis] = o[f"source_step_{name}"]
    layout = places.tensor("source_", (held["rows"], held["columns"], held["channels"]), w)
    o["source"] = places.take(layout.pop("size"))
    o |= layout
    there = Places(rng) if flags & Flag.TO_CORE else places
    o |= draw_boxes(rng, there, (shape[0], shape[1], shape[2]), w)
    if flags & Flag.TO_CORE:
        o |= dict(core_split=AXES[rng.integers(4)], step_core=int(rng.integers(0, 3)))
    return o, there
