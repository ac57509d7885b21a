"""Emission of loads, stores and moves of activations."""

import numpy as np
import numpy.typing as npt

from apollo.arch.isa import Engine, Opcode
from apollo.arch.jit import bare_inlined, bare_kernel
from apollo.arch.operands import Move, Transfer, TransferFlag
from apollo.compiler.kernels.boxes import (
    DIVIDED,
    FIRST,
    SIZE,
    STEP,
    enter_box,
    result_box,
    second_box,
    source_box,
)
from apollo.compiler.kernels.operands import moved_rows, moved_second_rows
from apollo.compiler.kernels.parts import blocks_along, ceil_div, keeps_columns_whole
from apollo.compiler.kernels.stream import ISSUED, Stream, put
from apollo.compiler.kernels.views import View, tile_address
from apollo.compiler.tables import From, Map, Nest, Place, Split, TensorColumn, Unit

Ints = npt.NDArray[np.int64]
Column = npt.NDArray[np.int32]

_ACT, _MOVE, _COMPUTE, _STORE = (
    int(Engine.ACT),
    int(Engine.MOVE),
    int(Engine.COMPUTE),
    int(Engine.STORE),
)
_LOAD_OP, _MOVE_OP, _STORE_OP = (
    int(Opcode.LOAD_ACTIVATIONS),
    int(Opcode.MOVE),
    int(Opcode.STORE),
)
_WIDE, _HALO = int(TransferFlag.WIDE), int(TransferFlag.HALO)


