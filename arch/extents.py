"""Whether a program fits a design: every byte that an instruction touches must be there.

`refuse_misfit` needs no data, so that a program from a file can be checked before it runs.
"""

from collections.abc import Callable

from apollo.arch.accelerator import Accelerator
from apollo.arch.isa import Opcode
from apollo.arch.operands import ComputeFlag, Matmul, Transfer, Vector
from apollo.arch.program import Program
from apollo.arch.touched import (
    NAMES,
    NORMALIZE_EXTRA_PASSES,
    RULES,
    SUM_BYTES,
    Extent,
    Memory,
    Operands,
    element_bytes,
    window_elements,
)

BUFFERS = 2  # of weights (M21)
_SYSTOLIC = (Opcode.SHIFT_WEIGHTS, Opcode.MATMUL, Opcode.DRAIN)
_OF_LANES = (Opcode.CONVOLVE, Opcode.DEPTHWISE, Opcode.CONVOLVE_SPARSE)


def extents_of(opcode: Opcode, o: Operands, accelerator: Accelerator) -> list[Extent]:
    """What an instruction with the operands `o` [F] reads and writes, of all PEs and cores."""
    return list(RULES[opcode](o, accelerator))


def instruction_error(program: Program, number: int, what: str) -> ValueError:
    """The sentence that refuses an instruction: `what` is its predicate, without a full stop."""
    name = Opcode(int(program.opcode[number])).name
    return ValueError(f"Instruction {number} of {len(program)} ({name}) {what}.")


def capacities(accelerator: Accelerator, dram_bytes: int | None = None) -> dict[Memory, int]:
    """Addresses of each memory; without `dram_bytes` those that an instruction can name."""
    return {
        Memory.DRAM: 1 << 31 if dram_bytes is None else dram_bytes,
        Memory.PE: accelerator.pe_memory_bytes,
        Memory.CORE: accelerator.core_memory_bytes,
        Memory.ACCUMULATORS: SUM_BYTES * accelerator.array_columns * accelerator.accumulator_rows,
        Memory.BUFFERS: BUFFERS if accelerator.is_systolic else 0,
    }


def memory_peaks(program: Program, accelerator: Accelerator) -> dict[str, int]:
    """The end of the highest byte that is touched: `pe_memory_bytes`, `core_memory_bytes`."""
    peaks = {Memory.PE: 0, Memory.CORE: 0}
    for code, o in zip(program.opcode.tolist(), program.operand.tolist(), strict=True):
        for extent in extents_of(Opcode(code), o, accelerator):
            if extent.memory in peaks:
                peaks[extent.memory] = max(peaks[extent.memory], extent.end)
    return {"pe_memory_bytes": peaks[Memory.PE], "core_memory_bytes": peaks[Memory.CORE]}


def refuse_misfit(
    program: Program, accelerator: Accelerator, dram_bytes: int | None = None
) -> None:
    """Raise `ValueError`, one sentence, for the first instruction that the design cannot run.

    It names the instruction, its opcode, and the unit or the memory that it leaves.
    """
    room = capacities(accelerator, dram_bytes)
    for number, (code, o) in enumerate(
        zip(program.opcode.tolist(), program.operand.tolist(), strict=True)
    ):
        opcode = Opcode(code)
        if what := _shape_fault(opcode, o, accelerator):
            raise instruction_error(program, number, what)
        for extent in extents_of(opcode, o, accelerator):
            if extent.end > room[extent.memory]:
                raise instruction_error(program, number, _overrun(extent, room[extent.memory]))


def _overrun(extent: Extent, room: int) -> str:
    verb = "writes" if extent.writes else "reads"
    return f"{verb} byte {extent.end - 1:,} of {NAMES[extent.memory]}, of which there are {room:,}"


def _shape_fault(opcode: Opcode, o: Operands, accelerator: Accelerator) -> str:
    """What an instruction asks that the design or its other operands do not allow."""
    if opcode in _SYSTOLIC and not accelerator.is_systolic:
        return "needs a systolic array, and the design has none (M3)"
    if opcode in _OF_LANES and accelerator.is_systolic:
        return "needs lanes that multiply, and the design has a systolic array in their place (M3)"
    check = _CHECKS.get(opcode)
    return check(o, accelerator) if check else ""


def _array_fault(o: Operands, accelerator: Accelerator) -> str:
    """OUT_CHANNELS of every systolic instruction are columns of the array."""
    columns = accelerator.array_columns
    if o[Matmul.OUT_CHANNELS] > columns:
        return f"has {o[Matmul.OUT_CHANNELS]} output channels, but the array has {columns} columns"
    return ""


def _shift_fault(o: Operands, accelerator: Accelerator) -> str:
    rows = accelerator.array_rows
    if o[Matmul.IN_CHANNELS] > rows:
        return f"shifts {o[Matmul.IN_CHANNELS]} rows of weights, but the array has {rows} rows"
    return _array_fault(o, accelerator)


def _matmul_fault(o: Operands, accelerator: Accelerator) -> str:
    rows, elements = accelerator.array_rows, window_elements(o)
    positions = o[Matmul.ROWS] * o[Matmul.COLUMNS]
    stationary = o[Matmul.FLAGS] & ComputeFlag.OUTPUT_STATIONARY
    if stationary and positions > rows:
        return f"keeps {positions} positions in the array, which has {rows} rows"
    if not stationary and elements > rows:
        return f"sums {elements} elements a position, but the array has {rows} rows"
    return _array_fault(o, accelerator)


def _transfer_fault(o: Operands, _: Accelerator) -> str:
    total = o[Transfer.SEGMENTS] * o[Transfer.SEGMENT_BYTES]
    if total % element_bytes(o):
        return f"streams {total} bytes, which are not whole elements of two bytes"
    return ""


def _copy_fault(o: Operands, _: Accelerator) -> str:
    wide = (ComputeFlag.WIDE_SOURCE, ComputeFlag.WIDE_DESTINATION)
    if len({bool(o[Vector.FLAGS] & flag) for flag in wide}) > 1:
        return "copies between elements of different widths"
    return ""


def _normalize_fault(o: Operands, _: Accelerator) -> str:
    if o[Vector.PASSES] <= NORMALIZE_EXTRA_PASSES:
        return f"has {o[Vector.PASSES]} passes, which leave no window"
    return ""


_CHECKS: dict[Opcode, Callable[[Operands, Accelerator], str]] = {
    Opcode.LOAD_ACTIVATIONS: _transfer_fault,
    Opcode.STORE: _transfer_fault,
    Opcode.COPY: _copy_fault,
    Opcode.NORMALIZE: _normalize_fault,
    Opcode.SHIFT_WEIGHTS: _shift_fault,
    Opcode.MATMUL: _matmul_fault,
    Opcode.DRAIN: _array_fault,
}
