"""Energy of a design: what every action costs, and what a run of so many actions and cycles costs.

Energy is the sum of actions times constants, plus leakage times time, exactly.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from apollo.arch import technology as tech
from apollo.arch.accelerator import Accelerator
from apollo.arch.area import Area, area_of, bus_register_bits, counters_of
from apollo.arch.constants import DEFAULT, Technology
from apollo.arch.scaling import energy_scale, logic_leakage_scale
from apollo.arch.sram import Memories, Sram, memories_of

# Multiply-accumulates of 8 bits that one of (activation, weight) bits counts as: it takes as many
# passes over the 8-bit multipliers (docs/machine.md, M21).
WIDE_MAC_FACTORS = MappingProxyType({(8, 8): 1, (8, 16): 2, (16, 8): 2, (16, 16): 4})


class Component(StrEnum):
    """Where energy goes."""

    PE_MEMORY = "pe_memory"
    CORE_MEMORY = "core_memory"
    ACCUMULATORS = "accumulators"
    COMPUTE = "compute"
    BUSES = "buses"
    STAGING = "staging"
    INSTRUCTIONS = "instructions"
    CLOCK = "clock"
    DRAM = "dram"
    HOST = "host"


class Action(StrEnum):
    """What is counted in a run."""

    MAC = "mac"  # one int8 multiply-accumulate, operand registers with it
    VECTOR_OP = "vector_op"  # one element of an elementwise, pooling or lookup pass
    REQUANTISE = "requantise"  # one output
    PE_MEMORY_READ_BYTE = "pe_memory_read_byte"
    PE_MEMORY_WRITE_BYTE = "pe_memory_write_byte"
    CORE_MEMORY_READ_BYTE = "core_memory_read_byte"
    CORE_MEMORY_WRITE_BYTE = "core_memory_write_byte"
    ACCUMULATOR_READ_BYTE = "accumulator_read_byte"  # of a systolic array; lanes: part of a MAC
    ACCUMULATOR_WRITE_BYTE = "accumulator_write_byte"
    WEIGHT_SHIFT_BYTE = "weight_shift_byte"  # a weight moves down one row of a systolic array
    STAGING_BYTE = "staging_byte"  # written and read
    ACTIVATION_BUS_BYTE = "activation_bus_byte"
    PARAMETER_BUS_BYTE = "parameter_bus_byte"
    INSTRUCTION_BYTE = "instruction_byte"  # written to the ring, read and decoded
    DRAM_BYTE = "dram_byte"
    HOST_BYTE = "host_byte"
    CLOCK_CYCLE = "clock_cycle"  # clock that no gate stops; `energy_pj` counts it itself


COMPONENT_OF = MappingProxyType(
    {
        Action.MAC: Component.COMPUTE,
        Action.VECTOR_OP: Component.COMPUTE,
        Action.REQUANTISE: Component.COMPUTE,
        Action.PE_MEMORY_READ_BYTE: Component.PE_MEMORY,
        Action.PE_MEMORY_WRITE_BYTE: Component.PE_MEMORY,
        Action.CORE_MEMORY_READ_BYTE: Component.CORE_MEMORY,
        Action.CORE_MEMORY_WRITE_BYTE: Component.CORE_MEMORY,
        Action.ACCUMULATOR_READ_BYTE: Component.ACCUMULATORS,
        Action.ACCUMULATOR_WRITE_BYTE: Component.ACCUMULATORS,
        Action.WEIGHT_SHIFT_BYTE: Component.COMPUTE,
        Action.STAGING_BYTE: Component.STAGING,
        Action.ACTIVATION_BUS_BYTE: Component.BUSES,
        Action.PARAMETER_BUS_BYTE: Component.BUSES,
        Action.INSTRUCTION_BYTE: Component.INSTRUCTIONS,
        Action.DRAM_BYTE: Component.DRAM,
        Action.HOST_BYTE: Component.HOST,
        Action.CLOCK_CYCLE: Component.CLOCK,
    }
)


@dataclass(frozen=True)
class EnergyTable:
    """Picojoules of one of every action, and leakage; the fields are named as the actions."""

    mac: float
    vector_op: float
    requantise: float
    pe_memory_read_byte: float
    pe_memory_write_byte: float
    core_memory_read_byte: float
    core_memory_write_byte: float
    accumulator_read_byte: float
    accumulator_write_byte: float
    weight_shift_byte: float
    staging_byte: float
    activation_bus_byte: float
    parameter_bus_byte: float
    instruction_byte: float
    dram_byte: float
    host_byte: float
    clock_cycle: float
    leakage_mw: float

    def of(self, action: Action) -> float:
        """Picojoules of one such action."""
        return float(getattr(self, action))


@dataclass(frozen=True)
class Energy:
    """Picojoules of a run."""

    actions_pj: dict[Action, float]  # of the actions that occurred
    leakage_pj: float

    @property
    def components_pj(self) -> dict[Component, float]:
        """Picojoules by component, without leakage."""
        sums = dict.fromkeys(Component, 0.0)
        for action, pj in self.actions_pj.items():
            sums[COMPONENT_OF[action]] += pj
        return sums

    @property
    def dynamic_pj(self) -> float:
        """Picojoules of all actions."""
        return sum(self.actions_pj.values())

    @property
    def total_pj(self) -> float:
        """Actions and leakage."""
        return self.dynamic_pj + self.leakage_pj


def energy_table(accelerator: Accelerator, constants: Technology = DEFAULT) -> EnergyTable:
    """Picojoules of every action on a design in a technology."""
    a = accelerator
    node_nm = a.technology_nm
    memories, area = memories_of(a), area_of(a, constants)
    scale = energy_scale(node_nm)
    register_pj = constants.register_pj_per_bit_40nm * scale / energy_scale(40)
    pe_memory_pj = memories.pe_memory.byte_pj(node_nm, constants)
    core_memory_pj = memories.core_memory.byte_pj(node_nm, constants)
    accumulator_pj = memories.accumulators.byte_pj(node_nm, constants) if a.is_systolic else 0.0
    ring_pj = 2 * memories.instruction_memory.byte_pj(node_nm, constants)
    bus_pj = _bus_byte_pj(a, area, register_pj, constants)
    on_chip_pj = _cache_byte_pj(node_nm, constants) + bus_pj
    dram_pj = on_chip_pj if a.dram == tech.ON_CHIP else 8 * constants.dram_pj_per_bit[a.dram]
    host_pj = bus_pj if a.host == tech.ON_CHIP else 8 * constants.host_pj_per_bit
    vector_pj = (constants.multiply_8_pj + constants.add_32_pj) * scale
    return EnergyTable(
        mac=_mac_pj(a, scale, register_pj, constants),
        vector_op=vector_pj + tech.LANE_REGISTER_BITS * register_pj,
        requantise=_requantise_pj(scale, register_pj, constants),
        pe_memory_read_byte=pe_memory_pj,
        pe_memory_write_byte=pe_memory_pj,
        core_memory_read_byte=core_memory_pj,
        core_memory_write_byte=core_memory_pj,
        accumulator_read_byte=accumulator_pj,
        accumulator_write_byte=accumulator_pj,
        weight_shift_byte=8 * register_pj if a.is_systolic else 0.0,
        staging_byte=2 * memories.staging.byte_pj(node_nm, constants),
        activation_bus_byte=bus_pj,
        parameter_bus_byte=bus_pj,
        instruction_byte=ring_pj + tech.DECODE_STAGES * 8 * register_pj,
        dram_byte=dram_pj,
        host_byte=host_pj,
        clock_cycle=constants.idle_clock_share * _register_bits(a) * register_pj,
        leakage_mw=_leakage_mw(memories, area, node_nm, constants),
    )


def _cache_byte_pj(node_nm: int, constants: Technology) -> float:
    cache = Sram(1, tech.ON_CHIP_CACHE_BANK_BYTES, tech.ON_CHIP_CACHE_WORD_BYTES)
    return cache.byte_pj(node_nm, constants)


def leakage_mw(accelerator: Accelerator) -> float:
    """Leakage of SRAM and logic, at 350 K."""
    area, node_nm = area_of(accelerator), accelerator.technology_nm
    return _leakage_mw(memories_of(accelerator), area, node_nm, DEFAULT)


def energy_pj(
    counts: Mapping[Action, int],
    accelerator: Accelerator,
    cycles: int,
    constants: Technology = DEFAULT,
) -> Energy:
    """The energy of a run of that many actions in that many cycles.

    Raises `ValueError` for negative counts and for a count of clock cycles beside `cycles`.
    """
    if cycles < 0 or any(count < 0 for count in counts.values()):
        raise ValueError("Counts of actions and cycles must not be negative.")
    if Action.CLOCK_CYCLE in counts:
        raise ValueError("Clock cycles must not be among the actions: they are the cycles.")
    table = energy_table(accelerator, constants)
    actions_pj = {action: count * table.of(action) for action, count in counts.items()}
    actions_pj[Action.CLOCK_CYCLE] = cycles * table.clock_cycle
    # milliwatts times nanoseconds are picojoules
    leakage_pj = table.leakage_mw * (cycles * 1000 / accelerator.clock_mhz)
    return Energy(actions_pj, leakage_pj)


def _mac_pj(
    accelerator: Accelerator, scale: float, register_pj: float, constants: Technology
) -> float:
    """A quarter of a lane's cycle: four products, three sums of two, one accumulation."""
    if accelerator.is_systolic:
        logic_pj = constants.multiply_8_pj + constants.add_32_pj
        return logic_pj * scale + tech.CELL_MOVING_BITS * register_pj
    sums_pj = (3 * tech.PRODUCT_SUM_BITS / 32 + 1) * constants.add_32_pj / 4
    return (constants.multiply_8_pj + sums_pj) * scale + tech.LANE_REGISTER_BITS / 4 * register_pj


