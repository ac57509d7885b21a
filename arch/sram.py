"""The memories of a chip: how they are built, and what an access, their leakage and area cost."""

import math
from typing import NamedTuple

from apollo.arch import technology as tech
from apollo.arch.accelerator import Accelerator
from apollo.arch.constants import DEFAULT, Technology
from apollo.arch.scaling import area_scale, at_node, energy_scale

_MIB = 1 << 20
ACCUMULATOR_BYTES = 4
INSTRUCTION_WORD_BYTES = 16


class Sram(NamedTuple):
    """Banks that are alike, each of a size and word; none where `banks` is 0."""

    banks: int
    bank_bytes: int
    word_bytes: int
    ports: int = 1

    @property
    def built_bytes(self) -> int:
        """Bytes of one bank as built: never shallower than the shallowest macro."""
        return max(self.bank_bytes, self.word_bytes * tech.SRAM_LEAST_WORDS)

    def area_um2(self, node_nm: int, constants: Technology = DEFAULT) -> float:
        """Area of all banks."""
        two = self.ports > 1
        bit_um2 = constants.sram_two_ports_um2_per_bit if two else constants.sram_um2_per_bit
        return self.banks * self.built_bytes * 8 * bit_um2 * area_scale(node_nm)

    def leakage_mw(self, node_nm: int, constants: Technology = DEFAULT) -> float:
        """Leakage of all banks at 350 K."""
        mw_per_mib = at_node(node_nm, constants.sram_leakage_mw_per_mib)
        return self.banks * self.built_bytes / _MIB * mw_per_mib

    def access_pj(self, node_nm: int, constants: Technology = DEFAULT) -> float:
        """Energy to read or to write one word of one bank."""
        macros = max(1.0, self.word_bytes / tech.SRAM_MOST_WORD_BYTES)
        word_bytes, macro_bytes = self.word_bytes / macros, self.built_bytes / macros
        by_word = constants.sram_pj_per_root_byte_and_word_byte_45nm * word_bytes
        macro_pj = (constants.sram_pj_per_root_byte_45nm + by_word) * math.sqrt(macro_bytes)
        return macros * macro_pj * energy_scale(node_nm) / energy_scale(45)

    def byte_pj(self, node_nm: int, constants: Technology = DEFAULT) -> float:
        """Energy of a byte of a word that is read or written whole."""
        return self.access_pj(node_nm, constants) / self.word_bytes


class Memories(NamedTuple):
    """All SRAM of a chip."""

    pe_memory: Sram
    core_memory: Sram
    accumulators: Sram
    staging: Sram
    instruction_memory: Sram


def memories_of(accelerator: Accelerator) -> Memories:
    """The memories of a design.

    PE memory has a bank for every core, `2 lanes` bytes wide, and core memory words of `4 lanes`
    bytes (docs/machine.md, M16). Beside a systolic array they are as wide as its rows and columns,
    and accumulators, one word for a row of outputs, are read and written in the same cycle.
    """
    a = accelerator
    cores = a.pes * a.cores
    staging_bytes = a.activation_memory_bytes + a.parameter_memory_bytes
    pe_word, core_word = 2 * a.lanes, 4 * a.lanes
    if a.is_systolic:
        pe_word, core_word = a.array_rows, a.array_columns
    row_bytes = ACCUMULATOR_BYTES * a.array_columns
    return Memories(
        pe_memory=Sram(cores, -(-a.pe_memory_bytes // a.cores), pe_word),
        core_memory=Sram(cores, a.core_memory_bytes, core_word),
        accumulators=Sram(int(a.is_systolic), a.accumulator_rows * row_bytes, row_bytes, ports=2),
        staging=Sram(1, staging_bytes, a.parameter_bus_bytes),
        instruction_memory=Sram(1, a.instruction_memory_bytes, INSTRUCTION_WORD_BYTES),
    )
