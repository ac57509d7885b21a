"""How much of each memory a compiled network takes at most."""

from apollo.arch.isa import Opcode
from apollo.arch.operands import Load
from apollo.compiler.pipeline import Compiled
from apollo.compiler.tables import From, Map, Nest

# Blocks in PE memory: their bytes, their address, and what says with which value that they are a
# pair of buffers.
_BLOCKS = (
    (Map.SOURCE_BYTES, Map.SOURCE_ADDRESS, Map.SOURCE_FROM, From.DRAM),
    (Map.SECOND_BYTES, Map.SECOND_ADDRESS, Map.SECOND_FROM, From.DRAM),
    (Map.DESTINATION_BYTES, Map.DESTINATION_ADDRESS, Map.TO_DRAM, 1),
    (Map.PARTIAL_BYTES, Map.PARTIAL_ADDRESS, Map.TO_DRAM, -1),
)


def high_water(compiled: Compiled) -> dict[str, int]:
    """Bytes up to the highest one that is ever used: `pe_memory_bytes`, `core_memory_bytes`."""
    m = compiled.mapping
    pe = 0
    several = m[:, Map.ROW_TILES] * compiled.network.nests[:, Nest.IMAGES] > 1
    for size, address, paired, value in _BLOCKS:
        buffers = 1 + ((m[:, paired] == value) & several)
        ends = (m[:, address] + buffers * m[:, size])[m[:, size] > 0]
        pe = max(pe, int(ends.max(initial=0)))
    loads = compiled.cold.operand[compiled.cold.opcode == Opcode.LOAD_PARAMETERS].astype(int)
    ends = loads[:, Load.DESTINATION] + loads[:, Load.BLOCK_BYTES]
    return {"pe_memory_bytes": pe, "core_memory_bytes": int(ends.max(initial=0))}
