"""Boxes of a tensor that PEs and cores hold (M24, M25).

`N` PEs, number y * pes_x + x; a coordinate is (row, column, channel).
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from apollo.arch.accelerator import Accelerator
from apollo.arch.operands import Axis, Move, Transfer, TransferFlag
from apollo.arch.touched import Operands, part_shape
from apollo.simulator.functional.machine import Ints

NOBODY = -1
Shape = tuple[int, int, int]
Slices = tuple[slice, slice, slice]


class Boxes(NamedTuple):
    """A box of the same shape for every unit: where it begins, and where its elements lie."""

    begin: Ints  # [units, 3] coordinates of its first element
    shape: Shape  # elements
    address: Ints  # [rows, columns, channels] of an element of the box


class Holders(NamedTuple):
    """For every element of a tensor, who provides it, and where it is there."""

    pe: Ints  # [rows, columns, channels] the lowest PE that has it, NOBODY
    address: Ints  # [rows, columns, channels] in its PE memory


def addresses(base: int, shape: Shape, pitches: list[int]) -> Ints:
    """Of the elements of a box, [rows, columns, channels]."""
    rows, columns, channels = (
        np.arange(count) * pitch for count, pitch in zip(shape, pitches, strict=True)
    )
    return base + rows[:, None, None] + columns[None, :, None] + channels[None, None, :]


def pe_boxes(o: Operands, accelerator: Accelerator) -> Boxes:
    """The boxes of a load or store, or of a move's receivers."""
    first = np.array(o[Transfer.FIRST_ROW : Transfer.FIRST_CHANNEL + 1], np.int64)
    splits, steps = (Transfer.SPLIT_X, Transfer.SPLIT_Y), (Transfer.STEP_X, Transfer.STEP_Y)
    rows, columns, channels = o[Transfer.BOX_ROWS : Transfer.BOX_CHANNELS + 1]
    shape = (rows, columns, channels)
    pitches = o[Transfer.ROW_PITCH : Transfer.CHANNEL_PITCH + 1]
    return Boxes(
        first + _offsets(o, accelerator, splits, steps),
        shape,
        addresses(o[Transfer.ADDRESS], shape, pitches),
    )


def core_boxes(o: Operands, accelerator: Accelerator) -> Boxes:
    """The boxes of a move to core memories: those of the PEs, further along for each core."""
    boxes = pe_boxes(o, accelerator)
    steps = np.zeros((accelerator.cores, 3), np.int64)
    if o[Move.CORE_SPLIT] != Axis.NONE:
        steps[:, o[Move.CORE_SPLIT] - 1] = np.arange(accelerator.cores) * o[Move.STEP_CORE]
    begin = (boxes.begin[:, None] + steps).reshape(-1, 3)
    return boxes._replace(begin=begin)


def receivers(o: Operands, accelerator: Accelerator) -> Boxes:
    """The boxes that a move fills, of PEs or of cores, PE after PE."""
    to_core = o[Move.FLAGS] & TransferFlag.TO_CORE
    return core_boxes(o, accelerator) if to_core else pe_boxes(o, accelerator)


def parts(o: Operands, accelerator: Accelerator) -> Boxes:
    """The parts of a moved tensor that the PEs hold."""
    splits = (Move.SOURCE_SPLIT_X, Move.SOURCE_SPLIT_Y)
    steps = (Move.SOURCE_STEP_X, Move.SOURCE_STEP_Y)
    pitches = o[Move.SOURCE_ROW_PITCH : Move.SOURCE_CHANNEL_PITCH + 1]
    shape = part_shape(o)
    return Boxes(
        _offsets(o, accelerator, splits, steps),
        shape,
        addresses(o[Move.SOURCE], shape, pitches),
    )


def _offsets(
    o: Operands, accelerator: Accelerator, splits: tuple[int, int], steps: tuple[int, int]
) -> Ints:
    """How far along each coordinate the PEs are, [N, 3]."""
    number = np.arange(accelerator.pes)
    offset = np.zeros((accelerator.pes, 3), np.int64)
    places = (number % accelerator.pes_x, number // accelerator.pes_x)
    for split, step, place in zip(splits, steps, places, strict=True):
        if o[split] != Axis.NONE:
            offset[:, o[split] - 1] += place * o[step]
    return offset


def overlap(begin: Ints, shape: Shape, outer: Shape) -> tuple[Slices, Slices]:
    """What a box [3] has of a tensor of the shape `outer`: as slices of the tensor, of the box."""
    inside, local = [], []
    for at, size, end in zip(begin.tolist(), shape, outer, strict=True):
        low = min(max(at, 0), end)
        high = max(low, min(at + size, end))
        inside.append(slice(low, high))
        local.append(slice(low - at, high - at))
    return (inside[0], inside[1], inside[2]), (local[0], local[1], local[2])


def holders(boxes: Boxes, shape: Shape) -> Holders:
    """Who provides each element of a tensor of that shape: of several PEs the lowest."""
    found = Holders(np.full(shape, NOBODY, np.int64), np.zeros(shape, np.int64))
    begins, first = np.unique(boxes.begin, axis=0, return_index=True)
    for which in np.argsort(-first):  # the lowest comes last and stays
        inside, local = overlap(begins[which], boxes.shape, shape)
        found.pe[inside] = first[which]
        found.address[inside] = boxes.address[local]
    return found


def held_mask(boxes: Boxes, own: Boxes, unit: int, pe: int, shape: Shape) -> npt.NDArray[np.bool_]:
    """The elements of a unit's box that its PE holds itself, [rows, columns, channels]."""
    mask = np.zeros(boxes.shape, np.bool_)
    inside, _ = overlap(own.begin[pe], own.shape, shape)
    low = [part.start - int(at) for part, at in zip(inside, boxes.begin[unit], strict=True)]
    high = [part.stop - int(at) for part, at in zip(inside, boxes.begin[unit], strict=True)]
    local = [slice(max(0, a), max(0, b)) for a, b in zip(low, high, strict=True)]
    mask[local[0], local[1], local[2]] = True
    return mask
