"""Explanations are true: whatever is said to help is run again here, and so is a step less."""

import random
from dataclasses import replace

import pytest

import apollo
from apollo.arch.accelerator import load_design
from apollo.arch.space import SIZE, accelerator_at
from apollo.compiler.errors import DoesNotFit
from apollo.search.explain import Bounded, Refused, explain
from apollo.search.levers import BATCH, changed, ladders_of
from tests.compiler.checks import corner_designs, odd_graph

NETWORKS = ("mobilenet_v1_0.25_128", "mobilenet_v2_0.35_96", "gemm:40x300x77", "odd")
MEMORIES = ("pe_memory_bytes", "core_memory_bytes", "instruction_memory_bytes")


def loader(name):
    return lambda batch: (
        odd_graph().with_batch(batch) if name == "odd" else apollo.load(name, batch)
    )


def fits(name, design, batch, values):
    try:
        apollo.compile(loader(name)(values.get(BATCH, batch)), changed(design, values))
    except (DoesNotFit, ValueError):
        return False
    return True


def step_less(design, batch, change):
    """The value one step nearer to the design's own."""
    if change.parameter == BATCH:
        return change.after + 1 if change.steps == batch - change.after else 2 * change.after
    for ladder in ladders_of(design, batch):
        if ladder.parameter == change.parameter and change.after in ladder.values:
            return ladder.value(change.steps - 1)
    raise AssertionError(change)


def check_levers(name, refused):
    for lever in refused.levers:
        values = {change.parameter: change.after for change in lever.changes}
        assert fits(name, refused.accelerator, refused.batch, values), lever
        for change in lever.changes:
            less = step_less(refused.accelerator, refused.batch, change)
            smaller = values | {change.parameter: less}
            assert not fits(name, refused.accelerator, refused.batch, smaller), (lever, smaller)


def poor_designs(count, seed):
    """Points of the space with memories that are too small for most."""
    generator = random.Random(seed)
    for _ in range(count):
        design = accelerator_at(generator.randrange(SIZE))
        for memory in generator.sample(MEMORIES, generator.randint(1, 2)):
            # Smaller rings than 512 B are no design.
            low, high = (9, 11) if memory.startswith("instruction") else (7, 12)
            design = replace(design, **{memory: 1 << generator.randint(low, high)})
        yield design, generator.choice(NETWORKS), generator.choice((1, 1, 2, 6))


def check_some(count, seed):
    refusals = levers = 0
    for design, name, batch in poor_designs(count, seed):
        found = explain(loader(name), batch, design)
        if isinstance(found, Refused):
            refusals += 1
            levers += len(found.levers)
            check_levers(name, found)
            assert sum(term.total for term in found.terms) in (0, found.refusal.demand)
    assert refusals >= count // 4
    assert levers >= refusals


def test_every_lever_helps_and_a_step_less_does_not():
    check_some(200, seed=5)


@pytest.mark.slow
def test_every_lever_helps_on_thousands_of_designs():
    check_some(2000, seed=6)


def test_the_terms_of_a_demand_add_up_to_it():
    told = refusals = 0
    for design, name, batch in poor_designs(60, seed=7):
        found = explain(loader(name), batch, design)
        if isinstance(found, Refused):
            refusals += 1
            told += bool(found.terms)
            assert not found.terms or sum(t.total for t in found.terms) == found.refusal.demand
    assert told > 0.9 * refusals


def test_the_terms_name_buffers_and_their_sizes():
    design = replace(load_design("edge_tpu_v1"), pe_memory_bytes=512)
    found = explain(loader("mobilenet_v1_0.25_128"), 1, design)
    assert found.refusal.resource == "pe_memory"
    kinds = {term.what.split(",")[0] for term in found.terms}
    assert kinds <= {"stream in", "stream out", "tensor", "copy", "partial sums"}
    assert all(term.bytes > 0 and "rows" in term.shape for term in found.terms)


@pytest.mark.parametrize("design", corner_designs(), ids=lambda design: design.name)
@pytest.mark.parametrize("batch", [1, 7, 256])
def test_the_ends_of_the_space_have_an_answer(design, batch):
    for name in ("mobilenet_v2_0.35_96", "gemm:3x5000x70"):
        found = explain(loader(name), batch, design)
        if isinstance(found, Refused):
            check_levers(name, found)


def test_a_row_that_fits_no_design_of_its_kind_has_pairs_or_more():
    """Every memory is short, so that no single change is enough."""
    least = dict.fromkeys(MEMORIES[:2], 64) | {"instruction_memory_bytes": 512}
    design = replace(load_design("edge_tpu_v1"), **least)
    found = explain(loader("conv:40x4000x64x70x3x1"), 1, design)
    assert isinstance(found, Refused)
    assert min(len(lever.changes) for lever in found.levers) > 1
    check_levers("conv:40x4000x64x70x3x1", found)


def test_where_it_fits_shares_and_steps_are_those_of_runs():
    found = explain(loader("mobilenet_v1_0.25_128"), 1, load_design("edge_tpu_v1"))
    assert isinstance(found, Bounded)
    assert sum(found.shares.values()) == pytest.approx(1)
    ratios = [step.latency_ratio for step in found.steps if step.reason is None]
    assert ratios == sorted(ratios)
    for step in found.steps[:3]:
        design = replace(found.accelerator, **{step.parameter: step.after})
        cycles = apollo.evaluate("mobilenet_v1_0.25_128", design).metrics.warm_cycles
        assert step.latency_ratio == cycles / found.measurement.metrics.warm_cycles


def test_a_systolic_design_has_levers_too():
    design = replace(load_design("tpu_v1"), pe_memory_bytes=20_000)
    found = explain(loader("tpu_mlp0"), 8, design)
    assert isinstance(found, Refused)
    assert found.levers
    check_levers("tpu_mlp0", found)
