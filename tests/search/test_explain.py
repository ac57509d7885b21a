"""Explanations are true: whatever is said to help is run again here, and so is a step less."""

import random
from dataclasses import replace

import pytest

import apollo
from apollo.arch.accelerator import load_design
from apollo.arch.space import SIZE, accelerator_at
from apollo.compiler.demand import terms_of
from apollo.compiler.errors import DoesNotFit
from apollo.compiler.options import USUAL, Options
from apollo.compiler.pipeline import compile_network
from apollo.compiler.tables import Form
from apollo.search.explain import Bounded, Refused, explain, mode_levers
from apollo.search.levers import BATCH, FORM, STATES, changed, ladders_of
from apollo.search.workload import Workload
from apollo.workloads.catalogue import load_model
from apollo.workloads.sparsity import masks_at
from tests.compiler.checks import corner_designs, odd_graph

NETWORKS = ("mobilenet_v1_0.25_128", "mobilenet_v2_0.35_96", "gemm:40x300x77", "odd")
MEMORIES = ("pe_memory_bytes", "core_memory_bytes", "instruction_memory_bytes")


def loader(name):
    def load(batch):
        graph = odd_graph().with_batch(batch) if name == "odd" else apollo.load(name, batch)
        return Workload(graph)

    return load


def fits(name, design, batch, values):
    options = Options(states=values.get(STATES, USUAL.states))
    machine = {parameter: value for parameter, value in values.items() if parameter != STATES}
    try:
        apollo.compile(
            loader(name)(values.get(BATCH, batch)).graph, changed(design, machine), options=options
        )
    except (DoesNotFit, ValueError):
        return False
    return True


def step_less(design, batch, change):
    """The value one step nearer to the design's own."""
    if change.parameter == BATCH:
        return change.after + 1 if change.steps == batch - change.after else 2 * change.after
    if change.parameter == STATES:
        return change.after // 2 if change.after > change.before else change.after + 1
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


def test_terms_are_left_out_where_granting_leads_to_what_no_design_has():
    """With more instruction memory the batch would want more DRAM than there are addresses."""
    lowered, least = loader("resnet50")(256).lowered(), corner_designs()[0]
    with pytest.raises(DoesNotFit) as caught:
        compile_network(lowered, least)
    assert caught.value.resource == "instruction_memory"
    assert terms_of(lowered, least, caught.value) == ()


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


def test_pruned_layers_may_be_computed_in_another_way():
    """A mode is said to help only where it does."""
    model = load_model("mobilenet_v1_0.25_128")
    workload = Workload(model.graph, masks_at(model, 0.9))
    network = workload.lowered()
    modes = set[int]()
    for bytes_of_core in range(200, 700, 20):
        design = replace(load_design("edge_tpu_v1"), core_memory_bytes=bytes_of_core)
        for lever in mode_levers(network, design)[1]:
            for change in lever.changes:
                if change.parameter == FORM:
                    modes.add(change.after)
                    options = Options(sparse=change.after == Form.SPARSE)
                    compile_network(network, design, options)
    assert modes


def test_a_systolic_design_has_levers_too():
    design = replace(load_design("tpu_v1"), pe_memory_bytes=1000)
    found = explain(loader("tpu_mlp0"), 8, design)
    assert isinstance(found, Refused)
    assert found.levers
    check_levers("tpu_mlp0", found)
