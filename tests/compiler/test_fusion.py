"""Segments that the compiler cuts into strips by itself, and those that somebody asks for."""

from dataclasses import replace

import numpy as np
import pytest

from apollo.arch.accelerator import lane_presets, load_design
from apollo.compiler.bound import bound
from apollo.compiler.demand import terms_of
from apollo.compiler.dump.artifacts import artifacts
from apollo.compiler.errors import DoesNotFit
from apollo.compiler.memory_map import memory_map
from apollo.compiler.network import origins_of
from apollo.compiler.options import Fixed, Options
from apollo.compiler.pipeline import compile_network
from apollo.compiler.tables import Map
from apollo.compiler.verify import verify
from apollo.search.measure import measure
from apollo.workloads.catalogue import load
from tests.compiler.checks import network
from tests.compiler.execution import check
from tests.compiler.models import random_model

NETWORK = "mobilenet_v2_0.35_96"
SMALL = replace(load_design("edge_tpu_v2"), name="small", pes_x=1, pes_y=2, pe_memory_bytes=1 << 16)
WHOLE = Options(fixed=(Fixed.of("*:strips=1"),))


def spilled(compiled) -> int:
    """Bytes of tensors that go by way of DRAM."""
    return sum(tensor.bytes for tensor in memory_map(compiled).stored if tensor.spilled)


def test_what_would_be_put_out_runs_in_strips():
    whole, strips = (compile_network(network(NETWORK), SMALL, o) for o in (WHOLE, Options()))
    verify(strips)
    assert whole.network is network(NETWORK)
    assert spilled(strips) < spilled(whole)
    cut = strips.mapping[:, Map.STRIPS] > 0
    origins = origins_of(strips.network)
    assert cut.any()
    assert (np.bincount(origins[cut])[origins[cut]] == strips.mapping[cut, Map.STRIPS]).all()


def test_strips_take_fewer_cycles_and_bytes():
    whole, strips = (measure(network(NETWORK), SMALL, o).metrics for o in (WHOLE, Options()))
    assert strips.cycles < whole.cycles
    assert strips.warm_cycles < whole.warm_cycles
    assert sum(strips.dram_bytes.values()) < sum(whole.dram_bytes.values())
    limits = bound(network(NETWORK), SMALL)
    assert strips.cycles >= limits.cold
    assert strips.warm_cycles >= limits.warm


@pytest.mark.parametrize("design", lane_presets(), ids=lambda design: design.name)
def test_what_is_not_put_out_runs_as_a_whole(design):
    compiled = compile_network(network(NETWORK), design)
    assert compiled.network is network(NETWORK)
    assert not compiled.mapping[:, Map.STRIPS].any()


def test_strips_compute_what_the_model_means():
    compiled = check(random_model(load(NETWORK), seed=1), SMALL)
    assert compiled.mapping[:, Map.STRIPS].any()


@pytest.mark.parametrize("design", [SMALL, load_design("edge_tpu_v1")], ids=["small", "v1"])
def test_strips_can_be_asked_for(design):
    fixed = Options(fixed=(Fixed.of("block2/*:strips=3"),))
    compiled = compile_network(network(NETWORK), design, fixed)
    verify(compiled)
    names = np.array(network(NETWORK).layer_names)[origins_of(compiled.network)]
    asked = np.array([name.startswith("block2/") for name in names])
    assert (compiled.mapping[asked, Map.STRIPS] == 3).all()
    assert compiled.network.layer_names.count("block2/depthwise 2/3") == 1
    assert artifacts(load(NETWORK), compiled)["04_mapping.txt"].count(" strips=3\n") == asked.sum()


def test_what_cannot_run_in_strips_is_refused():
    sentence = "Layers 'stem' to 'stem' cannot run in strips of rows."
    with pytest.raises(ValueError, match=sentence):
        compile_network(network(NETWORK), SMALL, Options(fixed=(Fixed.of("stem:strips=2"),)))
    sentence = f"Network '{network(NETWORK).name}' has a layer with too few rows for its strips."
    fixed = Options(fixed=(Fixed.of("block2/*:strips=999"),))
    with pytest.raises(ValueError, match=sentence):
        compile_network(network(NETWORK), SMALL, fixed)


def test_a_refusal_of_strips_counts_no_nests():
    """The numbers of nests are those of the network that is cut: no term may be told by them."""
    tiny = replace(SMALL, name="tiny", core_memory_bytes=1 << 9)
    fixed = Options(fixed=(Fixed.of("block2/*:strips=2"),))
    with pytest.raises(DoesNotFit) as refusal:
        compile_network(network(NETWORK), tiny, fixed)
    assert refusal.value.nest is None
    assert terms_of(network(NETWORK), tiny, refusal.value) == ()
