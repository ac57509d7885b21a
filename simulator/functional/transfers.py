"""Loads, stores and moves (M23-M25)."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from apollo.arch.accelerator import Accelerator
from apollo.arch.operands import Load, Move, Transfer, TransferFlag
from apollo.arch.touched import Operands, element_bytes
from apollo.simulator.functional.boxes import (
    NOBODY,
    Boxes,
    Holders,
    Shape,
    held_mask,
    holders,
    overlap,
    parts,
    pe_boxes,
    receivers,
)
from apollo.simulator.functional.machine import (
    Bytes,
    InstructionError,
    Ints,
    Machine,
    decode,
    encode,
    write,
)


class Receipt(NamedTuple):
    """What some units, whose boxes begin at the same place, get of a move."""

    units: Ints  # numbers of PEs, or of cores
    begin: Ints  # [3] of their box
    written: npt.NDArray[np.bool_]  # [rows, columns, channels] elements of the box


def stream_addresses(o: Operands) -> Ints:
    """DRAM addresses of the bytes of a stream, in its order (M23)."""
    segments = o[Transfer.DRAM_ADDRESS] + np.arange(o[Transfer.SEGMENTS]) * o[Transfer.DRAM_PITCH]
    return (segments[:, None] + np.arange(o[Transfer.SEGMENT_BYTES])).reshape(-1)


def blocks(o: Operands, accelerator: Accelerator) -> Iterator[tuple[int, int, slice]]:
    """PE, core, and the part of the stream that the core takes (M23)."""
    total = o[Load.SEGMENTS] * o[Load.SEGMENT_BYTES]
    for pe in range(accelerator.pes):
        y, x = divmod(pe, accelerator.pes_x)
        for core in range(accelerator.cores):
            block = x * o[Load.STEP_X] + y * o[Load.STEP_Y] + core * o[Load.STEP_CORE]
            first = min(total, block * o[Load.BLOCK_BYTES])
            yield pe, core, slice(first, min(total, first + o[Load.BLOCK_BYTES]))


def load_parameters(machine: Machine, o: Operands) -> None:
    """`LOAD_PARAMETERS`: a block of the stream to each core memory (M23)."""
    stream = machine.dram[stream_addresses(o)]
    for pe, core, part in blocks(o, machine.accelerator):
        block = stream[part]
        first = o[Load.DESTINATION]
        machine.core_memory[pe, core, first : first + len(block)] = block


def stream_shape(o: Operands) -> tuple[int, Shape]:
    """Elements of a stream, and the least tensor that holds them (M24)."""
    count = o[Transfer.SEGMENTS] * o[Transfer.SEGMENT_BYTES] // element_bytes(o)
    row = o[Transfer.COLUMNS] * o[Transfer.CHANNELS]
    return count, (-(-count // row), o[Transfer.COLUMNS], o[Transfer.CHANNELS])


def load_activations(machine: Machine, o: Operands) -> None:
    """`LOAD_ACTIVATIONS`: boxes of the stream to the PE memories, padded with FILL (M24)."""
    width = element_bytes(o)
    count, shape = stream_shape(o)
    tensor = np.full(shape, o[Transfer.FILL], np.int64)
    tensor.reshape(-1)[:count] = decode(machine.dram[stream_addresses(o)], width)
    boxes = pe_boxes(o, machine.accelerator)
    everything = np.ones(boxes.shape, np.bool_)
    for begin, units in _by_begin(boxes.begin):
        receipt = Receipt(units, begin, everything)
        _fill(machine.pe_memory, o, boxes, receipt, tensor)


def _by_begin(begin: Ints) -> Iterator[tuple[Ints, Ints]]:
    """Distinct begins, and the units that have each."""
    begins, group = np.unique(begin, axis=0, return_inverse=True)
    for index in range(len(begins)):
        yield begins[index], np.flatnonzero(group.reshape(-1) == index)


def _fill(memory: Bytes, o: Operands, boxes: Boxes, receipt: Receipt, tensor: Ints) -> None:
    """Write a box of the tensor, FILL around it, to the units of a receipt."""
    shape = (tensor.shape[0], tensor.shape[1], tensor.shape[2])
    values = np.full(boxes.shape, o[Transfer.FILL], np.int64)
    inside, local = overlap(receipt.begin, boxes.shape, shape)
    values[local] = tensor[inside]
    address = boxes.address[receipt.written]
    write(memory, receipt.units, address, values[receipt.written], element_bytes(o))


def store_sources(o: Operands, accelerator: Accelerator) -> Holders:
    """Who provides each element of a store's stream, [elements] in its order."""
    count, shape = stream_shape(o)
    found = holders(pe_boxes(o, accelerator), shape)
    return Holders(found.pe.reshape(-1)[:count], found.address.reshape(-1)[:count])


