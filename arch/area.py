"""Area of a design by component, from the constants in `technology`."""

from dataclasses import dataclass, fields

from apollo.arch import technology as tech
from apollo.arch.accelerator import Accelerator
from apollo.arch.constants import DEFAULT, Technology
from apollo.arch.scaling import area_scale, interface_area_scale
from apollo.arch.sram import memories_of

_UM2_PER_MM2 = 1e6
_CELL_OPERAND_BITS = 8 + tech.CELL_WEIGHT_BITS  # the partial sum is in the MAC


@dataclass(frozen=True)
class Area:
    """Square millimetres of every component of a chip."""

    pe_memory_mm2: float
    core_memory_mm2: float
    accumulators_mm2: float  # SRAM of a systolic array; those of lanes are in them
    lanes_mm2: float
    array_mm2: float
    ports_mm2: float
    control_mm2: float
    buses_mm2: float
    staging_mm2: float
    instruction_memory_mm2: float
    dram_interface_mm2: float
    host_interface_mm2: float
    fixed_mm2: float

    @property
    def total_mm2(self) -> float:
        """Area of the chip."""
        return float(sum(getattr(self, field.name) for field in fields(self)))

    @property
    def logic_mm2(self) -> float:
        """What leaks as logic does: all but SRAM and the analogue interfaces."""
        datapath = self.lanes_mm2 + self.array_mm2 + self.ports_mm2
        return datapath + self.control_mm2 + self.buses_mm2 + self.fixed_mm2


def counters_of(accelerator: Accelerator) -> int:
    """Address and loop counters on the chip."""
    a = accelerator
    of_pe = a.cores * tech.CORE_COUNTERS + tech.PE_COUNTERS
    return a.pes * of_pe + tech.CHIP_COUNTERS


def bus_register_bits(accelerator: Accelerator) -> int:
    """Bits of the registers of both buses: their width, in every PE."""
    a = accelerator
    return a.pes * 8 * (a.activation_bus_bytes + a.parameter_bus_bytes)


def area_of(accelerator: Accelerator, constants: Technology = DEFAULT) -> Area:
    """The area of a design in a technology.

    PE memory is behind a crossbar of one port a core and direction (docs/machine.md, M16).
    """
    a = accelerator
    memories = memories_of(a)
    sram_mm2 = [memory.area_um2(a.technology_nm, constants) / _UM2_PER_MM2 for memory in memories]
    logic = area_scale(a.technology_nm) / _UM2_PER_MM2
    interface = interface_area_scale(a.technology_nm)
    lane_um2 = constants.lane_um2 + constants.requantiser_um2
    cell_um2 = constants.mac_um2 + _CELL_OPERAND_BITS * constants.register_um2_per_bit
    counter_um2 = tech.COUNTER_BITS * constants.register_um2_per_bit + constants.adder_um2
    # What lies on the same chip needs no interface.
    dram_gb_per_s = 0 if a.dram == tech.ON_CHIP else a.dram_gb_per_s
    host_gb_per_s = 0 if a.host == tech.ON_CHIP else a.host_gb_per_s
    port_bits = 2 * memories.pe_memory.word_bytes * 8
    crossbar = (a.cores - 1) * a.cores * port_bits * constants.multiplexer_um2_per_bit
    return Area(
        pe_memory_mm2=sram_mm2[0],
        core_memory_mm2=sram_mm2[1],
        accumulators_mm2=sram_mm2[2],
        lanes_mm2=a.pes * a.cores * a.lanes * lane_um2 * logic,
        array_mm2=a.array_rows * a.array_columns * cell_um2 * logic,
        ports_mm2=a.pes * crossbar * logic,
        control_mm2=counters_of(a) * counter_um2 * logic,
        buses_mm2=bus_register_bits(a) * constants.register_um2_per_bit * logic,
        staging_mm2=sram_mm2[3],
        instruction_memory_mm2=sram_mm2[4],
        dram_interface_mm2=dram_gb_per_s * constants.dram_interface_mm2_per_gb_per_s * interface,
        host_interface_mm2=host_gb_per_s * constants.host_interface_mm2_per_gb_per_s * interface,
        fixed_mm2=constants.fixed_mm2 * area_scale(a.technology_nm),
    )
