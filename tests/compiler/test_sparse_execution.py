"""Programs with sparse convolutions give the integers of the pruned model: bit for bit."""

from collections import Counter

import numpy as np
import pytest

from apollo.arch.accelerator import lane_presets, load_design
from apollo.arch.isa import Opcode
from apollo.compiler.lower import lower
from apollo.compiler.options import Options
from apollo.compiler.pack import pack
from apollo.compiler.pipeline import compile_network
from apollo.simulator import reference
from apollo.simulator.engine import simulate
from apollo.workloads.catalogue import load
from apollo.workloads.model import Model, Rounding
from apollo.workloads.sparsity import masks_of, prune, with_masks
from tests.compiler.checks import random_designs
from tests.compiler.execution import check, seen_of
from tests.compiler.models import random_inputs, random_model, without_normalizations
from tests.compiler.random_graphs import random_graph, tiny_design
from tests.compiler.sparse_models import random_masked
from tests.simulator.agreement import differing_columns

FEW, MANY = 60, 1000
EXPECTED = {
    *("CONVOLVE", "CONVOLVE_SPARSE", "sparse", "resident", "channel tiles", "row tiles", "images"),
    *(f"{axis} over {what}" for axis in "xy" for what in ("ROWS", "COLUMNS", "CHANNELS")),
    *("cores over ROWS", "cores over CHANNELS"),
}
CHOICES = (Options(), Options(sparse=True))


def check_sparse(model: Model, design, seed=0, options=CHOICES[0]):
    return check(model, design, seed, masks=masks_of(model), options=options)


def of_seed(seed: int) -> Counter[str]:
    """A random pruned network on a tiny design; what the mapping of its sparse nests has."""
    rounding = Rounding.TFLITE if seed % 3 == 0 else Rounding.ONCE
    model = random_masked(random_model(random_graph(seed), seed, rounding), seed)
    options = CHOICES[seed % 2]
    found = seen_of(lambda: check_sparse(model, tiny_design(seed), seed, options))
    return found if found["sparse"] else Counter()


@pytest.mark.parametrize("count", [FEW, pytest.param(MANY, marks=pytest.mark.slow)])
def test_random_masked_networks_on_tiny_designs(count):
    seen: Counter[str] = Counter()
    for seed in range(count):
        seen += of_seed(seed)
    assert not EXPECTED - set(seen)


LAYERS = (
    "conv:9x9x40x50x1x1",
    "conv:15x15x24x40x3x2",
    "conv:7x8x700x5x1x1",  # gaps above 255
    "gemm:3x900x70",
    "conv:12x12x3x130x5x1",
)


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("rounding", Rounding)
def test_layers_of_every_density_on_presets_and_random_designs(name, rounding):
    model = random_model(load(name), 1, rounding)
    designs = [*lane_presets(), *random_designs(3, seed=17)]
    for seed, design in enumerate(designs):
        compiled = check_sparse(random_masked(model, seed), design, seed, Options(sparse=True))
        assert Opcode.CONVOLVE_SPARSE in compiled.cold.opcode
        assert Opcode.CONVOLVE not in compiled.cold.opcode


@pytest.mark.parametrize("keeps", [False, True])
def test_all_weights_or_none(keeps):
    model = random_model(load("conv:9x9x300x37x1x1"), 2)
    masks = {key: np.full(mask.shape, keeps) for key, mask in masks_of(model).items()}
    for design in lane_presets():
        check_sparse(with_masks(model, masks), design, 0, Options(sparse=True))


def test_a_single_weight_behind_several_bridges():
    model = random_model(load("conv:5x5x1200x3x1x1"), 2)
    (key,) = (key for key in masks_of(model) if key[1] == "weight")
    mask = np.zeros((3, 1200, 1, 1), np.bool_)
    mask[1, 1199] = mask[2, 0] = mask[2, 600] = True
    for design in lane_presets():
        check_sparse(with_masks(model, {key: mask}), design, 0, Options(sparse=True))


@pytest.mark.parametrize("sparsity", [0.5, 0.9])
def test_a_pruned_mobilenet(sparsity):
    graph = without_normalizations(load("mobilenet_v2_0.35_96"))
    model = prune(random_model(graph, 1), sparsity)
    for design in [*lane_presets(), *random_designs(2, seed=5)]:
        check_sparse(model, design)


def test_sparse_programs_take_the_same_cycles_in_the_reference():
    for name in LAYERS:
        model = random_masked(random_model(load(name), 1), 3)
        network = lower(model.graph, masks=masks_of(model))
        for design in [load_design("edge_tpu_v3"), *random_designs(2, seed=11)]:
            program = compile_network(network, design, Options(sparse=True)).cold
            expected = reference.simulate(program, design)
            assert differing_columns(simulate(program, design), expected) == []


def test_masks_of_another_model_are_refused():
    model = random_model(load("gemm:3x90x7"), 1)
    sparse = prune(model, 0.7)
    network = lower(model.graph, model, masks_of(sparse))
    design = load_design("edge_tpu_v3")
    compiled = compile_network(network, design, Options(sparse=True))
    with pytest.raises(
        ValueError,
        match=r"^The weights of 'gemm' have \d+ non-zeros, but it was compiled for 189\.$",
    ):
        pack(compiled, model, random_inputs(model.graph, 0))
