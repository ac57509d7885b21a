"""Operators that become several: on tensors of all ranks, bit for bit."""

import random
from collections.abc import Callable

import pytest

from apollo.compiler.errors import DoesNotFit
from apollo.compiler.legalize import legalize
from apollo.compiler.lower import lower
from apollo.workloads.graph import Graph, GraphBuilder, Tensor
from apollo.workloads.operators import (
    Binary,
    BinaryKind,
    LayerNormalization,
    MatMul,
    Operator,
    PReLU,
    Reduce,
    ReduceKind,
    Slice,
    Softmax,
    Unary,
    UnaryKind,
)
from tests.compiler.execution import check
from tests.compiler.models import random_model
from tests.compiler.random_graphs import tiny_design

COUNT = 50
Shape = tuple[int, ...]
Make = Callable[[random.Random, GraphBuilder], Operator]


def given(rng: random.Random, builder: GraphBuilder, name: str, shape: Shape) -> str:
    """A tensor that the network computes."""
    del rng
    builder.add(Unary(f"{name}/function", (name,), f"{name}/u", UnaryKind.TANH))
    assert builder.shape(f"{name}/u") == shape
    return f"{name}/u"


def shape_of(rng: random.Random, *ranks: int) -> Shape:
    return tuple(rng.randint(1, 5) for _ in range(rng.choice(ranks)))


def of_one(make: Callable[[random.Random, str, Shape], Operator], *ranks: int):
    def graph(rng: random.Random) -> Graph:
        shape = shape_of(rng, *ranks)
        builder = GraphBuilder("legal", [Tensor("x", shape)])
        source = given(rng, builder, "x", shape)
        return builder.build([builder.add(make(rng, source, shape))])

    return graph


def softmax(rng: random.Random, source: str, shape: Shape) -> Operator:
    return Softmax("op", (source,), "o", rng.randrange(len(shape)))


def reduction(rng: random.Random, source: str, shape: Shape) -> Operator:
    axes = rng.sample(range(len(shape)), rng.randint(1, len(shape) - 1))
    kind = rng.choice(list(ReduceKind))
    return Reduce("op", (source,), "o", kind, tuple(axes), rng.random() < 0.5)


def normalization(rng: random.Random, source: str, shape: Shape) -> Operator:
    del rng
    return LayerNormalization("op", (source,), "o", shape[-1])


def slopes(rng: random.Random, source: str, shape: Shape) -> Operator:
    del rng
    return PReLU("op", (source,), "o", shape[1])


def steps(rng: random.Random, source: str, shape: Shape) -> Operator:
    axes = rng.sample(range(len(shape)), rng.randint(1, 2))
    starts = [rng.randrange(shape[axis]) for axis in axes]
    stops = [rng.randint(start + 1, shape[a]) for start, a in zip(starts, axes, strict=True)]
    each = tuple(rng.randint(1, 3) for _ in axes)
    return Slice("op", (source,), "o", tuple(axes), tuple(starts), tuple(stops), each)


def matrices(rng: random.Random) -> Graph:
    """Products where one operand has fewer matrices, or the left ones are turned."""
    rows, inner, columns = (rng.randint(1, 5) for _ in range(3))
    leading = (1, rng.randint(1, 3))
    turned = rng.random() < 0.5
    left = (*rng.choice([leading, (1, 1)]), *((inner, rows) if turned else (rows, inner)))
    transposed = rng.random() < 0.5
    right = (
        *rng.choice([leading, (1, 1)]),
        *((columns, inner) if transposed else (inner, columns)),
    )
    builder = GraphBuilder("legal", [Tensor("x", left), Tensor("y", right)])
    operands = given(rng, builder, "x", left), given(rng, builder, "y", right)
    options = {"transpose_left": turned, "transpose_right": transposed}
    return builder.build([builder.add(MatMul("op", operands, "o", **options))])


def outer(rng: random.Random) -> Graph:
    """Both operands are stretched."""
    shape = shape_of(rng, 2, 3, 4)
    keep = [rng.random() < 0.5 for _ in shape]
    left = (1, *(n if kept else 1 for n, kept in zip(shape[1:], keep[1:], strict=True)))
    right = (1, *(1 if kept else n for n, kept in zip(shape[1:], keep[1:], strict=True)))
    builder = GraphBuilder("legal", [Tensor("x", left), Tensor("y", right)])
    operands = given(rng, builder, "x", left), given(rng, builder, "y", right)
    kind = rng.choice([BinaryKind.ADD, BinaryKind.MULTIPLY, BinaryKind.SUBTRACT])
    return builder.build([builder.add(Binary("op", operands, "o", kind))])


def batched(rng: random.Random) -> Graph:
    """One operand, stored or not, lacks some dimensions of the other; there is a batch."""
    shape = tuple(rng.randint(2, 4) for _ in range(rng.choice((3, 5))))
    lacks = [rng.random() < 0.5 for _ in shape]
    lacks[-1] = lacks[-2] if len(shape) > 4 else lacks[-1]
    small = tuple(1 if lack else size for size, lack in zip(shape, lacks, strict=True))
    builder = GraphBuilder("legal", [Tensor("x", shape), Tensor("y", small)])
    operands = given(rng, builder, "x", shape), given(rng, builder, "y", small)
    kind = rng.choice([BinaryKind.ADD, BinaryKind.MULTIPLY, BinaryKind.MAXIMUM])
    if rng.random() < 0.5:
        operator = Binary("op", operands[:1], "o", kind, small)
    else:
        order = operands if rng.random() < 0.5 else operands[::-1]
        operator = Binary("op", order, "o", kind)
    return builder.build([builder.add(operator)])


GRAPHS = {
    "softmax": of_one(softmax, 2, 3, 4),
    "reduction": of_one(reduction, 2, 3, 4),
    "normalization": of_one(normalization, 4, 5),
    "slopes": of_one(slopes, 3, 5),
    "steps": of_one(steps, 2, 3, 4),
    "matrices": matrices,
    "outer": outer,
    "batched": batched,
}


@pytest.mark.parametrize("name", GRAPHS)
def test_they_compute_what_the_operator_means(name: str) -> None:
    fitting = changed = 0
    for seed in range(COUNT):
        graph = GRAPHS[name](random.Random(seed))
        model = random_model(graph, seed)
        changed += legalize(graph, model)[0] is not graph
        try:
            check(model, tiny_design(seed), seed)
        except DoesNotFit:
            continue
        fitting += 1
    assert fitting > COUNT / 3
    assert changed > 1


def test_what_has_a_lowering_stays() -> None:
    builder = GraphBuilder("legal", [Tensor("x", (1, 4, 5, 6))])
    graph = builder.build([builder.add(Softmax("op", ("x",), "o", 1))])
    assert legalize(graph, None) == (graph, None)


def test_names_of_the_graph_stay() -> None:
    builder = GraphBuilder("legal", [Tensor("x", (1, 4, 5, 6))])
    graph = builder.build([builder.add(Softmax("op", ("x",), "o", 2))])
    legal, _ = legalize(graph, None)
    assert legal.inputs == ("x",)
    assert legal.outputs == ("o",)
    assert legal.tensor("o") == graph.tensor("o")
    assert [type(each).__name__ for each in legal.operators] == [
        "Transpose",
        "Reshape",
        "Softmax",
        "Reshape",
        "Transpose",
    ]
    assert "o" in lower(graph).numbers
