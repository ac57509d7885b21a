import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apollo.arch import space
from apollo.arch.accelerator import Accelerator, load_design
from apollo.arch.area import area_of
from apollo.arch.constants import DEFAULT
from apollo.arch.energy import (
    COMPONENT_OF,
    WIDE_MAC_FACTORS,
    Action,
    Component,
    EnergyTable,
    energy_pj,
    energy_table,
    leakage_mw,
)
from apollo.arch.scaling import energy_scale
from apollo.arch.sram import Sram, memories_of
from tests.arch.technology_tables import TPU_V1, dense_counts, tpu_counts, watts

V1 = load_design("edge_tpu_v1")
TPU = Accelerator(**TPU_V1)
INDICES = st.integers(0, space.SIZE - 1)
COUNTS = st.dictionaries(
    st.sampled_from([action for action in Action if action != Action.CLOCK_CYCLE]),
    st.integers(0, 1 << 40),
)


def test_a_memory_by_hand() -> None:
    # 32 KiB of 8-byte words at 45 nm: (0.03505 + 0.007423 * 8) * sqrt(32768)
    assert Sram(1, 32768, 8).access_pj(45) == pytest.approx(17.095, abs=0.005)
    assert Sram(1, 32768, 8).byte_pj(7) == pytest.approx(17.095 / 2.6 / 8, abs=0.0005)
    # words of 64 bytes are two macros of half the size, side by side
    two = 2 * Sram(1, 16384, 32).access_pj(7)
    assert Sram(1, 32768, 64).access_pj(7) == pytest.approx(two)
    # banks do not make an access dearer, only leakage
    assert Sram(4, 32768, 64).access_pj(7) == Sram(1, 32768, 64).access_pj(7)
    assert Sram(4, 1 << 20, 64).leakage_mw(22) == pytest.approx(4 * 0.561)


def test_shallow_memories_are_built_deeper() -> None:
    assert Sram(1, 4096, 1024).built_bytes == 32 * 1024
    assert Sram(1, 4096, 1024).access_pj(7) == Sram(1, 32768, 1024).access_pj(7)


def test_memories_of_both_kinds_of_chip() -> None:
    lanes = memories_of(V1)
    assert lanes.pe_memory == Sram(64, 512 << 10, 128)  # a bank for each of 4 cores
    assert lanes.core_memory == Sram(64, 32 << 10, 256)
    assert lanes.accumulators.banks == 0
    systolic = memories_of(TPU)
    assert systolic.pe_memory == Sram(1, 24 << 20, 256)
    assert systolic.accumulators == Sram(1, 4 << 20, 1024, ports=2)
    assert systolic.accumulators.leakage_mw(28) > 0
    assert lanes.accumulators.leakage_mw(7) == lanes.accumulators.area_um2(7) == 0


def test_a_mac_by_hand() -> None:
    register_pj = 0.009 / energy_scale(40)
    of_lane = 0.07 + (3 * 17 + 32) / 32 * 0.03 / 4 + 546 / 8 / 4 * register_pj
    assert energy_table(V1).mac == pytest.approx(of_lane)
    at_7nm = energy_table(dataclasses.replace(TPU, technology_nm=7))
    assert at_7nm.mac == pytest.approx(0.07 + 0.03 + 40 * register_pj)
    assert energy_table(TPU).mac == pytest.approx(at_7nm.mac * energy_scale(28))


def test_a_requantisation_by_hand() -> None:
    expected = 3.1 / 2.6 + (0.41652 + 105 * 0.009) / energy_scale(40) + 2 * 0.03
    assert energy_table(V1).requantise == pytest.approx(expected)


def test_a_bus_byte_crosses_the_chip() -> None:
    side_mm = area_of(V1).total_mm2 ** 0.5
    registers_pj = 4 * 0.009 / energy_scale(40)  # half of 4 + 4 PEs
    expected = 8 * (side_mm * 310 / 2560 * (0.8 / 0.9) ** 2 + registers_pj)
    assert energy_table(V1).activation_bus_byte == pytest.approx(expected)
    wide = dataclasses.replace(V1, pe_memory_bytes=16 << 20)
    assert energy_table(wide).parameter_bus_byte > expected


@pytest.mark.parametrize(("dram", "pj_per_bit"), DEFAULT.dram_pj_per_bit.items())
def test_dram_by_type(dram: str, pj_per_bit: float) -> None:
    assert energy_table(dataclasses.replace(V1, dram=dram)).dram_byte == 8 * pj_per_bit


