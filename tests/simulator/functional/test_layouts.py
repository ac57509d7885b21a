"""Where elements lie changes no value: layouts, splits over PEs, cores and instructions."""

import math
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from apollo.arch.operands import ComputeFlag as Flag
from apollo.simulator.functional import execute
from tests.simulator.functional.build import Image, Script, design
from tests.simulator.functional.draw import record

OPCODES = ("CONVOLVE", "DEPTHWISE", "POOL_MAX", "POOL_AVERAGE", "COPY")


class Layout(NamedTuple):
    """The order of the coordinates, from the innermost, and the gaps between their pitches."""

    order: list[int]
    gaps: list[int]
    base: int

    def operands(self, prefix: str, shape: tuple[int, int, int]) -> dict[str, int]:
        extent, found = 1, {}
        for axis, gap in zip(self.order, self.gaps, strict=True):
            pitch = found[f"{prefix}{('row', 'column', 'channel')[axis]}_pitch"] = extent + gap
            extent += (shape[axis] - 1) * pitch
        return found | {"bytes": extent}


layouts = st.builds(
    Layout, st.permutations([0, 1, 2]), st.lists(st.integers(0, 3), min_size=3, max_size=3),
    st.integers(0, 9),
)  # fmt: skip
CHANNELS_LAST = Layout([2, 1, 0], [0, 0, 0], 0)


class Problem(NamedTuple):
    """A layer of 5 x 6 x 4 inputs."""

    opcode: str
    x: np.ndarray
    parameters: list[bytes]  # of each of 4 channels

    @property
    def kernel(self) -> int:
        return 1 if self.opcode == "COPY" else 2


def problem(opcode: str, seed: int) -> Problem:
    rng = np.random.default_rng(seed)
    window = {"CONVOLVE": 16, "DEPTHWISE": 4}.get(opcode, 0)
    raw = [rng.bytes(window) + record(rng, window) if window else b"" for _ in range(4)]
    return Problem(opcode, rng.integers(-128, 128, (5, 6, 4)).astype(np.int8), raw)


def run(
    p: Problem, source: Layout, target: Layout, grid: tuple[int, int, int], split: bool
) -> np.ndarray:
    """The layer on a grid: rows over y, columns over x, over the cores channels or positions."""
    chip, script, image = design(*grid), Script(), Image()
    shape = (6 - p.kernel, 7 - p.kernel, 4)
    rows, columns = -(-shape[0] // chip.pes_y), -(-shape[1] // chip.pes_x)
    each = 4 if split else -(-4 // chip.cores)
    raw = b"".join(p.parameters)
    if raw:
        script.add("LOAD_PARAMETERS", segment_bytes=len(raw), block_bytes=len(raw) // 4 * each,
                   step_core=0 if split else 1,
                   dram_address=image.put(np.frombuffer(raw, np.uint8)))  # fmt: skip
    box, tile = (rows + p.kernel - 1, columns + p.kernel - 1, 4), (rows, columns, 4)
    before, after = source.operands("", box), target.operands("", tile)
    place = source.base + before.pop("bytes") + target.base
    after.pop("bytes")
    over = dict(split_x="columns", step_x=columns, split_y="rows", step_y=rows)
    sizes = ("box_rows", "box_columns", "box_channels")
    script.add("LOAD_ACTIVATIONS", segment_bytes=120, dram_address=image.put(p.x), columns=6,
               channels=4, address=source.base, **before, **over,
               **dict(zip(sizes, box, strict=True)))  # fmt: skip
    o = dict(rows=rows, columns=columns, out_channels=each, core_step=each, channels=4)
    o |= {f"source_{name}": pitch for name, pitch in before.items()}
    o |= dict(source=source.base, destination=place, flags=Flag.SPLIT_POSITIONS if split else 0)
    if p.opcode != "COPY":
        o |= dict(kernel_rows=2, kernel_columns=2)
    if p.opcode == "CONVOLVE":
        o |= dict(in_channels=4)
    script.add(p.opcode, **o, **after)
    address = image.room(math.prod(shape))
    script.add("STORE", segment_bytes=math.prod(shape), dram_address=address, columns=shape[1],
               channels=4, address=place, **after, **over,
               **dict(zip(sizes, tile, strict=True)))  # fmt: skip
    return execute(script.program, chip, image.array).dram[address:]


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(OPCODES), st.integers(0, 99), layouts, layouts,
    st.sampled_from([(1, 1, 1), (2, 2, 1), (1, 3, 2), (3, 1, 4), (1, 1, 3)]), st.booleans(),
)  # fmt: skip
def test_no_layout_and_no_split_changes_a_value(
    opcode: str, seed: int, source: Layout, target: Layout, grid: tuple, split: bool
) -> None:
    p = problem(opcode, seed)
    plain = run(p, CHANNELS_LAST, CHANNELS_LAST, (1, 1, 1), False)
    np.testing.assert_array_equal(run(p, source, target, grid, split), plain)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 999), st.lists(st.integers(1, 4), min_size=1, max_size=4))
def test_loads_and_stores_are_inverse(seed: int, cuts: list[int]) -> None:
    """A tensor in any pieces, through memory and out again in one."""
    rng = np.random.default_rng(seed)
    ends = [0, *np.cumsum(cuts).tolist()]
    x = rng.integers(0, 256, (ends[-1], 3, 5), dtype=np.uint8)
    script, image = Script(), Image()
    first = image.put(x)
    for low, high in pairwise(ends):
        script.add("LOAD_ACTIVATIONS", segment_bytes=(high - low) * 15,
                   dram_address=first + low * 15, columns=3, channels=5, box_rows=high - low,
                   box_columns=3, box_channels=5, address=low, row_pitch=1,
                   column_pitch=ends[-1], channel_pitch=3 * ends[-1])  # fmt: skip
    address = image.room(x.size)
    script.add("STORE", segment_bytes=x.size, dram_address=address, columns=3, channels=5,
               box_rows=ends[-1], box_columns=3, box_channels=5, row_pitch=1,
               column_pitch=ends[-1], channel_pitch=3 * ends[-1])  # fmt: skip
    machine = execute(script.program, design(), image.array)
    np.testing.assert_array_equal(machine.dram[address:], x.reshape(-1))
