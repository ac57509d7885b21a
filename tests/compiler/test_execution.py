"""Compiled programs, run on arrays, give the integers that the model means: bit for bit."""

from collections import Counter

import numpy as np
import pytest

from apollo.arch.accelerator import lane_presets, load_design
from apollo.arch.isa import Engine, Opcode
from apollo.arch.program import Program
from apollo.compiler.errors import DoesNotFit
from apollo.compiler.fuse import fused_into
from apollo.compiler.lower import lower
from apollo.compiler.pipeline import compile_network
from apollo.simulator.functional import refuse_races
from apollo.workloads.catalogue import load
from apollo.workloads.integer import run
from apollo.workloads.model import Rounding
from tests.compiler.checks import corner_designs, network, odd_graph, random_designs
from tests.compiler.execution import check, seen_of
from tests.compiler.models import random_inputs, random_model, without_normalizations
from tests.compiler.random_graphs import random_graph, tiny_design

FEW, MANY = 120, 1500
# What a program of lanes may consist of; sparse convolutions come with their own mapping.
EXPECTED = {
    *(opcode.name for opcode in Opcode if opcode < Opcode.CONVOLVE_SPARSE),
    *(f"source from {where}" for where in ("PLACE", "HALO", "COPY", "DRAM")),
    *(f"second from {where}" for where in ("NOWHERE", "PLACE", "COPY", "DRAM")),
    *(f"{axis} over {what}" for axis in "xy" for what in ("ROWS", "COLUMNS", "CHANNELS")),
    *("cores over ROWS", "cores over CHANNELS", "spill", "resident", "row tiles", "bands"),
    *("cut rows", "channel tiles", "partial sums", "groups", "images", "permuted", "parts"),
    *("parts on the chip", "rows by turns", "columns by turns", "strips"),
}


def of_seed(seed: int) -> Counter[str]:
    """A random network on a tiny design; what its mapping has, or nothing where it does not fit."""
    rounding = Rounding.TFLITE if seed % 3 == 0 else Rounding.ONCE
    model = random_model(random_graph(seed), seed, rounding)
    return seen_of(lambda: check(model, tiny_design(seed), seed))


@pytest.mark.parametrize("count", [FEW, pytest.param(MANY, marks=pytest.mark.slow)])
def test_random_networks_on_tiny_designs(count):
    seen: Counter[str] = Counter()
    fitting = 0
    for seed in range(count):
        found = of_seed(seed)
        seen += found
        fitting += bool(found)
    assert fitting > count / 2
    missing = EXPECTED - set(seen)
    assert not missing


def graph_of(name):
    name, _, batch = name.partition("*")
    if name == "odd":
        return odd_graph().with_batch(int(batch or 1))
    return without_normalizations(load(name, int(batch or 1)))


def check_on(name, designs):
    """A network on designs; on how many it fits."""
    model = random_model(graph_of(name), seed=1)
    expected = run(model, random_inputs(model.graph, 0))
    fitting = 0
    for design in designs:
        try:
            check(model, design, expected=expected)
            fitting += 1
        except DoesNotFit:
            continue
    return fitting


@pytest.mark.parametrize(
    "name",
    [
        *("odd", "odd*3", "mobilenet_v1_0.25_128", "mobilenet_v2_0.35_96"),
        *("transformer_encoder_tiny_16", "lraspp_mobilenet_v3_224"),
    ],
)
def test_networks_on_presets_and_random_designs(name):
    designs = [*lane_presets(), *random_designs(4, seed=5)]
    assert check_on(name, designs) == len(designs)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        "odd",
        "odd*3",
        "mobilenet_v1_0.25_128",
        "mobilenet_v1_0.25_128*5",
        "mobilenet_v2_0.35_96",
        "mobilenet_v3_small_0.75_128",
        "unet_128",
        "ssd_mobilenet_v2",
        "gemm:100x300x77",
        "conv:57x57x24x40x3x2",
    ],
)
def test_networks_on_corners_and_many_designs(name):
    # Each core's memory is executed on: 32,768 of 232 KB are more than a test should take.
    corners = [design for design in corner_designs() if design.name != "most"]
    assert check_on(name, [*corners, *random_designs(20, seed=6)]) >= 20


@pytest.mark.parametrize("engine", [Engine.PARAM, Engine.ACT, Engine.MOVE, Engine.COMPUTE])
def test_a_program_without_its_waits_races(engine):
    design = load_design("edge_tpu_v3")
    cold = compile_network(network("mobilenet_v1_0.25_128"), design).cold
    refuse_races(cold, design)
    wait = cold.wait.copy()
    wait[:, engine] = 0
    broken = Program(cold.opcode, cold.layer, wait, cold.operand, cold.layer_names)
    with pytest.raises(ValueError, match=r"neither waits for the other \(M32\)\.$"):
        refuse_races(broken, design)


def test_programs_without_values_do_not_race_either(compiled_networks):
    for compiled in compiled_networks:
        for program in (compiled.cold, compiled.warm):
            if len(program) <= 400:
                refuse_races(program, compiled.accelerator)


def test_a_clamp_of_other_units_does_not_fuse():
    graph = random_graph(0)
    model = random_model(odd_graph(), 3)
    assert "clamp" in fused_into(model.graph, model)
    rules = dict(model.quantization)
    rules["m"] = random_model(odd_graph(), 4).quantization["a"]
    other = type(model)(model.graph, model.constants, rules, model.rounding)
    assert "clamp" not in fused_into(other.graph, other)
    assert lower(graph).nests.dtype == np.int64