def _requantise_pj(scale: float, register_pj: float, constants: Technology) -> float:
    """Multiply by 32 bits, shift, round, add the zero point."""
    multiply_pj = constants.multiply_32_pj_45nm * scale / energy_scale(45)
    shift_pj = constants.shift_32_pj_40nm * scale / energy_scale(40)
    registers_pj = tech.REQUANTISER_REGISTER_BITS * register_pj
    return multiply_pj + shift_pj + 2 * constants.add_32_pj * scale + registers_pj


def _bus_byte_pj(
    accelerator: Accelerator, area: Area, register_pj: float, constants: Technology
) -> float:
    """A byte over one side of the chip, through the registers of half of the PEs of both sides."""
    hops = (accelerator.pes_x + accelerator.pes_y) / 2
    side_mm = float(area.total_mm2**0.5)
    return 8 * (side_mm * constants.wire_pj_per_bit_mm + hops * register_pj)


def _register_bits(accelerator: Accelerator) -> float:
    """Flip-flops on the chip."""
    a = accelerator
    lanes = a.pes * a.cores * a.lanes
    cells = a.array_rows * a.array_columns
    return (
        lanes * (tech.LANE_REGISTER_BITS + tech.REQUANTISER_REGISTER_BITS)
        + cells * (tech.CELL_MOVING_BITS + tech.CELL_WEIGHT_BITS)
        + counters_of(a) * tech.COUNTER_BITS
        + bus_register_bits(a)
    )


def _leakage_mw(memories: Memories, area: Area, node_nm: int, constants: Technology) -> float:
    sram_mw = sum(memory.leakage_mw(node_nm, constants) for memory in memories)
    logic_mw_per_mm2 = constants.logic_leakage_mw_per_mm2_40nm * logic_leakage_scale(node_nm)
    return sram_mw + area.logic_mm2 * logic_mw_per_mm2