@bare_inlined
def rows_of_tile(n: Ints, d: Ints, m: Ints, tile: int) -> int:
    """Output rows that a PE computes in a row tile; 0 where nothing is left."""
    if m[Map.BANDED]:
        bands = blocks_along(d, m, Split.ROWS)
        left = n[Nest.ROWS] - tile * m[Map.TILE_ROWS] * bands
        return max(0, min(m[Map.TILE_ROWS], (left + bands - 1) // bands))
    return min(m[Map.TILE_ROWS], m[Map.PE_ROWS] - tile * m[Map.TILE_ROWS])


@bare_inlined
def _is_cut(d: Ints, m: Ints) -> bool:
    """Whether a tile's rows are not neighbours: each PE has some of its part."""
    return bool(m[Map.ROW_TILES] > 1 and not m[Map.BANDED] and blocks_along(d, m, Split.ROWS) > 1)


@bare_inlined
def _start(d: Ints, m: Ints, tile: int) -> int:
    """First output row of a tile, of the first PE."""
    bands = blocks_along(d, m, Split.ROWS) if m[Map.BANDED] else 1
    return tile * m[Map.TILE_ROWS] * bands


@bare_inlined
def _row_bytes(t: Ints) -> int:
    return t[TensorColumn.COLUMNS] * t[TensorColumn.CHANNELS] * t[TensorColumn.WIDTH]


@bare_inlined
def image_rows(t: Ints) -> int:
    """Rows of an image in DRAM, guards included."""
    return t[TensorColumn.TOP] + t[TensorColumn.ROWS] + t[TensorColumn.BOTTOM]


@bare_inlined
def _flags(t: Ints) -> int:
    return _WIDE if t[TensorColumn.WIDTH] == 2 else 0


@bare_kernel
def _enter_stream(
    operand: Column, n: Ints, d: Ints, m: Ints, t: Ints, dram: int, tile: int, b: Ints, order: int
) -> None:
    """The stream of a load whose box is in `b`, which is changed to the stream's coordinates."""
    row = _row_bytes(t)
    operand[Transfer.COLUMNS] = t[TensorColumn.COLUMNS]
    operand[Transfer.CHANNELS] = t[TensorColumn.CHANNELS]
    bands = blocks_along(d, m, Split.ROWS)
    if _is_cut(d, m) and b[0, DIVIDED]:
        left = n[Nest.ROWS] - tile * m[Map.TILE_ROWS]
        operand[Transfer.SEGMENTS] = min(bands, ceil_div(left, m[Map.PE_ROWS]))
        operand[Transfer.SEGMENT_BYTES] = b[0, SIZE] * row
        operand[Transfer.DRAM_ADDRESS] = dram + b[0, FIRST] * row
        operand[Transfer.DRAM_PITCH] = b[0, STEP] * row
        b[0, FIRST] = 0
        b[0, STEP] = b[0, SIZE]
        return
    low, high = 0, t[TensorColumn.ROWS]
    if order & 15 == Split.ROWS:
        low = min(high - 1, max(0, b[0, FIRST]))
        end = b[0, FIRST] + b[0, SIZE]
        if b[0, DIVIDED]:
            end += (bands - 1) * b[0, STEP]
        high = max(low + 1, min(high, end))
        b[0, FIRST] -= low
    operand[Transfer.SEGMENT_BYTES] = (high - low) * row
    operand[Transfer.DRAM_ADDRESS] = dram + low * row


@bare_kernel
def load_source(
    s: Stream,
    n: Ints,
    d: Ints,
    m: Ints,
    t: Ints,
    v: Ints,
    layer: int,
    dram: int,
    image: int,
    tile: int,
    count: int,
    b: Ints,
) -> int:
    """Load what a row tile reads of the source; the number of the instruction."""
    step = m[Map.PE_ROWS]
    rows = rows_of_tile(n, d, m, tile)
    if m[Map.BANDED]:
        step = rows
    source_box(n, m, v, _start(d, m, tile), rows, step, b)
    number = put(s, _ACT, _LOAD_OP, layer)
    operand = s.operand[number]
    first = dram + (image * image_rows(t) + t[TensorColumn.TOP]) * _row_bytes(t)
    _enter_stream(operand, n, d, m, t, first, tile, b, n[Nest.PERMUTATION])
    enter_box(operand, d, m, b, n[Nest.PERMUTATION])
    operand[Transfer.ADDRESS] = tile_address(v, 0, 0, count)
    operand[Transfer.FILL] = n[Nest.FILL]
    operand[Transfer.FLAGS] = _flags(t)
    return number


@bare_kernel
def load_second(
    s: Stream,
    n: Ints,
    d: Ints,
    m: Ints,
    t: Ints,
    v: Ints,
    layer: int,
    dram: int,
    image: int,
    tile: int,
    count: int,
    b: Ints,
) -> int:
    """The same for the second operand."""
    step = m[Map.PE_ROWS]
    rows = rows_of_tile(n, d, m, tile)
    if m[Map.BANDED]:
        step = rows
    second_box(n, m, t, v, _start(d, m, tile), rows, step, b)
    number = put(s, _ACT, _LOAD_OP, layer)
    operand = s.operand[number]
    which = 0 if t[TensorColumn.IMAGES] == 1 else image
    first = dram + (which * image_rows(t) + t[TensorColumn.TOP]) * _row_bytes(t)
    _enter_stream(operand, n, d, m, t, first, tile, b, 0x321)
    enter_box(operand, d, m, b, 0x321)
    operand[Transfer.ADDRESS] = tile_address(v, 0, 0, count)
    operand[Transfer.FLAGS] = _flags(t)
    return number


@bare_inlined
def _part_of(operand: Column, n: Ints, t: Ints, rows: int) -> None:
    """The segments of so many whole rows of a nest's part of a tensor."""
    channels = n[Nest.CHANNELS] * n[Nest.GROUPS]
    width = t[TensorColumn.WIDTH]
    across = n[Nest.RESULT_COLUMNS] * t[TensorColumn.CHANNELS]
    if channels < across:
        operand[Transfer.SEGMENTS] = rows * n[Nest.COLUMNS]
        operand[Transfer.SEGMENT_BYTES] = channels * width
        operand[Transfer.DRAM_PITCH] = across * width
    elif n[Nest.RESULT_ROWS] > 1 or keeps_columns_whole(n, t):
        operand[Transfer.SEGMENTS] = rows
        operand[Transfer.SEGMENT_BYTES] = n[Nest.COLUMNS] * channels * width
        operand[Transfer.DRAM_PITCH] = n[Nest.RESULT_ROWS] * _row_bytes(t)
    else:
        operand[Transfer.SEGMENT_BYTES] = rows * _row_bytes(t)


@bare_inlined
def _put_store(
    s: Stream, n: Ints, d: Ints, m: Ints, t: Ints, layer: int, address: int, dram: int, b: Ints
) -> int:
    """A store but for its segments; its number."""
    number = put(s, _STORE, _STORE_OP, layer)
    operand = s.operand[number]
    enter_box(operand, d, m, b, 0x321)
    operand[Transfer.DRAM_ADDRESS] = dram
    operand[Transfer.COLUMNS] = n[Nest.COLUMNS]
    operand[Transfer.CHANNELS] = n[Nest.CHANNELS] * n[Nest.GROUPS]
    operand[Transfer.ADDRESS] = address
    operand[Transfer.FLAGS] = _flags(t)
    s.wait[number, _COMPUTE] = s.number[ISSUED + _COMPUTE]
    return number


@bare_kernel
def store_tile(
    s: Stream,
    n: Ints,
    d: Ints,
    m: Ints,
    t: Ints,
    v: Ints,
    layer: int,
    dram: int,
    image: int,
    tile: int,
    count: int,
    b: Ints,
) -> None:
    """Store a row tile of the result."""
    rows = rows_of_tile(n, d, m, tile)
    bands = blocks_along(d, m, Split.ROWS)
    start = _start(d, m, tile)
    address = tile_address(v, 0, 0, count)
    row = _row_bytes(t)
    first = (image + n[Nest.FIRST_IMAGE]) * image_rows(t) + t[TensorColumn.TOP]
    dram += (first + n[Nest.FIRST_ROW] + start * n[Nest.RESULT_ROWS]) * row
    dram += n[Nest.FIRST_COLUMN] * t[TensorColumn.CHANNELS] * t[TensorColumn.WIDTH]
    dram += n[Nest.FIRST_CHANNEL] * t[TensorColumn.WIDTH]
    if not _is_cut(d, m):
        step = rows if m[Map.BANDED] else m[Map.PE_ROWS]
        result_box(m, v, rows, step, b)
        number = _put_store(s, n, d, m, t, layer, address, dram, b)
        operand = s.operand[number]
        whole = n[Nest.ROWS] if m[Map.ROW_TILES] == 1 else min(rows * bands, n[Nest.ROWS] - start)
        _part_of(operand, n, t, whole)
        return
    # PEs with all rows of the tile, then the one with some of them.
    part = m[Map.PE_ROWS]
    full = 0
    while full < bands and full * part + start + rows <= n[Nest.ROWS]:
        full += 1
    rest = n[Nest.ROWS] - full * part - start if full < bands else 0
    if full > 0:
        result_box(m, v, rows, rows, b)
        number = _put_store(s, n, d, m, t, layer, address, dram, b)
        operand = s.operand[number]
        operand[Transfer.SEGMENTS] = full
        operand[Transfer.SEGMENT_BYTES] = rows * row
        operand[Transfer.DRAM_PITCH] = part * row
    if rest > 0:
        result_box(m, v, rows, rows, b)
        b[0, FIRST] = -full * rows
        number = _put_store(s, n, d, m, t, layer, address, dram + full * part * row, b)
        operand = s.operand[number]
        operand[Transfer.SEGMENT_BYTES] = rest * row


@bare_kernel
def put_move(
    s: Stream, d: Ints, t: Ints, p: Ints, layer: int, image: int, size: int, fill: int
) -> int:
    """A move of an image from where a tensor is, but for its boxes; its number."""
    number = put(s, _MOVE, _MOVE_OP, layer)
    operand, wait = s.operand[number], s.wait[number]
    width = t[TensorColumn.WIDTH]
    column = p[Place.CHANNELS] * width
    row = (p[Place.COLUMNS] + t[TensorColumn.LEFT] + t[TensorColumn.RIGHT]) * column
    tall = p[Place.ROWS] + t[TensorColumn.TOP] + t[TensorColumn.BOTTOM]
    operand[Move.BYTES] = size
    operand[Move.ROWS] = t[TensorColumn.ROWS]
    operand[Move.COLUMNS] = t[TensorColumn.COLUMNS]
    operand[Move.CHANNELS] = t[TensorColumn.CHANNELS]
    operand[Move.SOURCE] = (
        p[Place.ADDRESS]
        + (image * tall + t[TensorColumn.TOP]) * row
        + t[TensorColumn.LEFT] * column
    )
    operand[Move.SOURCE_ROW_PITCH] = row
    operand[Move.SOURCE_COLUMN_PITCH] = column
    operand[Move.SOURCE_CHANNEL_PITCH] = width
    operand[Move.SOURCE_SPLIT_X] = p[Place.SPLIT_X]
    operand[Move.SOURCE_SPLIT_Y] = p[Place.SPLIT_Y]
    operand[Move.SOURCE_STEP_X] = _step(p, p[Place.SPLIT_X])
    lap = d[Unit.PES_X] if p[Place.SPLIT_X] == p[Place.SPLIT_Y] else 1
    operand[Move.SOURCE_STEP_Y] = _step(p, p[Place.SPLIT_Y]) * lap
    operand[Move.FILL] = fill
    operand[Move.FLAGS] = _flags(t)
    # The copy may take the place of anything that an earlier layer read or stored.
    wait[_COMPUTE] = s.number[ISSUED + _COMPUTE]
    wait[_STORE] = s.number[ISSUED + _STORE]
    return number


@bare_inlined
def _step(p: Ints, split: int) -> int:
    if split == Split.ROWS:
        return p[Place.ROWS]
    if split == Split.COLUMNS:
        return p[Place.COLUMNS]
    return p[Place.CHANNELS] if split == Split.CHANNELS else 0


@bare_kernel
def fill_margins(s: Stream, n: Ints, d: Ints, m: Ints, t: Ints, p: Ints, layer: int) -> None:
    """Bring what neighbours hold into the margins of the source, image by image."""
    for image in range(t[TensorColumn.IMAGES]):
        number = put_move(s, d, t, p, layer, image, m[Map.MOVE_BYTES], n[Nest.FILL])
        operand = s.operand[number]
        top, left = t[TensorColumn.TOP], t[TensorColumn.LEFT]
        row, column = operand[Move.SOURCE_ROW_PITCH], operand[Move.SOURCE_COLUMN_PITCH]
        operand[Move.FLAGS] |= _HALO
        operand[Move.ADDRESS] = operand[Move.SOURCE] - top * row - left * column
        for slot in range(3):
            operand[Move.ROW_PITCH + slot] = operand[Move.SOURCE_ROW_PITCH + slot]
        operand[Move.BOX_ROWS] = p[Place.ROWS] + top + t[TensorColumn.BOTTOM]
        operand[Move.BOX_COLUMNS] = p[Place.COLUMNS] + left + t[TensorColumn.RIGHT]
        operand[Move.BOX_CHANNELS] = p[Place.CHANNELS]
        operand[Move.FIRST_ROW] = -top
        operand[Move.FIRST_COLUMN] = -left
        operand[Move.SPLIT_X] = operand[Move.SOURCE_SPLIT_X]
        operand[Move.SPLIT_Y] = operand[Move.SOURCE_SPLIT_Y]
        operand[Move.STEP_X] = operand[Move.SOURCE_STEP_X]
        operand[Move.STEP_Y] = operand[Move.SOURCE_STEP_Y]


@bare_kernel
def copy_operand(
    s: Stream,
    n: Ints,
    d: Ints,
    m: Ints,
    t: Ints,
    p: Ints,
    v: Ints,
    layer: int,
    second: bool,
    b: Ints,
) -> None:
    """Bring an operand that is in other PEs into a copy, image by image."""
    size = m[Map.SECOND_MOVE_BYTES] if second else m[Map.MOVE_BYTES]
    order = 0x321 if second else n[Nest.PERMUTATION]
    for image in range(t[TensorColumn.IMAGES]):
        fill = 0 if second else n[Nest.FILL]
        number = put_move(s, d, t, p, layer, image, size, fill)
        if second:
            second_box(n, m, t, v, 0, m[Map.PE_ROWS], m[Map.PE_ROWS], b)
            first, count = moved_second_rows(n, t, p)
        else:
            source_box(n, m, v, 0, m[Map.PE_ROWS], m[Map.PE_ROWS], b)
            first, count = moved_rows(n, t, p)
        operand = s.operand[number]
        enter_box(operand, d, m, b, order)
        operand[Move.ADDRESS] = v[View.BASE] + image * v[View.IMAGE]
        operand[Move.SOURCE] += first * operand[Move.SOURCE_ROW_PITCH]
        operand[Move.FIRST_ROW] -= first
        operand[Move.ROWS] = count


@bare_kernel
def move_operands(
    s: Stream, n: Ints, d: Ints, m: Ints, tensors: Ints, places: Ints, v: Ints, layer: int, b: Ints
) -> None:
    """Bring operands that are in other PEs; `v` has the views of source and second operand."""
    source = n[Nest.SOURCE]
    if m[Map.SOURCE_FROM] == From.HALO:
        fill_margins(s, n, d, m, tensors[source], places[source], layer)
    elif m[Map.SOURCE_FROM] == From.COPY:
        copy_operand(s, n, d, m, tensors[source], places[source], v[0], layer, False, b)
    if m[Map.SECOND_FROM] == From.COPY:
        second = n[Nest.SECOND]
        copy_operand(s, n, d, m, tensors[second], places[second], v[1], layer, True, b)