def store(machine: Machine, o: Operands) -> None:
    """`STORE`: the stream from the PE memories (M24)."""
    found = store_sources(o, machine.accelerator)
    if (found.pe == NOBODY).any():
        element = int((found.pe == NOBODY).argmax())
        raise InstructionError(f"stores element {_coordinate(o, element)}, which no PE's box has")
    values = _gather(machine, o, found)
    machine.dram[stream_addresses(o)] = encode(values, element_bytes(o)).reshape(-1)


def _coordinate(o: Operands, element: int) -> str:
    pixel, channel = divmod(element, o[Transfer.CHANNELS])
    row, column = divmod(pixel, o[Transfer.COLUMNS])
    return f"({row}, {column}, {channel})"


def _gather(machine: Machine, o: Operands, found: Holders) -> Ints:
    width = element_bytes(o)
    place = found.address[..., None] + np.arange(width)
    return decode(machine.pe_memory[found.pe[..., None], place], width)[..., 0]


def tensor_shape(o: Operands) -> Shape:
    """Elements of the tensor that a move moves."""
    return o[Move.ROWS], o[Move.COLUMNS], o[Move.CHANNELS]


def receipts(o: Operands, accelerator: Accelerator) -> Iterator[Receipt]:
    """What every unit gets of a move (M25)."""
    boxes = receivers(o, accelerator)
    if not o[Move.FLAGS] & TransferFlag.HALO:
        everything = np.ones(boxes.shape, np.bool_)
        for begin, units in _by_begin(boxes.begin):
            yield Receipt(units, begin, everything)
        return
    own = parts(o, accelerator)
    cores = len(boxes.begin) // accelerator.pes
    for unit, begin in enumerate(boxes.begin):
        held = held_mask(boxes, own, unit, unit // cores, tensor_shape(o))
        yield Receipt(np.array([unit]), begin, ~held)


def _crossing(o: Operands, boxes: Boxes, received: list[Receipt]) -> npt.NDArray[np.bool_]:
    """The elements of the tensor that cross the bus, [rows, columns, channels] (M25)."""
    shape = tensor_shape(o)
    if not o[Move.FLAGS] & TransferFlag.HALO:
        return np.ones(shape, np.bool_)
    crossing = np.zeros(shape, np.bool_)
    for receipt in received:
        inside, local = overlap(receipt.begin, boxes.shape, shape)
        crossing[inside] |= receipt.written[local]
    return crossing


def move_plan(o: Operands, accelerator: Accelerator) -> tuple[Holders, list[Receipt]]:
    """Who provides the elements that cross, NOBODY those that do not, and who gets what.

    Raises `InstructionError` when no PE holds an element that crosses.
    """
    received = list(receipts(o, accelerator))
    crossing = _crossing(o, receivers(o, accelerator), received)
    found = holders(parts(o, accelerator), tensor_shape(o))
    lacking = crossing & (found.pe == NOBODY)
    if lacking.any():
        row, column, channel = np.argwhere(lacking)[0]
        raise InstructionError(f"moves element ({row}, {column}, {channel}), which no PE holds")
    return found._replace(pe=np.where(crossing, found.pe, NOBODY)), received


def move(machine: Machine, o: Operands) -> None:
    """`MOVE`: a tensor, or the halos of its parts, from PE to PE or to core memories (M25)."""
    found, received = move_plan(o, machine.accelerator)
    size = int((found.pe != NOBODY).sum()) * element_bytes(o)
    if o[Move.BYTES] != size:
        raise InstructionError(f"states {o[Move.BYTES]} bytes, but {size} cross the bus")
    tensor = _gather(machine, o, found)
    to_core = o[Move.FLAGS] & TransferFlag.TO_CORE
    memory = machine.units if to_core else machine.pe_memory
    boxes = receivers(o, machine.accelerator)
    for receipt in received:
        _fill(memory, o, boxes, receipt, tensor)
