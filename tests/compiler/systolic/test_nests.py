"""Networks on arrays: they compute the integers of the model, and what they need is said."""

import dataclasses
import random
from collections import Counter

import pytest

import apollo
from apollo.arch.isa import Opcode
from apollo.compiler.errors import DoesNotFit
from apollo.compiler.lower import lower
from apollo.compiler.systolic.nests import compile_nests
from apollo.simulator import reference
from apollo.simulator.engine import simulate
from apollo.workloads.catalogue import load
from apollo.workloads.integer import run
from apollo.workloads.model import Rounding
from tests.compiler.checks import odd_graph
from tests.compiler.models import random_inputs, random_model, without_normalizations
from tests.compiler.random_graphs import random_graph
from tests.compiler.systolic.nests import (
    FIFO,
    GEMMINI,
    PRESETS,
    SCRATCHPAD,
    SMALL,
    TPU,
    can_run,
    check,
    coverage,
)
from tests.simulator.agreement import differing_columns

FEW, MANY = 60, 1000
LANES_ONLY = (Opcode.CONVOLVE, Opcode.DEPTHWISE, Opcode.CONVOLVE_SPARSE)
EXPECTED = {
    *(opcode.name for opcode in Opcode if opcode not in LANES_ONLY),
    *("block-diagonal", "groups", "several columns", "several parts", "images flattened"),
    *("spilt", "batches"),
}


def model_of(seed):
    rounding = Rounding.TFLITE if seed % 3 == 0 else Rounding.ONCE
    return random_model(random_graph(seed), seed, rounding)


@pytest.mark.parametrize("count", [FEW, pytest.param(MANY, marks=pytest.mark.slow)])
def test_random_networks_compute_the_integers_of_the_model(count):
    seen: Counter[str] = Counter()
    unfit = 0
    for seed in range(count):
        model = model_of(seed)
        if not can_run(model):
            continue
        for design in PRESETS:
            seen += coverage(check(model, design, seed))
        for design in SMALL:
            try:
                seen += coverage(check(model, design, seed))
            except DoesNotFit:
                unfit += 1
    assert unfit < count / 4
    assert set(seen) >= EXPECTED


@pytest.mark.parametrize(
    "name", ["odd", "odd*3", "mobilenet_v1_0.25_128", "mobilenet_v2_0.35_96", "mobilenet_v3_small"]
)
def test_networks_compute_the_integers_of_the_model_on_both_presets(name):
    name, _, batch = name.partition("*")
    if name == "odd":
        graph = odd_graph().with_batch(int(batch or 1))
    elif name == "mobilenet_v3_small":
        graph = without_normalizations(load("mobilenet_v3_small_0.75_128"))
    else:
        graph = without_normalizations(load(name))
    model = random_model(graph, seed=1)
    expected = run(model, random_inputs(graph, 0))
    for design in PRESETS:
        check(model, design, expected=expected)


def random_array(seed):
    """A chip of any size, the least included."""
    rng = random.Random(seed)
    return dataclasses.replace(
        rng.choice(PRESETS),
        array_rows=rng.choice([1, 2, 3, 8, 17, 64]),
        array_columns=rng.choice([1, 2, 5, 16, 40]),
        accumulator_rows=rng.choice([1, 4, 16, 100]),
        lanes=rng.choice([1, 4, 8, 16, 64]),
        pe_memory_bytes=rng.choice([64, 300, 1000, 5000, 100_000]),
        core_memory_bytes=rng.choice([64, 700, 2000, 8000, 100_000]),
        instruction_memory_bytes=rng.choice([1024, 8192, 1 << 18]),
    )


def test_any_array_gives_the_right_numbers_or_says_what_it_lacks():
    answers: Counter[str] = Counter()
    least = 1 << 30
    for seed in range(80):
        if not can_run(model_of(seed)):
            continue
        try:
            check(model_of(seed), random_array(seed), seed)
            answers["fits"] += 1
        except DoesNotFit as refusal:
            answers[refusal.resource] += 1
            least = min(least, refusal.demand - refusal.bound)
    assert {"fits", "core_memory", "pe_memory", "instruction_memory"} <= set(answers)
    assert answers["fits"] >= 30
    assert least > 0  # what is demanded is more than there is


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("design", [SCRATCHPAD, FIFO, GEMMINI], ids=lambda design: design.name)
def test_both_simulators_agree_on_the_cycles(design, seed):
    model = model_of(seed)
    if not can_run(model):
        pytest.skip("has no lowering")
    try:
        program = compile_nests(lower(model.graph, model), design).program
    except DoesNotFit:
        pytest.skip("too large for the design")
    expected = reference.simulate(program, design)
    assert differing_columns(simulate(program, design), expected) == []


@pytest.mark.parametrize("design", ["tpu_v1", "gemmini"])
@pytest.mark.parametrize("name", ["mobilenet_v1", "mobilenet_v2", "mobilenet_v3_large"])
def test_full_networks_run_and_count_all_of_their_work(name, design):
    graph = apollo.load(name)
    measurement = apollo.evaluate(graph, design)
    assert measurement.layer_macs().sum() == graph.macs
    metrics = measurement.metrics
    accelerator = TPU if design == "tpu_v1" else GEMMINI
    cells = accelerator.array_rows * accelerator.array_columns
    assert metrics.cycles * cells > graph.macs
    peaks = measurement.high_water()
    assert peaks["pe_memory_bytes"] <= accelerator.pe_memory_bytes
    assert peaks["core_memory_bytes"] <= accelerator.core_memory_bytes


def test_what_does_not_fit_is_named():
    network = lower(apollo.load("conv:8x8x64x16x3x1"))
    least = dataclasses.replace(GEMMINI, pe_memory_bytes=256)
    with pytest.raises(DoesNotFit) as refusal:
        compile_nests(network, least)
    found = refusal.value
    # A position at least: 3 x 3 x 64 elements are read, and 16 written.
    assert (found.resource, found.layer, found.demand, found.bound) == (
        "pe_memory",
        "conv",
        3 * 3 * 64 + 16,
        256,
    )


def test_a_layer_of_many_instructions_is_replayed_in_sections():
    program = compile_nests(lower(apollo.load("gemm:1x2048x1024")), GEMMINI).program
    assert program.layer_names[:2] == ("gemm", "gemm #2")
    sizes = Counter()
    for heading, opcode in zip(program.layer.tolist(), program.opcode.tolist(), strict=True):
        sizes[heading] += 64 if opcode == Opcode.MATMUL else 32
    assert max(sizes.values()) <= GEMMINI.instruction_memory_bytes
