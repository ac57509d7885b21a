"""The bytes that instructions touch, as intervals of addresses, for the race check.

An access of no `unit` is that of all PEs and cores together; where units differ, `unit_accesses`
has those of one of them. Unit: a PE for PE memories, PE * cores + core for core memories.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import pairwise
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
from apollo.simulator.functional.boxes import Holders, receivers
from apollo.simulator.functional.machine import Ints
from apollo.simulator.functional.shares import shares
from apollo.simulator.functional.transfers import (
    Receipt,
    blocks,
    move_plan,
    receipts,
    store_sources,
)


class Access(NamedTuple):
    """Sorted, disjoint intervals of addresses that an instruction reads or writes."""

    writes: bool
    start: Ints
    end: Ints


Touched = list[tuple[int, Access]]  # by instruction, in order


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
    program: Program, accelerator: Accelerator, walked: Mapping[int, Ints]
) -> dict[Memory, Touched]:
    """What a program touches of each memory, of all units together."""
    found: dict[Memory, Touched] = {memory: [] for memory in Memory}
    rows = zip(program.opcode.tolist(), program.operand.tolist(), strict=True)
    for number, (code, o) in enumerate(rows):
        for extent in extents_of(Opcode(code), o, accelerator):
            found[extent.memory].append((number, access_of(extent)))
        if number in walked:
            found[Memory.CORE].append((number, walked_access(o, int(walked[number].max()))))
    return found


def unit_accesses(
    program: Program, accelerator: Accelerator, memory: Memory, walked: Mapping[int, Ints]
) -> dict[int, list[list[Access]]]:
    """For the instructions that touch units differently: the accesses of each unit."""
    rules = _PE_RULES if memory == Memory.PE else _CORE_RULES
    found = {}
    for number, code in enumerate(program.opcode.tolist()):
        o = program.operand[number].tolist()
        if number in walked and memory == Memory.CORE:
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


def _given(found: Holders, pes: int, width: int) -> Iterator[Access]:
    """What each PE reads of the elements that it provides."""
    pe, address = found.pe.reshape(-1), found.address.reshape(-1)
    order = np.argsort(pe, kind="stable")
    ends = np.searchsorted(pe[order], np.arange(pes + 1))
    for low, high in pairwise(ends.tolist()):
        yield of_elements(False, address[order[low:high]], width)


def _stored(o: Operands, accelerator: Accelerator) -> Iterator[list[Access]]:
    found = store_sources(o, accelerator)
    for access in _given(found, accelerator.pes, element_bytes(o)):
        yield [access]


def _moved(o: Operands, accelerator: Accelerator) -> Iterator[list[Access]]:
    found, received = move_plan(o, accelerator)
    given = [[access] for access in _given(found, accelerator.pes, element_bytes(o))]
    if not o[_FLAGS] & TransferFlag.TO_CORE:
        for pe, taken in enumerate(_taken(o, accelerator, received)):
            given[pe].append(taken)
    yield from given


def _moved_to_core(o: Operands, accelerator: Accelerator) -> Iterator[list[Access]]:
    if o[_FLAGS] & TransferFlag.TO_CORE:
        for taken in _taken(o, accelerator, receipts(o, accelerator)):
            yield [taken]


def _taken(o: Operands, accelerator: Accelerator, received: Iterable[Receipt]) -> list[Access]:
    """What each receiver of a move writes."""
    boxes = receivers(o, accelerator)
    taken = [of_elements(True, np.zeros(0, np.int64), 1)] * len(boxes.begin)
    for receipt in received:
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