def test_only_a_systolic_array_has_accumulator_memory_and_shifts_weights() -> None:
    systolic = (
        Action.ACCUMULATOR_READ_BYTE,
        Action.ACCUMULATOR_WRITE_BYTE,
        Action.WEIGHT_SHIFT_BYTE,
    )
    for action in Action:
        assert energy_table(TPU).of(action) > 0
        assert (energy_table(V1).of(action) > 0) == (action not in systolic)


def test_every_action_has_a_cost_and_a_component() -> None:
    fields = [field.name for field in dataclasses.fields(EnergyTable)]
    assert fields == [*Action, "leakage_mw"]
    assert set(COMPONENT_OF) == set(Action)
    assert set(COMPONENT_OF.values()) == set(Component)


def test_wide_multiplies_take_the_passes_of_their_rate() -> None:
    assert WIDE_MAC_FACTORS[8, 8] == 1
    assert all(
        factor == activation * weight // 64
        for (activation, weight), factor in WIDE_MAC_FACTORS.items()
    )


@given(INDICES, COUNTS, st.integers(0, 1 << 40))
def test_energy_is_actions_times_constants_and_leakage_times_time(
    index: int, counts: dict[Action, int], cycles: int
) -> None:
    design = space.accelerator_at(index)
    table, energy = energy_table(design), energy_pj(counts, design, cycles)
    actions = sum(count * table.of(action) for action, count in counts.items())
    actions += cycles * table.clock_cycle
    leakage = leakage_mw(design) * (cycles * 1000 / design.clock_mhz)
    assert energy.leakage_pj == leakage
    assert energy.dynamic_pj == actions
    assert energy.total_pj == actions + leakage
    assert sum(energy.components_pj.values()) == pytest.approx(actions)


def test_components_hold_their_actions() -> None:
    counts = {Action.MAC: 3, Action.REQUANTISE: 2, Action.DRAM_BYTE: 5}
    energy, table = energy_pj(counts, V1, 7), energy_table(V1)
    parts = {component: pj for component, pj in energy.components_pj.items() if pj}
    assert parts == {
        Component.COMPUTE: 3 * table.mac + 2 * table.requantise,
        Component.DRAM: 5 * 64.0,
        Component.CLOCK: 7 * table.clock_cycle,
    }


def test_leakage_of_a_second_is_milliwatts() -> None:
    energy = energy_pj({}, V1, V1.clock_mhz * 10**6)
    assert energy.leakage_pj * 1e-12 == pytest.approx(leakage_mw(V1) * 1e-3)


@given(INDICES)
def test_larger_memories_and_older_nodes_cost_more(index: int) -> None:
    design = space.accelerator_at(index)
    table = energy_table(design)
    larger = dataclasses.replace(design, pe_memory_bytes=2 * design.pe_memory_bytes)
    # Equal, where a bank is the smallest that there is.
    assert energy_table(larger).pe_memory_read_byte >= table.pe_memory_read_byte
    assert leakage_mw(larger) > table.leakage_mw
    older = energy_table(dataclasses.replace(design, technology_nm=16))
    outside = (Action.DRAM_BYTE, Action.HOST_BYTE)
    for action in Action:
        if table.of(action) and action not in outside:
            assert older.of(action) > table.of(action)
        else:
            assert older.of(action) == table.of(action)


def test_wrong_counts_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^Counts of actions and cycles must not be negative\.$"):
        energy_pj({Action.MAC: -1}, V1, 1)
    with pytest.raises(ValueError, match=r"^Counts of actions and cycles must not be negative\.$"):
        energy_pj({}, V1, -1)
    message = r"^Clock cycles must not be among the actions: they are the cycles\.$"
    with pytest.raises(ValueError, match=message):
        energy_pj({Action.CLOCK_CYCLE: 1}, V1, 1)


def test_power_of_published_chips_is_plausible() -> None:
    cycles = TPU.clock_mhz * 10**6
    # busy 40 W (CNN0: array active 78.2 %), TDP 75 W; docs/technology.md explains idle
    assert 20 < watts(TPU, tpu_counts(0.782, cycles), cycles) < 60
    assert watts(TPU, tpu_counts(1, cycles), cycles) < 75
    # Coral's Edge TPU: 2 TOPS/W at a node that is not published
    v2 = load_design("edge_tpu_v2")
    cycles = v2.clock_mhz * 10**6
    for node, least, most in ((7, 2, 10), (28, 1, 4)):
        design = dataclasses.replace(v2, technology_nm=node)
        tops_per_watt = design.peak_tops / watts(design, dense_counts(design, cycles), cycles)
        assert least < tops_per_watt < most
