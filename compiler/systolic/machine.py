"""The part of an accelerator that the systolic lowering sees, with its own plan of core memory.

Core memory holds, from 0: constants of vector layers and tables, which stay; a ring of records for
the columns that are drained; and the weight FIFO, slots of one tile.
"""

import math
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

from apollo.arch.accelerator import Accelerator
from apollo.arch.cycles import drain_delay, shift_cycles
from apollo.arch.operands import RECORD_BYTES, ComputeFlag
from apollo.compiler.errors import DoesNotFit

RECORD_SLOTS = 4
# A core memory of fewer weight tiles is a FIFO in front of the array, not a scratchpad.
SCRATCHPAD_TILES = 16


def is_scratchpad(accelerator: Accelerator) -> bool:
    """Whether core memory keeps weight tiles, of any size; a FIFO takes whole ones, once each."""
    tile_bytes = accelerator.array_rows * accelerator.array_columns
    return accelerator.core_memory_bytes >= SCRATCHPAD_TILES * tile_bytes


@dataclass(frozen=True)
class Array:
    """Sizes and rates of a systolic chip, and how its core memory is divided."""

    accelerator: Accelerator
    output_stationary: bool
    constant_bytes: int
    tile_rows: int  # of a weight tile: at most R, weight-stationary
    slots: int  # of the weight FIFO

    @property
    def rows(self) -> int:
        """R."""
        return self.accelerator.array_rows

    @property
    def columns(self) -> int:
        """C."""
        return self.accelerator.array_columns

    @property
    def keeps_tiles(self) -> bool:
        """Whether a tile may be used again while it is in its slot."""
        return is_scratchpad(self.accelerator)

    @property
    def tile_bytes(self) -> int:
        """A slot of the FIFO."""
        return self.tile_rows * self.columns

    def slot_address(self, number: int) -> int:
        """Of the FIFO slot that the tile of that number uses."""
        ring = self.constant_bytes + RECORD_SLOTS * RECORD_BYTES * self.columns
        return ring + number % self.slots * self.tile_bytes

    def record_address(self, number: int) -> int:
        """Of the ring slot that the drained column of that number uses."""
        return self.constant_bytes + number % RECORD_SLOTS * RECORD_BYTES * self.columns

    @property
    def dataflow_flag(self) -> ComputeFlag:
        """`OUTPUT_STATIONARY` or nothing."""
        return ComputeFlag.OUTPUT_STATIONARY if self.output_stationary else ComputeFlag.NONE

    @property
    def tile_load_cycles(self) -> int:
        """Cycles that the channel of parameters takes for a whole tile."""
        return self.load_cycles(self.tile_bytes)

    def load_cycles(self, count: int) -> int:
        """Cycles that the channel of parameters takes for so many bytes in a row."""
        burst, rate = self.accelerator.burst_bytes, self.load_bytes_per_cycle
        bursts = -(-count // burst)
        return -(-bursts * burst * rate.denominator // rate.numerator)

    @cached_property
    def load_bytes_per_cycle(self) -> Fraction:
        """Of the channel of parameters."""
        channels = self.accelerator.channels
        return next(c for c in channels if "PARAM" in c.streams).bytes_per_cycle

    @property
    def shift_cycles(self) -> int:
        """Of a `SHIFT_WEIGHTS`; none with sums that stay."""
        return 0 if self.output_stationary else int(shift_cycles(0, self.rows))

    def drain_cycles(self, count: int) -> int:
        """Of a `DRAIN` of so many bytes, alone on the bus (M10, M21)."""
        delay = int(drain_delay(self.dataflow_flag, self.rows, self.columns))
        return delay + math.ceil(count / self.accelerator.activation_bus_bytes)


def plan_array(
    accelerator: Accelerator, constant_bytes: int, *, output_stationary: bool, layer: str
) -> Array:
    """Divide the core memory.

    Raises `DoesNotFit` when it holds no weight tile, `ValueError` for a chip without an array.
    """
    if not accelerator.is_systolic:
        raise ValueError(f"Design '{accelerator.name}' must have a systolic array.")
    rows, columns = accelerator.array_rows, accelerator.array_columns
    ring_bytes = RECORD_SLOTS * RECORD_BYTES * columns
    free = accelerator.core_memory_bytes - constant_bytes - ring_bytes
    if free < columns * (1 if output_stationary else rows):
        demand = constant_bytes + ring_bytes + rows * columns
        raise DoesNotFit("core_memory", layer, demand, accelerator.core_memory_bytes)
    if output_stationary:
        # Two slots, so that the next weights arrive while these stream: K in parts as long as that.
        slots = 2 if free >= 2 * columns else 1
        return Array(accelerator, True, constant_bytes, free // slots // columns, slots)
    return Array(accelerator, False, constant_bytes, rows, free // (rows * columns))
