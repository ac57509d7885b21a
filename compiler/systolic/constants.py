"""Tables and records of vector operations in core memory: a ring, loaded before they are used."""

from dataclasses import dataclass, field

from apollo.arch.accelerator import Accelerator
from apollo.arch.isa import Opcode
from apollo.arch.operands import RECORD_BYTES
from apollo.compiler.systolic.builder import Builder
from apollo.compiler.systolic.hazards import Access, Memory
from apollo.compiler.systolic.machine import RECORD_SLOTS, is_scratchpad

_SCRATCHPAD_SHARE = 8  # of a scratchpad, for constants


def ring_bytes(sizes: list[int], accelerator: Accelerator) -> int:
    """How much of core memory constants get: all that they need, where it costs no weight tile.

    Otherwise at least two of the largest, so that one is loaded while another is in use.
    """
    if not sizes:
        return 0
    records = RECORD_SLOTS * RECORD_BYTES * accelerator.array_columns
    tile = accelerator.array_rows * accelerator.array_columns
    spare = max(0, accelerator.core_memory_bytes - records) % tile
    if is_scratchpad(accelerator):
        spare = accelerator.core_memory_bytes // _SCRATCHPAD_SHARE
    return min(sum(sizes), max(2 * max(sizes), spare))


@dataclass
class Constants:
    """The ring: what is in it, by name."""

    builder: Builder
    capacity: int
    held: dict[int, Access] = field(default_factory=dict)
    next: int = 0

    def bring(self, heading: int, number: int, address: int, size: int) -> Access:
        """Where the constants of the nest of that number are; loaded if they are not there."""
        if number in self.held:
            return self.held[number]
        if self.next + size > self.capacity:
            self.next = 0
        place = Access(Memory.CORE, self.next, self.next + size, writes=True)
        gone = [key for key, other in self.held.items() if place.conflicts(other)]
        for key in gone:
            del self.held[key]
        self.builder.add(
            Opcode.LOAD_PARAMETERS,
            heading,
            [place],
            segments=1,
            segment_bytes=size,
            dram_address=address,
            destination=place.start,
            block_bytes=size,
        )
        self.next += size
        self.held[number] = place._replace(writes=False)
        return self.held[number]
