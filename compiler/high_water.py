"""How much of each memory a compiled network takes at most."""

from apollo.arch.isa import Opcode
from apollo.arch.operands import Load
from apollo.compiler.pipeline import Compiled
from apollo.compiler.tables import Map

# Blocks in PE memory: their bytes, their address, and what says that they are a pair of buffers.
_BLOCKS = (
    (Map.SOURCE_BYTES, Map.SOURCE_ADDRESS, Map.SOURCE_FROM_DRAM),
    (Map.SECOND_BYTES, Map.SECOND_ADDRESS, Map.SECOND_FROM_DRAM),
    (Map.DESTINATION_BYTES, Map.DESTINATION_ADDRESS, Map.TO_DRAM),
    (Map.PARTIAL_BYTES, Map.PARTIAL_ADDRESS, None),
)


def high_water(compiled: Compiled) -> dict[str, int]:
    """Bytes up to the highest one that is ever used: `pe_memory_bytes`, `core_memory_bytes`."""
    m = compiled.mapping
    pe = 0
    for size, address, paired in _BLOCKS:
        buffers = 1 if paired is None else 1 + ((m[:, paired] > 0) & (m[:, Map.ROW_TILES] > 1))
        ends = (m[:, address] + buffers * m[:, size])[m[:, size] > 0]
        pe = max(pe, int(ends.max(initial=0)))
    loads = compiled.cold.operand[compiled.cold.opcode == Opcode.LOAD_PARAMETERS].astype(int)
    ends = loads[:, Load.DESTINATION] + loads[:, Load.BLOCK_BYTES]
    return {"pe_memory_bytes": pe, "core_memory_bytes": int(ends.max(initial=0))}
