"""A batch in passes of some images: bit for bit, and earlier where it does not fit as a whole."""

from dataclasses import replace

import numpy as np
import pytest

from apollo.arch.accelerator import load_design
from apollo.compiler.errors import DoesNotFit
from apollo.compiler.lower import lower
from apollo.compiler.mapping import Mapper, units_of
from apollo.compiler.options import USUAL
from apollo.compiler.passes import in_passes, pass_by_pass
from apollo.compiler.pipeline import compile_network
from apollo.compiler.tables import Map, Nest, TensorColumn
from apollo.simulator.engine import simulate
from apollo.workloads.catalogue import load
from apollo.workloads.graph import GraphBuilder, Tensor
from apollo.workloads.operators import (
    Binary,
    BinaryKind,
    Convolution,
    FullyConnected,
    Pool,
    PoolKind,
    Unary,
    UnaryKind,
)
from tests.compiler.execution import check
from tests.compiler.models import random_model
from tests.compiler.random_graphs import random_graph, tiny_design

EDGE = load_design("edge_tpu_v1")


def graph_of(batch: int):
    """Margins, a skip, an output inside and one at the end."""
    builder = GraphBuilder("passes", [Tensor("x", (batch, 3, 24, 24))])
    builder.add(Convolution("first", ("x",), "a", 24, (3, 3), padding=(1, 1, 1, 1), bias=True))
    builder.add(Convolution("second", ("a",), "b", 24, (3, 3), padding=(1, 1, 1, 1), bias=True))
    builder.add(Binary("sum", ("a", "b"), "c", BinaryKind.ADD))
    builder.add(Unary("function", ("c",), "d", UnaryKind.TANH))
    builder.add(Pool("pool", ("d",), "e", PoolKind.AVERAGE, (24, 24)))
    builder.add(FullyConnected("dense", ("e",), "y", 10, bias=True))
    return builder.build(["d", "y"])


@pytest.mark.parametrize("seed", range(3))
def test_a_batch_that_does_not_fit_goes_in_passes(seed):
    design = replace(EDGE, pes_x=2, pes_y=1, pe_memory_bytes=1 << 17)
    compiled = check(random_model(graph_of(12), seed), design, seed)
    assert compiled.network.layer_names[0] == "first 1/3"


def test_random_batches_in_passes_compute_the_same(monkeypatch):
    """Also where all images would fit, and one pass has more of them than others."""
    monkeypatch.setattr("apollo.compiler.pipeline.pass_by_pass", _always)
    seen = 0
    for seed in range(40):
        graph = random_graph(seed)
        model = random_model(graph, seed)
        try:
            compiled = check(model, tiny_design(seed), seed)
        except DoesNotFit:
            continue
        except ValueError as error:
            if " has no lowering" in str(error):
                continue
            raise
        seen += compiled.network.batch > 2 and "/" in compiled.network.layer_names[0]
    assert seen > 2


def _always(mapper, network, forced, whole):
    count = max(1, network.batch - 1)
    cut = in_passes(network, count)
    return whole if cut is None else mapper.cheapest(cut, np.tile(forced, (count, 1)))


def test_a_pass_has_its_images_of_what_is_in_dram():
    network = lower(graph_of(6))
    cut = in_passes(network, 3)
    assert cut is not None
    assert (cut.nests[:, Nest.IMAGES] == 2).all()
    views = cut.tensors[cut.tensors[:, TensorColumn.ALIAS] == network.numbers["x"]]
    assert views[:, TensorColumn.ALIAS_IMAGE].tolist() == [0, 2, 4]
    uneven = in_passes(network, 4)
    assert uneven is not None
    assert uneven.nests[:: len(network.nests), Nest.IMAGES].tolist() == [1, 2, 1, 2]
    assert in_passes(network, 7) is None
    assert in_passes(lower(load("transformer_encoder_tiny_4", batch=2)), 2) is None


def test_what_fits_or_is_fixed_stays_as_it_is():
    network = lower(graph_of(2))
    mapper, forced = Mapper(EDGE, units_of(EDGE), 1), USUAL.forced(network)
    whole = mapper.cheapest(network, forced)
    assert pass_by_pass(mapper, network, forced, whole) is whole
    forced[0, Map.STRIPS] = 1
    mapping = whole.mapping.copy()
    mapping[:, Map.STRIPS] = 2
    slow = whole._replace(mapping=mapping, end=1 << 60)
    assert pass_by_pass(mapper, network, forced, slow) is slow


def test_a_large_batch_takes_no_longer_an_image_than_a_small_one():
    cycles = {}
    for batch in (16, 256):
        compiled = compile_network(lower(load("mobilenet_v2", batch=batch)), EDGE)
        cycles[batch] = simulate(compiled.cold, EDGE).latency_cycles / batch
    assert cycles[256] < cycles[16]
