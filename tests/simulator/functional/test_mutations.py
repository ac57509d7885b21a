"""A comparison is worth what it catches: each planted bug must fail the tests that it concerns."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from apollo.arch.operands import ComputeFlag as Flag
from apollo.arch.operands import Vector, Window
from apollo.simulator.functional import (
    boxes,
    order,
    ranges,
    requantise,
    run,
    shares,
    sparse,
    systolic,
    tables,
    transfers,
    vectors,
    windows,
)
from tests.simulator.functional import (
    test_compute,
    test_networks,
    test_races,
    test_requantise,
    test_systolic,
    test_transfers,
)
from tests.simulator.functional.draw import draw


def compute(opcode: str, flags: int | None = None) -> Callable[[], None]:
    def check() -> None:
        for seed in range(12):
            test_compute.assert_agrees(draw(np.random.default_rng(seed), opcode, flags))

    return check


def seeds(test: Callable[..., None], *arguments: Any) -> Callable[[], None]:
    def check() -> None:
        for seed in range(12):
            test(*arguments, seed)

    return check


def races() -> None:
    test_races.test_exactly_the_programs_with_a_race_are_refused(0)


def with_operand(function: Callable, slot: int, change: Callable[[int], int]) -> Callable:
    """The function, told another operand."""

    def mutant(machine: Any, o: list[int], *rest: Any, **named: Any) -> Any:
        other = list(o)
        other[slot] = change(o[slot])
        return function(machine, other, *rest, **named)

    return mutant


def half_even(values: np.ndarray, shift: np.ndarray) -> np.ndarray:
    up = FLOOR_SHIFT(values, shift)
    tie = (values & ((np.int64(1) << shift) - 1)) == (np.int64(1) << np.maximum(shift, 1) - 1)
    return up - (tie & (shift > 0) & (up % 2 == 1))


def ties_away(values: np.ndarray, multiplier: np.ndarray) -> np.ndarray:
    product = values * multiplier
    return np.sign(product) * ((np.abs(product) + (1 << 30)) >> 31)


def highest_holder(boxes_of: boxes.Boxes, shape: boxes.Shape) -> boxes.Holders:
    found = boxes.Holders(np.full(shape, -1), np.zeros(shape, np.int64))
    for pe, begin in enumerate(boxes_of.begin):
        inside, local = boxes.overlap(begin, boxes_of.shape, shape)
        found.pe[inside], found.address[inside] = pe, boxes_of.address[local]
    return found


def without_fill(memory: Any, o: list[int], *rest: Any) -> None:
    other = list(o)
    other[26] = 0
    FILL(memory, other, *rest)


FILL, SHIFT, FLOOR_SHIFT = transfers._fill, systolic.shift_weights, requantise.floor_shift
AT, PARTIAL = shares.window_elements_at, windows.partial_address
STRIDED = Window.STRIDE_COLUMNS

MUTATIONS: dict[str, tuple[Any, str, Any, Callable[[], None]]] = {
    "a stride one too small": (
        windows, "window_elements_at", with_operand(AT, STRIDED, lambda n: max(1, n - 1)),
        compute("CONVOLVE", 0)),
    "dilation forgotten": (
        windows, "window_elements_at", with_operand(AT, Window.DILATION_ROWS, lambda n: 1),
        compute("DEPTHWISE", 0)),
    "taps column by column": (
        windows, "taps", lambda o: [(a, b) for b in range(o[Window.KERNEL_COLUMNS])
                                    for a in range(o[Window.KERNEL_ROWS])],
        compute("CONVOLVE", 0)),
    "ties to even": (requantise, "floor_shift", half_even, test_requantise.test_ties_by_hand),
    "no rounding": (
        requantise, "floor_shift", lambda values, shift: values >> shift, compute("CONVOLVE", 0)),
    "TFLite's first rounding away from zero": (
        requantise, "high_product", ties_away, test_requantise.test_ties_by_hand),
    "TFLite's second rounding upwards": (
        requantise, "rounding_divide", requantise.floor_shift, test_requantise.test_ties_by_hand),
    "one rounding in place of two": (
        requantise, "high_product", lambda v, m: (v * m) >> 31,
        compute("CONVOLVE", int(Flag.TFLITE_ROUNDING))),
    "means rounded upwards": (
        windows, "mean", lambda sums, count: (2 * sums + count) // (2 * count),
        compute("POOL_AVERAGE", 0)),
    "no limits on pools": (windows, "limited", lambda values, o: values, compute("POOL_MAX", 0)),
    "sums that saturate": (
        windows, "wrap", lambda sums: np.clip(sums, -(2**31), 2**31 - 1),
        compute("CONVOLVE", int(Flag.ACCUMULATE | Flag.PARTIAL))),
    "partial sums one channel off": (
        windows, "partial_address",
        lambda o, share: PARTIAL(o, share) + 4 * (o[Window.CHANNELS] > 1),
        compute("DEPTHWISE", int(Flag.ACCUMULATE))),
    "cores share positions unevenly": (
        windows, "shares", lambda o, cores: shares.shares(o, cores)[:1],
        compute("CONVOLVE", int(Flag.SPLIT_POSITIONS))),
    "an uneven end is computed all the same": (
        windows, "shares", lambda o, cores: shares.shares(
            [*o[: Window.CHANNELS], o[Window.CHANNELS] - (o[Window.CHANNELS] > 1),
             *o[Window.CHANNELS + 1 :]], cores),
        compute("POOL_MAX", 0)),
    "steps taken for indices": (
        sparse, "_spread", lambda entries, out: np.add.at(
            out, entries[:, 0].astype(int), entries[:, 1].view(np.int8)),
        compute("CONVOLVE_SPARSE", 0)),
    "the window of a normalisation one off": (
        tables, "_window_sums", lambda values, window: np.roll(WINDOW_SUMS(values, window), 1, -1),
        compute("NORMALIZE", 0)),
    "softmax by truncation": (
        tables, "_SCALE", 255, compute("SOFTMAX", 0)),
    "zero points of an addition exchanged": (
        vectors, "_sum", lambda raw, x, y: SUM(raw[:, [2, 3, 0, 1, *range(4, 13)]], x, y),
        compute("ADD", 0)),
    "a broadcast second source that moves": (
        vectors, "elements", with_operand(
            shares.elements, Vector.SECOND_CHANNEL_PITCH, lambda n: max(1, n)),
        compute("MULTIPLY", 0)),
    "results of one core read by the next": (
        run, "LOCKSTEP", run.LOCKSTEP | {run.Opcode.COPY: with_operand(
            vectors.copy, Vector.SOURCE_ROW_PITCH, lambda n: n + 1)},
        compute("COPY", 0)),
    "missing fill": (
        transfers, "_fill", without_fill, seeds(test_transfers.test_loads_fill_boxes)),
    "the highest owner": (
        transfers, "holders", highest_holder,
        seeds(test_transfers.test_stores_take_from_the_lowest_pe)),
    "the highest owner of a move": (
        transfers, "holders", highest_holder,
        seeds(test_transfers.test_moves_bring_boxes, "plain")),
    "a halo that brings what is there": (
        transfers, "held_mask", lambda all_boxes, *_: np.zeros(all_boxes.shape, np.bool_),
        seeds(test_transfers.test_moves_bring_boxes, "halo")),
    "cores of one PE get the same": (
        boxes, "core_boxes", lambda o, chip: boxes.pe_boxes(o, chip)._replace(
            begin=np.repeat(boxes.pe_boxes(o, chip).begin, chip.cores, axis=0)),
        seeds(test_transfers.test_moves_bring_boxes, "to_core")),
    "blocks by columns": (
        transfers, "blocks", lambda o, chip: (
            (pe, core, part) for (pe, core, _), (_, _, part) in zip(
                BLOCKS(o, chip), reversed(list(BLOCKS(o, chip))), strict=True)),
        seeds(test_transfers.test_parameters_go_to_cores_by_blocks)),
    "margins of the wrong zero point": (
        transfers, "_fill", without_fill, test_networks.run_two_layers),
    "one weight buffer": (
        systolic, "shift_weights", None, lambda: test_systolic
        .test_a_tiled_gemm_with_double_buffered_weights(stationary=False)),
    "products that do not add up": (
        systolic, "matmul", None, lambda: test_systolic
        .test_products_of_windows_and_weights(1, stationary=0)),
    "races of readers overlooked": (
        order, "_unordered", lambda last, segments, clock, engine: None, races),
    "waits that are not passed on": (
        order, "clocks", lambda program: program.wait.astype(np.int64), races),
    "units that are not looked at": (
        order, "_race_in_units",
        lambda program, chip, memory, walked, together, known: order._race(
            program, known, together), test_races.test_a_halo_may_arrive_while_the_rest_is_stored),
    "the ends of intervals overlooked": (
        ranges, "_merged", lambda starts, run_: (starts, starts + 1), races),
}  # fmt: skip
WINDOW_SUMS, SUM, BLOCKS = tables._window_sums, vectors._sum, transfers.blocks


def one_buffer(machine: Any, o: list[int]) -> None:
    SHIFT(machine, [0, *o[1:]])


def forgetful(machine: Any, o: list[int]) -> None:
    other = list(o)
    other[Window.FLAGS] &= ~int(Flag.ACCUMULATE)
    systolic.matmul(machine, other)


DIRECT = {
    "one weight buffer": {run.Opcode.SHIFT_WEIGHTS: one_buffer},
    "products that do not add up": {run.Opcode.MATMUL: forgetful},
}


@pytest.mark.parametrize("name", MUTATIONS)
def test_planted_bugs_are_caught(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module, attribute, mutant, check = MUTATIONS[name]
    check()
    if name in DIRECT:
        monkeypatch.setattr(run, "DIRECT", run.DIRECT | DIRECT[name])
    else:
        monkeypatch.setattr(module, attribute, mutant)
    ranges._shape.cache_clear()
    with pytest.raises((AssertionError, ValueError, IndexError)):
        check()
    ranges._shape.cache_clear()
