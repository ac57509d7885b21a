"""Operators that move or reduce, on tensors of two to five dimensions: bit for bit."""

import random

import pytest

from apollo.compiler.errors import DoesNotFit
from apollo.workloads.graph import Graph, GraphBuilder, Tensor
from apollo.workloads.operators import (
    Concat,
    Operator,
    Pad,
    Reduce,
    ReduceKind,
    Slice,
    Split,
    Transpose,
    Unary,
    UnaryKind,
)
from tests.compiler.execution import check
from tests.compiler.models import random_model
from tests.compiler.random_graphs import tiny_design

COUNT = 40
Shape = tuple[int, ...]


def cut(rng: random.Random, shape: Shape) -> Operator:
    """Along any dimension."""
    axis = rng.randrange(len(shape))
    start = rng.randrange(shape[axis])
    return Slice("op", ("u",), "o", (axis,), (start,), (rng.randint(start + 1, shape[axis]),))


def joined(rng: random.Random, shape: Shape) -> Operator:
    """Twice the same, along any dimension."""
    return Concat("op", ("u", "u"), "o", rng.randrange(len(shape)))


def parts(rng: random.Random, shape: Shape) -> Operator:
    """Two parts of any dimension, or one that is all of it; the last is asked for."""
    axis = rng.randrange(len(shape))
    size = rng.randint(0, shape[axis] - 1)
    sizes = tuple(each for each in (size, shape[axis] - size) if each)
    names = ("first", "o")[-len(sizes) :]
    return Split("op", ("u",), names[0], sizes, names[1:], axis)


def reduction(rng: random.Random, shape: Shape) -> Operator:
    """Over any dimension."""
    axis = rng.randrange(int(len(shape) > 3), len(shape))
    keep = len(shape) < 3 or rng.random() < 0.5
    return Reduce("op", ("u",), "o", rng.choice(list(ReduceKind)), (axis,), keep)


def transposition(rng: random.Random, shape: Shape) -> Operator:
    """Of all dimensions, the batch as well."""
    return Transpose("op", ("u",), "o", tuple(rng.sample(range(len(shape)), len(shape))))


def padding(rng: random.Random, shape: Shape) -> Operator:
    """Of the last dimension; of images of all but the batch."""
    pads = [[0] * len(shape), [0] * len(shape)]
    for side in pads:
        for axis in range(1 if len(shape) > 3 else len(shape) - 1, len(shape)):
            side[axis] = rng.randint(0, 3)
    return Pad("op", ("u",), "o", tuple(pads[0]), tuple(pads[1]))


def graph_of(make, ranks: tuple[int, ...], seed: int) -> Graph:
    rng = random.Random(seed)
    shape = tuple(rng.randint(1, 6) for _ in range(rng.choice(ranks)))
    builder = GraphBuilder("ranks", [Tensor("x", shape)])
    builder.add(Unary("function", ("x",), "u", UnaryKind.TANH))
    builder.add(make(rng, shape))
    return builder.build(["o"])


@pytest.mark.parametrize(
    ("make", "ranks"),
    [
        (cut, (2, 3, 4, 5)),
        (joined, (2, 3, 4, 5)),
        (parts, (2, 3, 4, 5)),
        (reduction, (2, 3, 4)),
        (transposition, (2, 3, 4, 5)),
        (padding, (2, 3, 4)),
    ],
    ids=["cut", "joined", "parts", "reduction", "transposition", "padding"],
)
def test_every_rank_on_tiny_designs(make, ranks):
    fitting = 0
    for seed in range(COUNT):
        try:
            check(random_model(graph_of(make, ranks, seed), seed), tiny_design(seed), seed)
            fitting += 1
        except DoesNotFit:
            continue
    assert fitting > COUNT / 2
