"""Area of a design by component, from the constants in `technology`."""

from dataclasses import dataclass, fields

from apollo.arch import technology as tech
from apollo.arch.accelerator import Accelerator

_UM2_PER_MM2 = 1e6
_COUNTER_UM2 = 32 * tech.REGISTER_UM2_PER_BIT + tech.ADDER_UM2


@dataclass(frozen=True)
class Area:
    """Square millimetres of every component of a chip."""

    pe_memory_mm2: float
    core_memory_mm2: float
    lanes_mm2: float
    ports_mm2: float
    control_mm2: float
    buses_mm2: float
    staging_mm2: float
    instruction_memory_mm2: float
    dram_interface_mm2: float
    fixed_mm2: float

    @property
    def total_mm2(self) -> float:
        """Area of the chip."""
        return float(sum(getattr(self, field.name) for field in fields(self)))


def _sram_um2(size_bytes: int, word_bytes: int) -> float:
    """A memory of that size and word; never shallower than the shallowest macro."""
    bits = max(size_bytes, word_bytes * tech.SRAM_LEAST_WORDS) * 8
    return bits * tech.SRAM_UM2_PER_BIT


def area_of(accelerator: Accelerator) -> Area:
    """The area of a design.

    PE memory has a bank for every core, `2 lanes` bytes wide, behind a crossbar of one port a core
    and direction; core memory has words of `4 lanes` bytes (docs/machine.md, M16).
    """
    a = accelerator
    cores = a.pes * a.cores
    lanes = cores * a.lanes
    bank_bytes = -(-a.pe_memory_bytes // a.cores)
    port_bits = 2 * (2 * a.lanes) * 8
    crossbar = (a.cores - 1) * a.cores * port_bits * tech.MULTIPLEXER_UM2_PER_BIT
    bus_bits = 8 * (a.activation_bus_bytes + a.parameter_bus_bytes)
    staging_bytes = a.activation_memory_bytes + a.parameter_memory_bytes
    return Area(
        pe_memory_mm2=cores * _sram_um2(bank_bytes, 2 * a.lanes) / _UM2_PER_MM2,
        core_memory_mm2=cores * _sram_um2(a.core_memory_bytes, 4 * a.lanes) / _UM2_PER_MM2,
        lanes_mm2=lanes * (tech.LANE_UM2 + tech.REQUANTISER_UM2) / _UM2_PER_MM2,
        ports_mm2=a.pes * crossbar / _UM2_PER_MM2,
        control_mm2=_COUNTER_UM2
        * (cores * tech.CORE_COUNTERS + a.pes * tech.PE_COUNTERS + tech.CHIP_COUNTERS)
        / _UM2_PER_MM2,
        buses_mm2=a.pes * bus_bits * tech.REGISTER_UM2_PER_BIT / _UM2_PER_MM2,
        staging_mm2=_sram_um2(staging_bytes, a.parameter_bus_bytes) / _UM2_PER_MM2,
        instruction_memory_mm2=_sram_um2(a.instruction_memory_bytes, 16) / _UM2_PER_MM2,
        dram_interface_mm2=a.dram_gb_per_s * tech.DRAM_INTERFACE_MM2_PER_GB_PER_S,
        fixed_mm2=tech.FIXED_MM2,
    )
