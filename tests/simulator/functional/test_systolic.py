"""The systolic array: tiles of weights, both stationarities, draining (M21)."""

from fractions import Fraction

import numpy as np
import pytest

from apollo.arch.isa import Engine
from apollo.arch.operands import ComputeFlag as Flag
from apollo.simulator.functional import execute
from tests.simulator.functional.build import Image, Script, fill_memories, run_on, systolic
from tests.simulator.functional.draw import Places, record
from tests.simulator.functional.meaning import expected as meaning
from tests.simulator.functional.meaning import get, nearest_up

SEEDS = range(15)


def wrapped(sums: np.ndarray) -> np.ndarray:
    return sums.astype(np.int64).astype(np.int32)


def windows(pe: np.ndarray, o: dict, wide: int) -> np.ndarray:
    """The elements of every position's window, [positions, taps * channels], by hand."""
    memory = bytearray(pe[0].tobytes())
    found = []
    for r in range(o["rows"]):
        for c in range(o["columns"]):
            row = []
            for a in range(o["kernel_rows"]):
                for b in range(o["kernel_columns"]):
                    for k in range(o["in_channels"]):
                        at = o["source"] + k * o["source_channel_pitch"]
                        at += (r * o["stride_rows"] + a * o["dilation_rows"]) * o[
                            "source_row_pitch"
                        ]
                        step = c * o["stride_columns"] + b * o["dilation_columns"]
                        row.append(get(memory, at + step * o["source_column_pitch"], wide))
            found.append(row)
    return np.array(found, dtype=object)


def draw_window(rng: np.random.Generator, places: Places, wide: int) -> dict:
    o = dict(rows=int(rng.integers(1, 4)), columns=int(rng.integers(1, 4)))
    o |= dict(kernel_rows=int(rng.integers(1, 3)), kernel_columns=int(rng.integers(1, 3)))
    for name in ("stride", "dilation"):
        o |= {f"{name}_{axis}": int(rng.integers(1, 3)) for axis in ("rows", "columns")}
    o["in_channels"] = int(rng.integers(1, 5))
    rows = (o["rows"] - 1) * o["stride_rows"] + (o["kernel_rows"] - 1) * o["dilation_rows"] + 1
    columns = (o["columns"] - 1) * o["stride_columns"] + 1
    columns += (o["kernel_columns"] - 1) * o["dilation_columns"]
    layout = places.tensor("source_", (rows, columns, o["in_channels"]), wide)
    o["source"] = places.take(layout.pop("size"))
    return o | layout


@pytest.mark.parametrize("stationary", [0, Flag.OUTPUT_STATIONARY])
@pytest.mark.parametrize("seed", SEEDS)
def test_products_of_windows_and_weights(seed: int, stationary: int) -> None:
    rng = np.random.default_rng([seed, bool(stationary)])
    chip = systolic(16, 7)
    flags = stationary | int(rng.choice([0, Flag.WIDE_SOURCE]))
    flags |= int(rng.choice([0, Flag.WIDE_SECOND]))
    wide, wide2 = 1 + bool(flags & Flag.WIDE_SOURCE), 1 + bool(flags & Flag.WIDE_SECOND)
    places = Places(rng)
    o = draw_window(rng, places, wide)
    length = o["kernel_rows"] * o["kernel_columns"] * o["in_channels"]
    columns, pitch = int(rng.integers(1, 8)), 7 * wide2 + int(rng.integers(0, 3))
    pe = rng.integers(0, 256, (1, places.used), dtype=np.uint8)
    core = rng.integers(0, 256, (1, 1, 5 + length * pitch), dtype=np.uint8)
    shift = dict(in_channels=length, out_channels=columns, buffer=1, parameters=5)
    shift |= dict(parameter_pitch=pitch, flags=flags & Flag.WIDE_SECOND)
    multiply = o | dict(out_channels=columns, accumulator=3, flags=flags)
    multiply |= dict(parameters=5, parameter_pitch=pitch) if stationary else dict(buffer=1)
    again = multiply | dict(flags=flags | Flag.ACCUMULATE)
    steps = [dict(opcode="MATMUL", **multiply), dict(opcode="MATMUL", **again)]
    if not stationary:
        steps.insert(0, dict(opcode="SHIFT_WEIGHTS", **shift))
    machine = run_on(chip, pe, core, *steps)
    raw = bytearray(core.tobytes())
    weights = [
        [get(raw, 5 + k * pitch + j * wide2, wide2) for j in range(columns)] for k in range(length)
    ]
    sums = windows(pe, o, wide) @ np.array(weights, dtype=object)
    positions = o["rows"] * o["columns"]
    rows = machine.accumulators[3 : 3 + positions]
    np.testing.assert_array_equal(rows[:, :columns], wrapped(2 * sums))
    assert not rows[:, columns:].any()
    assert not machine.accumulators[:3].any()


