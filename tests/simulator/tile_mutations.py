"""Mistakes that a machine could have in the rules M16 to M21 and M28, planted in the reference.

That results are wide costs nothing in M17 to M20: with at most one result for every lane and step
they need at most 2 lanes bytes a step.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from apollo.arch.isa import Opcode
from apollo.arch.operands import ComputeFlag
from apollo.simulator.reference import work
from tests.simulator.mutations import Plant

Operands = dict[str, int]
Change = Callable[[Operands], Operands]

POOLS = (Opcode.POOL_MAX, Opcode.POOL_AVERAGE)
BINARY = (Opcode.ADD, Opcode.MULTIPLY)
UNARY = (Opcode.LOOKUP, Opcode.COPY)
PASSES = (Opcode.SOFTMAX, Opcode.NORMALIZE, Opcode.STANDARDIZE)
TARGETS = {
    work.compute_cycles: "engines.compute_cycles",
    work.delay_of: "engines.delay_of",
    work.packets_of: "engines.packets_of",
}


def misread(rule: Callable[..., Any], opcodes: Sequence[Opcode], change: Change) -> Plant:
    """The rule sees other operands."""

    def mistaken(instruction: work.Instruction, of: Any) -> Any:
        if instruction.opcode in opcodes:
            instruction = replace(instruction, operands=change(instruction.operands))
        return rule(instruction, of)

    return [(TARGETS[rule], mistaken)]


def tile(opcodes: Sequence[Opcode], change: Change) -> Plant:
    return misread(work.compute_cycles, opcodes, change)


def ignores(flag: ComputeFlag) -> Change:
    return lambda operands: operands | {"flags": operands["flags"] & ~flag}


def times(name: str, factor: int) -> Change:
    return lambda operands: operands | {name: operands[name] * factor}


def rounded_down(name: str, by: int) -> Change:
    return lambda operands: operands | {name: max(by, operands[name] // by * by)}


def swapped_widths(operands: Operands) -> Operands:
    wide, flags = ComputeFlag.WIDE_SOURCE | ComputeFlag.WIDE_SECOND, operands["flags"]
    return operands | {"flags": flags & ~wide if flags & wide == wide else flags}


def adds(rule: Callable[..., Any], opcode: Opcode, cycles: int) -> Plant:
    def mistaken(instruction: work.Instruction, of: Any) -> Any:
        return rule(instruction, of) + (cycles if instruction.opcode == opcode else 0)

    return [(TARGETS[rule], mistaken)]


def without_least(instruction: work.Instruction, accelerator: Any) -> int:
    if instruction.opcode == Opcode.MATMUL:
        accelerator = replace(accelerator, array_rows=1)
    return work.compute_cycles(instruction, accelerator)


def square_array(instruction: work.Instruction, accelerator: Any) -> int:
    if accelerator.is_systolic:
        accelerator = replace(accelerator, array_columns=accelerator.array_rows)
    return work.delay_of(instruction, accelerator)


def in_channels_alone(operands: Operands) -> Operands:
    return operands | {"kernel_rows": 1, "kernel_columns": 1}


def one_tap_more(operands: Operands) -> Operands:
    taps = operands["kernel_rows"] * operands["kernel_columns"]
    return operands | {"kernel_rows": taps // 2 * 2 or 1, "kernel_columns": 1}


CONVOLVE, DEPTHWISE = (Opcode.CONVOLVE,), (Opcode.DEPTHWISE,)
SPARSE, MATMUL, DRAIN = (Opcode.CONVOLVE_SPARSE,), (Opcode.MATMUL,), (Opcode.DRAIN,)
F = ComputeFlag
STATIONARY = F.OUTPUT_STATIONARY

TILE_MUTATIONS: dict[str, Plant] = {
    "M16 no pipeline fill": [("work.PIPELINE_FILL", 7)],
    "M16 a part of four channels is free": tile(CONVOLVE, rounded_down("in_channels", 4)),
    "M16 one tap": tile(CONVOLVE, in_channels_alone),
    "M16 partial sums read for nothing": tile(CONVOLVE, ignores(F.ACCUMULATE)),
    "M16 partial sums written as bytes": tile(CONVOLVE, ignores(F.PARTIAL)),
    "M16 wide sources at full rate": tile(CONVOLVE, ignores(F.WIDE_SOURCE)),
    "M16 cores do not share positions": tile(CONVOLVE, ignores(F.SPLIT_POSITIONS)),
    "M17 taps one by one": tile(DEPTHWISE, times("kernel_rows", 2)),
    "M17 half a pair of taps is free": tile(DEPTHWISE, one_tap_more),
    "M17 partial sums for nothing": tile(DEPTHWISE, ignores(F.ACCUMULATE | F.PARTIAL)),
    "M17 wide sources at full rate": tile(DEPTHWISE, ignores(F.WIDE_SOURCE)),
    "M18 taps one by one": tile(POOLS, times("kernel_rows", 2)),
    "M18 wide sources at full rate": tile(POOLS, ignores(F.WIDE_SOURCE)),
    "M19 one pass": tile(BINARY + UNARY, lambda operands: operands | {"passes": 1}),
    "M19 wide sources for nothing": tile(BINARY + UNARY, ignores(F.WIDE_SOURCE)),
    "M19 a wide second source for nothing": tile(BINARY, ignores(F.WIDE_SECOND)),
    "M19 two wide sources for nothing": tile(BINARY, swapped_widths),
    "M20 four passes": tile(PASSES, lambda operands: operands | {"passes": 4}),
    "M20 cores do not share positions": tile(PASSES, ignores(F.SPLIT_POSITIONS)),
    "M21 the shift of wide weights": misread(
        work.delay_of, (Opcode.SHIFT_WEIGHTS,), ignores(F.WIDE_SECOND)
    ),
    "M21 a shift of a cycle more": adds(work.delay_of, Opcode.SHIFT_WEIGHTS, 1),
    "M21 a square array": [("engines.delay_of", square_array)],
    "M21 the multiplication has a fill": adds(work.compute_cycles, Opcode.MATMUL, 8),
    "M21 wide sources at full rate": tile(MATMUL, ignores(F.WIDE_SOURCE)),
    "M21 wide weights at full rate": tile(MATMUL, ignores(F.WIDE_SECOND)),
    "M21 16 by 16 bits at full rate": tile(MATMUL, swapped_widths),
    "M21 always weight-stationary": tile(MATMUL, ignores(STATIONARY)),
    "M21 sums are out at once": [("engines.compute_cycles", without_least)],
    "M21 output-stationary without taps": tile(MATMUL, in_channels_alone),
    "M21 the drain of stationary sums": misread(work.delay_of, DRAIN, ignores(STATIONARY)),
    "M21 a pipeline of seven": adds(work.delay_of, Opcode.DRAIN, -1),
    "M21 sums drained as bytes": misread(work.packets_of, DRAIN, ignores(F.PARTIAL)),
    "M21 wide results drained as bytes": misread(
        work.packets_of, DRAIN, ignores(F.WIDE_DESTINATION)
    ),
    "M28 a pair is two": tile(SPARSE, lambda o: o | {"pairs": o["pairs"] + 1}),
    "M28 a part of the lanes is free": tile(SPARSE, lambda o: o | {"rows": 1, "columns": 1}),
    "M28 wide sources at full rate": tile(SPARSE, ignores(F.WIDE_SOURCE)),
    "M28 wide results for nothing": tile(SPARSE, ignores(F.WIDE_DESTINATION)),
}
