from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import apollo
from apollo.arch.accelerator import lane_presets, load_design
from apollo.arch.isa import Opcode
from apollo.arch.operands import Move, TransferFlag
from apollo.compiler.bound import array_cycles, bound, is_layered, parameter_bytes
from apollo.compiler.errors import DoesNotFit
from apollo.compiler.lower import lower
from apollo.compiler.pipeline import compile_network
from apollo.simulator.engine import simulate
from apollo.workloads.catalogue import load_model
from apollo.workloads.operators import Convolution
from apollo.workloads.sparsity.masks import masks_at
from tests.compiler.checks import QUICK, network, random_designs
from tests.compiler.random_graphs import random_graph, tiny_design

EDGE_TPU = load_design("edge_tpu_v1")
VISIBLE = 14 + 80  # on that preset, M7
BURST = 256


def check(lowered, design):
    """No program beats its bounds; whether there is a program."""
    try:
        compiled = compile_network(lowered, design)
    except DoesNotFit:
        return False
    limits = bound(lowered, design)
    cold = simulate(compiled.cold, design).latency_cycles
    warm = simulate(compiled.warm, design).latency_cycles
    assert cold >= limits.cold
    assert warm >= limits.warm
    assert limits.layered_cold >= limits.cold
    assert limits.layered_warm >= limits.warm
    if all(is_layered(each, compiled.network) for each in (compiled.cold, compiled.warm)):
        assert cold >= limits.layered_cold
        assert warm >= limits.layered_warm
    return True


@given(graph=st.integers(0, 1 << 30), design=st.integers(0, 1 << 30))
@settings(max_examples=60, deadline=None)
def test_no_program_of_a_random_network_on_a_tiny_design_beats_its_bound(graph, design):
    try:
        lowered = lower(random_graph(graph))
    except ValueError:  # no lowering
        return
    check(lowered, tiny_design(design))


@pytest.mark.parametrize("name", QUICK)
def test_no_program_on_a_searched_design_or_preset_beats_its_bound(name):
    designs = [*lane_presets(), *random_designs(8, seed=5)]
    assert sum(check(network(name), design) for design in designs) >= len(designs) // 2


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(40))
def test_no_program_of_many_networks_beats_its_bound(seed):
    for number in range(50):
        try:
            lowered = lower(random_graph(50 * seed + number))
        except ValueError:
            continue
        for design in (*random_designs(2, seed=seed), tiny_design(seed)):
            check(lowered, design)


def limits_of(name, **changes):
    lowered = lower(apollo.load(name))
    design = replace(EDGE_TPU, **changes)
    return lowered, design, bound(lowered, design)


def test_a_layer_that_the_array_limits_by_hand():
    # 64 lanes: 65 channels take two groups at each of 4096 positions, or the positions 64 groups.
    _, design, limits = limits_of(
        "conv:64x64x64x65x3x1", dram_gb_per_s=90, activation_memory_bytes=65_536
    )
    steps = min(4096 * 2, 65 * 64) * (64 * 9 // 4)
    assert design.pes * design.cores == design.lanes == 64
    assert limits.array_cycles.tolist() == [steps // 64 + 8]
    visible = 3 + 80  # a burst of 256 B at 101.25 B a cycle
    assert limits.cold == limits.warm == visible + steps // 64 + 8


def test_a_layer_that_the_activation_staging_limits_by_hand():
    # Four slots, each taken for 80 cycles of latency and 4 on the bus by every burst.
    _, _, limits = limits_of("conv:64x64x64x65x3x1", dram_gb_per_s=90)
    bursts = 64 * 64 * 64 // BURST
    assert limits.cold == limits.warm == 3 + 80 + bursts * (80 + 4) // 4


def test_a_product_that_parameters_limit_by_hand():
    lowered, _, limits = limits_of("gemm:1x4096x4096")
    parameters = 4096 * (4096 + 9)
    assert parameter_bytes(lowered).tolist() == [parameters]
    moved = parameters + 4096 + 4096
    rate = 153 / 8
    assert limits.cold == VISIBLE + -(-(moved - BURST) * 8 // 153)
    # Warm, what all core memories and the staging hold is there.
    held = 64 * 32_768 + 16_384
    assert limits.layered_warm == VISIBLE + (moved - held - BURST) * 8 // 153
    assert limits.traffic_cycles[0] == -(-moved // rate)
    assert (limits.of_layers() == limits.traffic_cycles).all()
    # Any program might keep them in PE memories: 64 groups of lanes in 64 cores are left.
    assert limits.warm == VISIBLE + 4096 // 4 + 8


def test_a_stretch_of_parameters_behind_a_stretch_of_work_is_not_hidden():
    """What the free bound overlaps: late parameters, of which core memories hold some only."""
    lowered, design, limits = limits_of("mobilenet_v1", core_memory_bytes=4096, dram_gb_per_s=100)
    array, rate = int(limits.array_cycles.sum()), float(design.dram_bytes_per_cycle)
    tail = parameter_bytes(lowered)[-12:].sum() - 64 * 4096 - 16_384 - BURST
    alone = limits.array_cycles[:-12].sum() + tail / rate
    assert limits.layered_cold >= alone > max(array, limits.cold)


@pytest.mark.parametrize(
    ("name", "cycles"),
    [
        ("conv:8x8x3x8x3x1", 64 * 7 // 8),  # 27 inputs are at least 7 steps of four
        ("conv:8x8x4x8x1x1", 64 // 8),
        ("conv:8x8x4x9x1x1", 9 * 8 // 8),  # channel by channel, eight positions at a time
    ],
)
def test_ceilings_of_lanes_and_inputs(name, cycles):
    design = replace(tiny_design(0), pes_x=1, pes_y=1, cores=8, lanes=8)
    lowered = lower(apollo.load(name))
    assert array_cycles(lowered, design)[0] == cycles + 8


def test_copies_are_free_and_averages_bring_no_parameters():
    lowered = network("odd")
    copies = lowered.nests[:, 0] == Opcode.COPY
    assert (array_cycles(lowered, EDGE_TPU)[copies] == 0).all()
    weighted = [isinstance(recipe.operator, Convolution) for recipe in lowered.recipes]
    assert (parameter_bytes(lowered)[weighted] > 0).all()


def test_what_the_layered_bound_holds_for():
    program = compile_network(network("odd"), EDGE_TPU).cold
    assert is_layered(program, network("odd"))
    (computes,) = np.nonzero(program.engine == program.engine[program.opcode == Opcode.POOL_MAX][0])
    assert len(computes) > 1
    layer = program.layer.copy()
    layer[computes[0]], layer[computes[-1]] = layer[computes[-1]], layer[computes[0]]
    assert not is_layered(replace(program, layer=layer), network("odd"))
    operand = program.operand.copy()
    moves = program.opcode == Opcode.MOVE
    assert moves.any()
    operand[moves, Move.FLAGS] |= int(TransferFlag.TO_CORE)
    assert not is_layered(replace(program, operand=operand), network("odd"))


@pytest.mark.parametrize("sparsity", [0.8, 0.95])
def test_no_program_of_a_sparse_network_beats_its_bound(sparsity):
    model = load_model("mobilenet_v1_0.25_128")
    sparse, dense = lower(model.graph, masks=masks_at(model, sparsity)), lower(model.graph)
    assert (array_cycles(sparse, EDGE_TPU) <= array_cycles(dense, EDGE_TPU)).all()
    assert parameter_bytes(sparse).sum() < parameter_bytes(dense).sum()
    designs = (*lane_presets(), *random_designs(4, seed=3))
    assert sum(check(sparse, design) for design in designs) >= len(designs) // 2
