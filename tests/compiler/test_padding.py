"""Padding along any dimension, the batch as well, in units of the result, bit for bit."""

import random
from dataclasses import replace

import pytest

from apollo.arch.accelerator import load_design
from apollo.compiler.errors import DoesNotFit
from apollo.workloads.graph import Graph, GraphBuilder, Tensor
from apollo.workloads.integer import run
from apollo.workloads.operators import Pad, Reshape, Unary, UnaryKind
from apollo.workloads.quantization import Quantization
from tests.compiler.execution import check
from tests.compiler.models import random_inputs, random_model
from tests.compiler.random_graphs import tiny_design
from tests.compiler.systolic import nests as arrays

COUNT = 30
EDGE = load_design("edge_tpu_v1")


def random_padding(seed: int) -> Graph:
    rng = random.Random(seed)
    shape = tuple(rng.randint(1, 4) for _ in range(rng.choice((1, 2, 3, 3, 4, 4, 5))))
    before, after = (tuple(rng.choice((0, 0, 1, 5 - len(shape))) for _ in shape) for _ in range(2))
    builder = GraphBuilder("padding", [Tensor("x", shape)])
    builder.add(Unary("function", ("x",), "u", UnaryKind.TANH))
    value = rng.choice((0.0, 0.3, -9.0))
    return builder.build([builder.add(Pad("pad", ("u",), "y", before, after, value))])


def models():
    """Every other one in units of its own."""
    for seed in range(COUNT):
        model = random_model(random_padding(seed), seed)
        if seed % 2:
            rules = {**model.quantization, "y": Quantization((0.1,), (seed - 20,))}
            model = replace(model, quantization=rules)
        yield seed, model


def test_on_tiny_designs():
    fitting = 0
    for seed, model in models():
        try:
            check(model, tiny_design(seed), seed)
            fitting += 1
        except DoesNotFit:
            continue
    assert fitting > COUNT / 2


def test_on_an_array():
    for seed, model in models():
        if seed % 3 == 0:
            arrays.check(model, arrays.GEMMINI, seed)


def test_a_batch_gets_images_on_both_sides():
    builder = GraphBuilder("images", [Tensor("x", (2, 3, 4, 5))])
    builder.add(Unary("function", ("x",), "u", UnaryKind.TANH))
    builder.add(Pad("pad", ("u",), "y", (3, 0, 1, 0), (1, 0, 0, 0), 0.5))
    model = random_model(builder.build(["y"]), 2)
    found = run(model, random_inputs(model.graph, 0))["y"]
    assert found.shape == (6, 3, 5, 5)
    assert len({*found[:3].ravel(), *found[5].ravel()}) == 1
    compiled = check(model, EDGE)
    # Rows, the images, two at a time before them, and one behind.
    assert len(compiled.network.nests) == 1 + 1 + 1 + 2 + 1


def test_items_of_a_batch_that_are_images_of_one_position_get_more():
    builder = GraphBuilder("items", [Tensor("x", (2, 3, 1, 1))])
    builder.add(Unary("function", ("x",), "u", UnaryKind.TANH))
    builder.add(Reshape("flat", ("u",), "flat", (2, 3)))
    builder.add(Pad("pad", ("flat",), "y", (1, 0), (2, 1)))
    check(random_model(builder.build(["y"]), 2), EDGE)


def test_a_number_beyond_the_range_of_what_is_padded_is_kept():
    builder = GraphBuilder("beyond", [Tensor("x", (1, 2, 2, 2))])
    builder.add(Pad("pad", ("x",), "y", (0, 0, 1, 1), (0, 0, 1, 1), 5.0))
    graph = builder.build(["y"])
    rules = {"x": Quantization((1 / 128,), (0,)), "y": Quantization((1 / 16,), (0,))}
    model = replace(random_model(graph, 0), quantization=rules)
    assert run(model, random_inputs(graph, 0))["y"].max() == 5 * 16
    check(model, EDGE)


@pytest.mark.parametrize("amounts", [((1, 0), (0, 2)), ((0, 1), (0, 4)), ((1, 1), (3, 1))])
def test_elements_of_16_bits(amounts):
    graph = GraphBuilder("wide", [Tensor("x", (2, 3))])
    graph.add(Pad("pad", ("x",), "y", *amounts, 0.75))
    wide = Quantization((2.0**-12,), (5,), bits=16)
    model = replace(random_model(graph.build(["y"]), 0), quantization={"x": wide, "y": wide})
    check(model, EDGE)
    arrays.check(model, arrays.GEMMINI)