@pytest.mark.parametrize("flags", [0, Flag.UNIFORM, Flag.PARTIAL, Flag.WIDE_DESTINATION,
                                   Flag.TFLITE_ROUNDING])  # fmt: skip
def test_a_drain_is_the_end_of_a_convolution(flags: int) -> None:
    """The same sums by a convolution on a single lane core give the same bytes."""
    rng = np.random.default_rng(int(flags))
    rows, columns, inputs, outputs = 3, 4, 8, 5
    chip = systolic(8, 6)
    pe = rng.integers(0, 256, (1, 600), dtype=np.uint8)
    weights = rng.integers(0, 256, (inputs, outputs), dtype=np.uint8)
    records = [record(rng, inputs) for _ in range(outputs)]
    core = np.frombuffer(weights.tobytes() + b"".join(records), np.uint8).reshape(1, 1, -1)
    unit = {f"{name}_{axis}": 1 for name in ("kernel", "stride", "dilation")
            for axis in ("rows", "columns")}  # fmt: skip
    source = dict(source=0, source_row_pitch=32, source_column_pitch=8, source_channel_pitch=1)
    width = 4 if flags & Flag.PARTIAL else 2 if flags & Flag.WIDE_DESTINATION else 1
    target = dict(destination=100, row_pitch=100, column_pitch=width, channel_pitch=4 * width)
    tile = dict(rows=rows, columns=columns, out_channels=outputs)
    limit = dict(zero_point=3, low=-100, high=90) if not flags & Flag.PARTIAL else {}
    machine = run_on(
        chip, pe, core,
        dict(opcode="SHIFT_WEIGHTS", in_channels=inputs, out_channels=outputs,
             parameter_pitch=outputs),
        dict(opcode="MATMUL", **tile, **source, **unit, in_channels=inputs),
        dict(opcode="DRAIN", **tile, **target, **limit, parameters=weights.size, flags=flags),
    )  # fmt: skip
    if flags & Flag.PARTIAL:
        sums = machine.pe_memory[0, 100 : 100 + 300].view("<i4").reshape(rows, 25)[:, :20]
        wanted = pe[0, :96].view(np.int8).reshape(12, 8).astype(int) @ weights.view(np.int8)
        np.testing.assert_array_equal(
            sums.reshape(rows, outputs, columns).swapaxes(1, 2).reshape(12, outputs), wanted
        )
        return
    each = [weights[:, j].tobytes() for j in range(outputs)]
    if flags & Flag.UNIFORM:
        dense = records[0] + b"".join(each)
    else:
        dense = b"".join(w + r for w, r in zip(each, records, strict=True))
    lanes = np.frombuffer(dense, np.uint8).reshape(1, 1, -1)
    o = tile | source | unit | target | limit | dict(in_channels=inputs, flags=int(flags))
    o |= dict(core_step=outputs, channels=outputs, parameters=0, partial=0)
    wanted = meaning("CONVOLVE", o, pe, lanes)
    np.testing.assert_array_equal(machine.pe_memory[:, : pe.shape[1]], wanted)


UNIFORM_RECORD = (0).to_bytes(4, "little") + (1 << 20).to_bytes(4, "little") + bytes([29])


