"""What a run does, counted, and the energy of it."""

from dataclasses import replace

import pytest

from apollo.arch.accelerator import Accelerator, load_design
from apollo.arch.assembler import assemble
from apollo.arch.energy import Action, energy_pj, energy_table
from apollo.arch.isa import Engine
from apollo.simulator.activity import actions_of
from apollo.simulator.engine import simulate
from apollo.simulator.metrics import instruction_memory_peak, metrics_of
from tests.simulator.agreement import random_case
from tests.simulator.designs import ARRAY, LINK, V1

# 16 PEs of 4 cores of 64 lanes.
TILE = "rows=7 columns=7 in_channels=10 out_channels=64 kernel_rows=3"
LANES = [
    # 49 positions x 64 channels x 10 inputs x 3 taps, of 16 PEs whose cores share the positions
    (
        f"CONVOLVE {TILE} channels=64 flags=split_positions",
        {
            Action.MAC: 16 * 49 * 64 * 30,
            Action.REQUANTISE: 16 * 49 * 64,
            Action.PE_MEMORY_READ_BYTE: 16 * 49 * 12 * 3,  # inputs in groups of four
            Action.PE_MEMORY_WRITE_BYTE: 16 * 49 * 64,
            Action.CORE_MEMORY_READ_BYTE: 16 * 49 * 12 * 3 * 64,
        },
    ),
    # cores of 64 channels each, of which the PE has 100: the second core has 36, two have none
    (
        f"CONVOLVE {TILE} core_step=64 channels=100 flags=partial",
        {
            Action.MAC: 16 * 49 * 100 * 30,
            Action.REQUANTISE: 0,
            Action.PE_MEMORY_READ_BYTE: 2 * 16 * 49 * 12 * 3,
            Action.PE_MEMORY_WRITE_BYTE: 4 * 16 * 49 * 100,
        },
    ),
    (
        "DEPTHWISE rows=4 columns=5 out_channels=64 kernel_rows=3 kernel_columns=3 channels=64 "
        "flags=split_positions+wide_source",
        {Action.MAC: 2 * 16 * 20 * 64 * 9, Action.PE_MEMORY_READ_BYTE: 2 * 16 * 20 * 64 * 9},
    ),
    (
        "ADD rows=4 columns=5 out_channels=64 channels=64 flags=split_positions+wide_second",
        {Action.VECTOR_OP: 16 * 20 * 64, Action.PE_MEMORY_READ_BYTE: 3 * 16 * 20 * 64},
    ),
    (
        "CONVOLVE_SPARSE rows=10 columns=10 out_channels=8 channels=8 pairs=30 "
        "flags=split_positions",
        {Action.MAC: 2 * 16 * 100 * 30, Action.PE_MEMORY_WRITE_BYTE: 16 * 100 * 8},
    ),
    (
        "LOAD_PARAMETERS segment_bytes=1000 block_bytes=250 step_core=1",
        {
            Action.PARAMETER_BUS_BYTE: 1000,
            Action.CORE_MEMORY_WRITE_BYTE: 16 * 4 * 250,
            Action.STAGING_BYTE: 1000,
            Action.INSTRUCTION_BYTE: 48,
            Action.DRAM_BYTE: 4 * 256 + 256,
        },
    ),
    (
        "LOAD_ACTIVATIONS segment_bytes=100 box_rows=10 box_columns=10",
        {Action.ACTIVATION_BUS_BYTE: 100, Action.PE_MEMORY_WRITE_BYTE: 16 * 100},
    ),
    ("STORE segment_bytes=100", {Action.PE_MEMORY_READ_BYTE: 100, Action.STAGING_BYTE: 0}),
]
SYSTOLIC = [
    (
        "SHIFT_WEIGHTS in_channels=10 out_channels=20",
        {Action.CORE_MEMORY_READ_BYTE: 200, Action.WEIGHT_SHIFT_BYTE: 200 * 17 // 2},
    ),
    (
        "MATMUL rows=3 columns=7 in_channels=10 out_channels=20 flags=accumulate+wide_source",
        {
            Action.MAC: 2 * 21 * 10 * 20,
            Action.PE_MEMORY_READ_BYTE: 2 * 21 * 10,
            Action.ACCUMULATOR_WRITE_BYTE: 4 * 21 * 20,
            Action.ACCUMULATOR_READ_BYTE: 4 * 21 * 20,
        },
    ),
    (
        "DRAIN rows=3 columns=7 out_channels=20",
        {
            Action.ACCUMULATOR_READ_BYTE: 4 * 21 * 20,
            Action.PE_MEMORY_WRITE_BYTE: 21 * 20,
            Action.ACTIVATION_BUS_BYTE: 21 * 20,
            Action.REQUANTISE: 21 * 20,
        },
    ),
]


def counted(text: str, design: Accelerator) -> dict[Action, int]:
    return actions_of(simulate(assemble(text), design), design)


@pytest.mark.parametrize(("text", "expected"), LANES, ids=lambda value: str(value).split()[0])
def test_an_instruction_of_lanes_is_counted(text: str, expected: dict[Action, int]) -> None:
    actions = counted(text, V1)
    assert {action: actions[action] for action in expected} == expected


@pytest.mark.parametrize(("text", "expected"), SYSTOLIC, ids=lambda value: str(value).split()[0])
def test_an_instruction_of_the_array_is_counted(text: str, expected: dict[Action, int]) -> None:
    actions = counted(text, ARRAY)
    assert {action: actions[action] for action in expected} == expected


def test_bytes_of_the_host_link_are_not_those_of_the_dram() -> None:
    actions = counted("LOAD_ACTIVATIONS segment_bytes=100\nLOAD_PARAMETERS segment_bytes=10", LINK)
    assert actions[Action.HOST_BYTE] == 256
    assert actions[Action.DRAM_BYTE] == 512  # parameters and the program


def test_energy_is_actions_by_constants_and_leakage_by_time() -> None:
    for seed in range(40):
        program, accelerator = random_case(seed, most=40)
        timeline = simulate(program, accelerator)
        actions, table = actions_of(timeline, accelerator), energy_table(accelerator)
        energy = energy_pj(actions, accelerator, timeline.latency_cycles)
        seconds = timeline.latency_cycles / (accelerator.clock_mhz * 1e6)
        actions[Action.CLOCK_CYCLE] = timeline.latency_cycles
        dynamic = sum(count * table.of(action) for action, count in actions.items())
        leakage = table.leakage_mw * seconds * 1e9
        assert energy.total_pj == pytest.approx(dynamic + leakage)
        assert sum(energy.components_pj.values()) == pytest.approx(energy.dynamic_pj)


def test_shares_are_shares_and_their_product_is_the_utilisation() -> None:
    for seed in range(40):
        program, accelerator = random_case(seed, most=40)
        timeline = simulate(program, accelerator)
        executed = actions_of(timeline, accelerator)[Action.MAC]
        metrics = metrics_of(timeline, timeline, accelerator, macs=executed // 2)
        levels = metrics.utilisation_by_level
        assert all(0 <= share <= 1 for share in levels.values())
        product = levels["time"] * levels["cores"] * levels["pes"]
        assert metrics.utilisation == pytest.approx(product)
        assert metrics.busy_cycles[Engine.COMPUTE.name] <= timeline.latency_cycles
        parts = sum(metrics.energy_uj_by_component.values())
        assert metrics.energy_uj == pytest.approx(parts)


def test_a_warmer_clock_does_not_change_the_actions() -> None:
    design = load_design("edge_tpu_v3")
    fast = replace(design, clock_mhz=2 * design.clock_mhz)
    text = "\n".join(text for text, _ in LANES)
    assert counted(text, design) == counted(text, fast)


def test_the_instruction_memory_holds_what_was_fetched_and_not_freed() -> None:
    program = assemble("COPY rows=1000\n" * 100)
    small = replace(V1, instruction_memory_bytes=1024)
    peak = instruction_memory_peak(simulate(program, small), small)
    assert peak <= 1024
    assert peak > 1024 - 256
    assert instruction_memory_peak(simulate(program, V1), V1) == 100 * 64
