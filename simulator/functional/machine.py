"""The memories of a machine, and how elements are read from them and written (M22).

`N` PEs, number y * pes_x + x, `C` cores a PE, `B` bytes. Memories are as large as a program needs.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from apollo.arch.accelerator import Accelerator
from apollo.arch.touched import SUM_BYTES, Memory

Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]
_TYPES = {1: "<i1", 2: "<i2", 4: "<i4"}


class InstructionError(ValueError):
    """What is wrong with the instruction at hand: the predicate of a sentence."""


@dataclass
class Machine:
    """The state of a machine between instructions."""

    accelerator: Accelerator
    dram: Bytes  # [B] and what lies behind the host link
    pe_memory: Bytes  # [N, B]
    core_memory: Bytes  # [N, C, B]
    accumulators: Ints  # [rows, array_columns] sums, within 32 bits
    weight_buffers: Ints  # [2, array_rows, array_columns]
    # By the number of a CONVOLVE_SPARSE, what its cores read from PARAMETERS on.
    walked_bytes: dict[int, Ints] = field(default_factory=dict)  # [N, C] bytes

    @property
    def units(self) -> Bytes:
        """The core memories one after the other, [N * C, B]: a view."""
        pes, cores, size = self.core_memory.shape
        return self.core_memory.reshape(pes * cores, size)


def make_machine(
    accelerator: Accelerator, dram: Bytes, used: Mapping[Memory, int], before: Machine | None
) -> Machine:
    """A machine with a copy of `dram` whose memories have the `used` bytes.

    They hold zeros (M22), or what the machine `before` left in them.
    """
    row = SUM_BYTES * max(1, accelerator.array_columns)
    machine = Machine(
        accelerator,
        np.array(dram, np.uint8),
        np.zeros((accelerator.pes, used[Memory.PE]), np.uint8),
        np.zeros((accelerator.pes, accelerator.cores, used[Memory.CORE]), np.uint8),
        np.zeros((-(-used[Memory.ACCUMULATORS] // row), accelerator.array_columns), np.int64),
        np.zeros((2, accelerator.array_rows, accelerator.array_columns), np.int64),
    )
    if before is not None:
        machine.pe_memory = _continued(before.pe_memory, machine.pe_memory, -1)
        machine.core_memory = _continued(before.core_memory, machine.core_memory, -1)
        machine.accumulators = _continued(before.accumulators, machine.accumulators, 0)
        machine.weight_buffers = before.weight_buffers.copy()
    return machine


def _continued(old: npt.NDArray[np.generic], new: npt.NDArray[np.generic], axis: int) -> Any:
    """What was, and zeros behind it where the new memory is larger."""
    size = max(old.shape[axis], new.shape[axis])
    pad = [(0, 0)] * old.ndim
    pad[axis] = (0, size - old.shape[axis])
    return np.pad(old, pad)


def read(memory: Bytes, address: Ints, width: int, *, signed: bool = True) -> Ints:
    """Elements of `width` bytes at `address` [...] of every unit of `memory` [units, B]."""
    place = address[..., None] + np.arange(width)
    raw = np.ascontiguousarray(np.take(memory, place, axis=-1))
    return decode(raw, width, signed=signed)[..., 0]


def write(memory: Bytes, units: Ints | slice, address: Ints, values: Ints, width: int) -> None:
    """Elements to `address` [...] of some units of `memory`: the same, or [units, ...]."""
    place = (address[..., None] + np.arange(width)).reshape(-1)
    raw = encode(values, width)
    columns = raw.reshape(*raw.shape[: raw.ndim - address.ndim - 1], -1)
    if isinstance(units, slice):
        memory[units, place] = columns
    else:
        memory[units[:, None], place] = columns


def decode(raw: Bytes, width: int, *, signed: bool = True) -> Ints:
    """Bytes [..., n * width] as n numbers [..., n]."""
    kind = _TYPES[width] if signed else _TYPES[width].replace("i", "u")
    return np.ascontiguousarray(raw).view(kind).astype(np.int64)


def encode(values: Ints, width: int) -> Bytes:
    """Numbers [...] as bytes [..., width]; those that do not fit wrap around."""
    return values.astype(_TYPES[width])[..., None].view(np.uint8)