class Gemm:
    """C = A x B in tiles of the reduction and of the columns, everything double-buffered by waits.

    Tile t uses weight buffer t % 2; columns alternate between two ranges of accumulators.
    """

    m, k, n, rows, columns = 6, 24, 9, 8, 3

    def __init__(self, stationary: bool) -> None:
        rng = np.random.default_rng(7)
        self.a = rng.integers(-128, 128, (self.m, self.k)).astype(np.int8)
        self.b = rng.integers(-128, 128, (self.k, self.n)).astype(np.int8)
        self.chip, self.script, self.image = systolic(self.rows, self.columns), Script(), Image()
        self.stationary = stationary
        self.tiles = [(c, k) for c in range(0, self.n, self.columns)
                      for k in range(0, self.k, self.rows)]  # fmt: skip
        self.shifted: list[int] = []  # instructions of MOVE after the shift of a tile
        self.drained: list[int] = []
        core = self.b.tobytes() + UNIFORM_RECORD
        fill_memories(
            self.script, self.image, self.chip, self.a.view(np.uint8).reshape(1, -1),
            np.frombuffer(core, np.uint8).reshape(1, 1, -1),
        )  # fmt: skip
        self.emit()
        self.result = self.image.room(self.m * self.n)
        self.script.add(
            "STORE", segment_bytes=self.m * self.n, dram_address=self.result, channels=self.n,
            box_rows=self.m, box_channels=self.n, address=self.m * self.k, row_pitch=self.n,
            channel_pitch=1,
        )  # fmt: skip

    def emit(self) -> None:
        if not self.stationary:
            self.shift(0)
        for tile, (column, first) in enumerate(self.tiles):
            if not self.stationary and tile + 1 < len(self.tiles):
                self.shift(tile + 1)
            self.multiply(tile)
            if first + self.rows == self.k:
                self.drain(column)

    def weights(self, tile: int) -> dict:
        column, first = self.tiles[tile]
        return dict(parameters=first * self.n + column, parameter_pitch=self.n)

    def shift(self, tile: int) -> None:
        waits = dict(PARAM=1, COMPUTE=max(0, tile - 1))
        self.script.add(
            "SHIFT_WEIGHTS", waits, buffer=tile % 2, in_channels=self.rows,
            out_channels=self.columns, **self.weights(tile),
        )  # fmt: skip
        self.shifted.append(self.script.counts[Engine.MOVE])

    def multiply(self, tile: int) -> None:
        column, first = self.tiles[tile]
        index = column // self.columns
        moves = self.drained[index - 2] if index >= 2 and not first else 0
        o = dict(flags=Flag.ACCUMULATE if first else Flag.NONE)
        if self.stationary:
            o = o | self.weights(tile) | dict(flags=o["flags"] | Flag.OUTPUT_STATIONARY)
        else:
            moves = max(moves, self.shifted[tile])
            o |= dict(buffer=tile % 2)
        self.script.add(
            "MATMUL", dict(ACT=1, PARAM=1, MOVE=moves), rows=self.m, in_channels=self.rows,
            out_channels=self.columns, source=first, source_row_pitch=self.k,
            source_channel_pitch=1, accumulator=index % 2 * self.m, **o,
        )  # fmt: skip

    def drain(self, column: int) -> None:
        flags = Flag.UNIFORM | (Flag.OUTPUT_STATIONARY if self.stationary else 0)
        waits = dict(COMPUTE=self.script.counts[Engine.COMPUTE], ACT=1, PARAM=1)
        self.script.add(
            "DRAIN", waits, rows=self.m, out_channels=self.columns, row_pitch=self.n,
            channel_pitch=1, destination=self.m * self.k + column,
            accumulator=column // self.columns % 2 * self.m, parameters=self.b.size, flags=flags,
        )  # fmt: skip
        self.drained.append(self.script.counts[Engine.MOVE])

    def run(self) -> np.ndarray:
        machine = execute(self.script.program, self.chip, self.image.array)
        raw = machine.dram[self.result : self.result + self.m * self.n]
        return raw.view(np.int8).reshape(self.m, self.n)

    @property
    def wanted(self) -> np.ndarray:
        sums = (self.a.astype(int) @ self.b.astype(int)).tolist()
        return np.clip([[nearest_up(Fraction(x, 1 << 9)) for x in row] for row in sums], -128, 127)


@pytest.mark.parametrize("stationary", [False, True])
def test_a_tiled_gemm_with_double_buffered_weights(stationary: bool) -> None:
    gemm = Gemm(stationary)
    got = gemm.run()
    np.testing.assert_array_equal(got, gemm.wanted)
    assert len(np.unique(got)) > 20
