"""The bytes that instructions touch, as intervals of addresses, for the race check.

An access of no `unit` is that of all PEs and cores together; where units differ, `unit_accesses`
has those of one of them. Unit: a PE for PE memories, PE * cores + core for core memories.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from apollo.arch.accelerator import Accelerator
from apollo.arch.extents import extents_of
from apollo.arch.isa import Opcode
from apollo.arch.operands import Load, TransferFlag, Window
from apollo.arch.program import Program
from apollo.arch.touched import (
    Dimensions,
    Extent,
    Memory,
    Operands,
    element_bytes,
    parameter_bytes,
    window_elements,
)
from apollo.simulator.functional.boxes import receivers
from apollo.simulator.functional.machine import Ints
from apollo.simulator.functional.shares import shares
from apollo.simulator.functional.transfers import blocks, move_sources, receipts, store_sources


class Access(NamedTuple):
    """Sorted, disjoint intervals of addresses that an instruction reads or writes."""

    writes: bool
    start: Ints
    end: Ints


@lru_cache(maxsize=4096)
def _shape(dimensions: Dimensions, width: int) -> tuple[Ints, Ints]:
    """The intervals of an extent that begins at address 0."""
    run = width
    starts = np.zeros(1, np.int64)
    for count, pitch in sorted(dimensions, key=lambda dimension: dimension[1]):
        if pitch <= run:
            run += (count - 1) * pitch  # the runs touch or overlap: one longer run
        else:
            starts = np.unique(starts[:, None] + np.arange(count) * pitch)
    return _merged(starts, run)


def _merged(starts: Ints, run: int) -> tuple[Ints, Ints]:
    """Disjoint intervals of runs of one length at sorted addresses."""
    gap = starts[1:] > starts[:-1] + run
    first = np.concatenate(([True], gap))
    last = np.concatenate((gap, [True]))
    return starts[first], starts[last] + run


def access_of(extent: Extent) -> Access:
    """The intervals of an extent."""
    start, end = _shape(extent.dimensions, extent.width)
    return Access(extent.writes, extent.first + start, extent.first + end)


def of_elements(writes: bool, address: Ints, width: int) -> Access:
    """The intervals of elements at these addresses, in any order."""
    if not address.size:
        return Access(writes, np.zeros(0, np.int64), np.zeros(0, np.int64))
    return Access(writes, *_merged(np.unique(address), width))


def accesses(
    program: Program, number: int, accelerator: Accelerator, memory: Memory
) -> list[Access]:
    """What an instruction touches of a memory, of all units together."""
    opcode = Opcode(int(program.opcode[number]))
    extents = extents_of(opcode, program.operand[number].tolist(), accelerator)
    return [access_of(extent) for extent in extents if extent.memory == memory]


def unit_accesses(
    program: Program, accelerator: Accelerator, memory: Memory, walked: Mapping[int, Ints]
) -> dict[int, list[list[Access]]]:
    """For the instructions that touch units differently: the accesses of each unit."""
    rules = _PE_RULES if memory == Memory.PE else _CORE_RULES
    found = {}
    for number, code in enumerate(program.opcode.tolist()):
        o = program.operand[number].tolist()
        if code == Opcode.CONVOLVE_SPARSE and memory == Memory.CORE:
            found[number] = list(_walks(o, walked[number]))
        elif rule := rules.get(Opcode(code)):
            units = list(rule(o, accelerator))
            if units:
                found[number] = units
    return found


def walked_access(o: Operands, size: int) -> Access:
    """What a sparse convolution reads from PARAMETERS on."""
    return access_of(Extent(Memory.CORE, False, o[Window.PARAMETERS], (), size))


def _walks(o: Operands, walked: Ints) -> Iterator[list[Access]]:
    for size in walked.reshape(-1).tolist():
        yield [walked_access(o, size)] if size else []


def _stored(o: Operands, accelerator: Accelerator) -> Iterator[list[Access]]:
    found = store_sources(o, accelerator)
    for pe in range(accelerator.pes):
        yield [of_elements(False, found.address[found.pe == pe], element_bytes(o))]


def _moved(o: Operands, accelerator: Accelerator) -> Iterator[list[Access]]:
    found, width = move_sources(o, accelerator), element_bytes(o)
    given = [
        [of_elements(False, found.address[found.pe == pe], width)] for pe in range(accelerator.pes)
    ]
    if not o[_FLAGS] & TransferFlag.TO_CORE:
        for pe, taken in enumerate(_taken(o, accelerator)):
            given[pe].append(taken)
    yield from given


def _moved_to_core(o: Operands, accelerator: Accelerator) -> Iterator[list[Access]]:
    if o[_FLAGS] & TransferFlag.TO_CORE:
        for taken in _taken(o, accelerator):
            yield [taken]


def _taken(o: Operands, accelerator: Accelerator) -> list[Access]:
    """What each receiver of a move writes."""
    boxes = receivers(o, accelerator)
    taken = [of_elements(True, np.zeros(0, np.int64), 1)] * len(boxes.begin)
    for receipt in receipts(o, accelerator):
        access = of_elements(True, boxes.address[receipt.written], element_bytes(o))
        for unit in receipt.units.tolist():
            taken[unit] = access
    return taken


def _loaded(o: Operands, accelerator: Accelerator) -> Iterator[list[Access]]:
    for _, _, part in blocks(o, accelerator):
        size = part.stop - part.start
        extent = Extent(Memory.CORE, True, o[Load.DESTINATION], (), size)
        yield [access_of(extent)] if size else []


def _weighted(inputs: Callable[[Operands], int]) -> "_Rule":
    """The parameters of each core: one with fewer channels, or none, reads less."""

    def rule(o: Operands, accelerator: Accelerator) -> Iterator[list[Access]]:
        each: list[list[Access]] = [[] for _ in range(accelerator.cores)]
        for share in shares(o, accelerator.cores):
            size = parameter_bytes(o, inputs(o), share.shape[1])
            extent = Extent(Memory.CORE, False, o[Window.PARAMETERS], (), size)
            each[share.core] = [access_of(extent)]
        for _ in range(accelerator.pes):
            yield from each

    return rule


_FLAGS = int(Window.FLAGS)  # the same slot in every format
_Rule = Callable[[Operands, Accelerator], Iterator[list[Access]]]
_PE_RULES: dict[Opcode, _Rule] = {Opcode.STORE: _stored, Opcode.MOVE: _moved}
_CORE_RULES: dict[Opcode, _Rule] = {
    Opcode.LOAD_PARAMETERS: _loaded,
    Opcode.MOVE: _moved_to_core,
    Opcode.CONVOLVE: _weighted(window_elements),
    Opcode.DEPTHWISE: _weighted(lambda o: window_elements(o) // o[Window.IN_CHANNELS]),
}
