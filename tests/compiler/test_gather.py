"""Entries looked up by index: ones at the places named, and a product by them, bit for bit."""

from dataclasses import replace

import numpy as np
import pytest

from apollo.arch.accelerator import load_design
from apollo.compiler.errors import DoesNotFit
from apollo.compiler.lower import lower
from apollo.compiler.tables import TensorColumn
from apollo.workloads.graph import Graph, GraphBuilder, Tensor
from apollo.workloads.integer import run
from apollo.workloads.model import Model, Rounding
from apollo.workloads.operators import (
    ArgMax,
    Concat,
    Embedding,
    Gather,
    Reshape,
    Slice,
    Split,
    TopK,
    Transpose,
    Unary,
    UnaryKind,
)
from apollo.workloads.quantization import Quantization
from tests.compiler.execution import check
from tests.compiler.models import random_model
from tests.compiler.random_graphs import tiny_design
from tests.compiler.systolic import nests as arrays
from tests.workloads.rnnt_steps import build_small, utterance_model

EDGE, OTHER = load_design("edge_tpu_v1"), load_design("edge_tpu_v3")
SHAPES = {
    "a sequence": ((1, 9, 8), 5),
    "numbers": ((1, 7), 3),
    "a batch": ((3, 6, 5), 4),
    "matrices": ((2, 5, 4, 3), 6),
    "one place": ((2, 1, 4), 3),
    "more than 8 bits name": ((1, 300, 4), 7),
}


def graph_of(shape, count) -> Graph:
    builder = GraphBuilder("gather", [Tensor("x", shape), Tensor("at", (shape[0], count))])
    builder.add(Unary("function", ("x",), "u", UnaryKind.TANH))
    return builder.build([builder.add(Gather("gather", ("u", "at"), "y"))])


def in_same_units(model: Model) -> Model:
    """Entries as they are."""
    return replace(model, quantization={**model.quantization, "y": model.quantization["u"]})


@pytest.mark.parametrize("rounding", Rounding)
@pytest.mark.parametrize(("shape", "count"), SHAPES.values(), ids=SHAPES)
def test_entries_are_those_that_indices_name(shape, count, rounding):
    model = random_model(graph_of(shape, count), 3, rounding)
    for each in (model, in_same_units(model)):
        check(each, EDGE)
    arrays.check(model, arrays.GEMMINI)


def test_on_small_designs_too():
    fitting = 0
    for seed in range(12):
        shape, count = [*SHAPES.values()][seed % len(SHAPES)]
        try:
            check(random_model(graph_of(shape, count), seed), tiny_design(seed), seed)
            fitting += 1
        except DoesNotFit:
            continue
    assert fitting > 6


def test_tensors_are_as_wide_without_numbers():
    graph = graph_of((2, 300, 4), 7)
    with_numbers = lower(graph, in_same_units(random_model(graph, 1)))
    same = [column for column in TensorColumn if column is not TensorColumn.FILL]
    assert np.array_equal(lower(graph).tensors[:, same], with_numbers.tensors[:, same])


def test_indices_may_be_cut_and_joined_by_the_host_before():
    inputs = [Tensor("x", (1, 6, 5)), Tensor("ids", (1, 4)), Tensor("more", (2, 1))]
    builder = GraphBuilder("ahead", inputs)
    builder.add(Transpose("turn", ("more",), "turned", (1, 0)))
    builder.add(Concat("join", ("ids", "turned"), "all", 1))
    builder.add(Split("split", ("all",), "first", (2, 4), ("last",), 1))
    builder.add(Slice("cut", ("last",), "some", (1,), (1,), (3,)))
    builder.add(Reshape("flat", ("first",), "flat", (2,)))
    builder.add(Embedding("embedding", ("flat",), "rows", 6, 5))
    builder.add(Unary("function", ("x",), "u", UnaryKind.TANH))
    builder.add(Gather("gather", ("u", "some"), "y"))
    model = random_model(builder.build(["rows", "y"]), 4)
    compiled = check(model, EDGE)
    assert sorted(compiled.network.prepared.values()) == ["rows", "some"]
    arrays.check(model, arrays.GEMMINI)


def test_what_the_host_chooses_it_takes():
    builder = GraphBuilder("chosen", [Tensor("x", (1, 6)), Tensor("boxes", (1, 6, 4))])
    builder.add(Unary("scores", ("x",), "scores", UnaryKind.TANH))
    builder.add(Unary("boxes", ("boxes",), "decoded", UnaryKind.TANH))
    builder.add(TopK("best", ("scores",), "values", 3, "places"))
    builder.add(Gather("take", ("decoded", "places"), "taken"))
    builder.add(ArgMax("which", ("taken",), "which", 2))
    compiled = check(random_model(builder.build(["values", "taken", "which"]), 5), EDGE)
    assert compiled.network.finished == ("best", "take", "which")


def test_an_utterance_computes_the_integers_of_the_model(monkeypatch):
    build_small(monkeypatch)
    utterance = utterance_model()
    assert sum(isinstance(item, Gather) for item in utterance.graph.operators) == 2
    check(utterance, OTHER)
    arrays.check(utterance, arrays.GEMMINI)


@pytest.mark.parametrize("index", [-1, 9])
def test_the_reference_refuses_an_index_of_no_entry(index):
    model = random_model(graph_of((1, 9, 8), 1), 0)
    given = {"x": np.zeros((1, 9, 8), np.int64), "at": np.array([[index]])}
    with pytest.raises(ValueError, match=r"^Indices of 'gather' must be in 0\.\.8\.$"):
        run(model, given)


def test_entries_of_16_bits_are_refused():
    model = random_model(graph_of((1, 9, 8), 5), 0)
    wide = Quantization((1e-3,), (0,), bits=16)
    model = replace(model, quantization={**model.quantization, "u": wide, "y": wide})
    message = r"'gather' \(Gather\) has no lowering that takes entries of 16 bits\.$"
    with pytest.raises(ValueError, match=message):
        lower(model.graph, model)


def test_more_entries_than_an_index_has_bits_for_are_refused():
    message = (
        r"^Network 'gather': operator 'gather' \(Gather\) has no lowering among more than 32,768 "
        r"entries: an index has 16 bits\.$"
    )
    with pytest.raises(ValueError, match=message):
        lower(graph_of((1, 32_769, 1), 1))


def test_indices_that_are_computed_otherwise_are_refused():
    builder = GraphBuilder("computed", [Tensor("x", (1, 9, 8)), Tensor("at", (1, 2))])
    builder.add(Unary("function", ("at",), "places", UnaryKind.ABS))
    builder.add(Gather("gather", ("x", "places"), "y"))
    message = r"\(Gather\) has no lowering with indices that the network computes\.$"
    with pytest.raises(ValueError, match=message):
        lower(builder.build(["y"]))
