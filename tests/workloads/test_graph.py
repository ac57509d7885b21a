from dataclasses import replace

import pytest

from apollo.workloads.graph import Graph, GraphBuilder, Layer, Tensor
from apollo.workloads.operators import (
    BatchNormalization,
    Binary,
    BinaryKind,
    Concat,
    Convolution,
    Reshape,
    Transpose,
    Unary,
    UnaryKind,
)


def relu(name, source, output):
    return Unary(name, (source,), output, UnaryKind.RELU)


def builder():
    return GraphBuilder("net", [Tensor("x", (1, 3, 8, 8))])


def normalized(outputs=("n",), bias=False):
    """x -> convolution c -> normalisation n"""
    build = builder()
    build.add(Convolution("conv", ("x",), "c", 4, (3, 3), bias=bias))
    build.add(BatchNormalization("norm", ("c",), "n", 4))
    return build.build(outputs)


def residual():
    build = builder()
    build.add(relu("a", "x", "a_out"))
    build.add(relu("b", "a_out", "b_out"))
    build.add(Binary("sum", ("a_out", "b_out"), "y", BinaryKind.ADD))
    return build.build(["y"])


def test_producers_consumers_and_tensors():
    graph = residual()
    assert graph.tensor("y") == Tensor("y", (1, 3, 8, 8))
    assert graph.producer("x") is None
    assert graph.producer("a_out").name == "a"
    assert [item.name for item in graph.consumers("a_out")] == ["b", "sum"]
    assert graph.consumers("y") == ()
    assert graph.batch == 1


def test_a_tensor_read_twice_by_one_operator_has_one_consumer():
    build = builder()
    build.add(Binary("double", ("x", "x"), "y", BinaryKind.ADD))
    assert len(build.build(["y"]).consumers("x")) == 1


@pytest.mark.parametrize("bias", [False, True])
def test_a_normalisation_folds_into_the_convolution_before_it(bias):
    graph = normalized(bias=bias)
    assert graph.folded == {"norm": "conv"}
    assert graph.weights == 4 * 3 * 9
    assert graph.biases == (4 if bias else 0)
    assert graph.normalized_channels == 4
    assert graph.parameters == 4 * 3 * 9 + 4
    assert graph.macs == 4 * 3 * 9 * 36


def test_a_normalisation_does_not_fold_where_the_convolution_is_read_elsewhere():
    graph = normalized(outputs=("c", "n"))
    assert graph.folded == {}
    assert graph.parameters == 4 * 3 * 9 + 8


def test_layer_rows_sum_to_the_network():
    graph = normalized()
    assert graph.layers == (
        Layer("conv", "Convolution", (1, 4, 6, 6), 3888, 112, 144, 144),
        Layer("norm", "BatchNormalization", (1, 4, 6, 6), 0, 0, 144, 144),
    )
    assert sum(layer.macs for layer in graph.layers) == graph.macs
    assert sum(layer.parameters for layer in graph.layers) == graph.parameters


def test_another_batch_multiplies_work_and_keeps_parameters():
    graph = normalized()
    larger = graph.with_batch(4)
    assert larger.tensor("n").shape == (4, 4, 6, 6)
    assert (larger.macs, larger.parameters) == (4 * graph.macs, graph.parameters)
    assert larger.with_batch(1) == graph
    assert graph.with_batch(1) is graph


def test_a_reshape_follows_the_batch():
    build = builder()
    build.add(Reshape("flat", ("x",), "y", (1, 192)))
    assert build.build(["y"]).with_batch(3).tensor("y").shape == (3, 192)


@pytest.mark.parametrize(
    ("operator", "label"),
    [
        (Transpose("t", ("x",), "y", (1, 0, 2, 3)), "Transpose"),
        (Reshape("t", ("x",), "y", (3, 64)), "Reshape"),
        (Concat("t", ("x", "x"), "y", 0), "Concat"),
    ],
)
def test_a_moved_batch_cannot_be_changed(operator, label):
    build = builder()
    build.add(operator)
    refused(
        lambda: build.build(["y"]).with_batch(2),
        f"Network 'net': the batch cannot be changed from 1 to 2, because {label} 't' moves it.",
    )


def refused(call, sentence):
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the whole text is compared
        call()
    assert str(caught.value) == sentence


def test_a_tensor_too_large_to_count_is_refused():
    with pytest.raises(ValueError, match=r"^Tensor 't' must have at most 281,474,976,710,656 el"):
        Tensor("t", (1, 1 << 40, 1 << 20))


def looped():
    shape = (1, 2)
    return Graph(
        "net",
        tuple(Tensor(name, shape) for name in ("x", "p", "q")),
        (
            Binary("first", ("x", "q"), "p", BinaryKind.ADD),
            relu("second", "p", "q"),
        ),
        ("x",),
        ("q",),
    )


def test_a_cycle_is_named():
    refused(looped, "Network 'net': there is a cycle second -> first -> second.")


def changed(**fields):
    return lambda: replace(residual(), **fields)


GOOD = residual()
WRONG = [
    (
        changed(operators=GOOD.operators[::-1]),
        "Network 'net': operator 'sum' must come after the producer of 'a_out'.",
    ),
    (
        changed(operators=(*GOOD.operators, relu("d", "x", "y"))),
        "Network 'net': tensor 'y' must be produced once, not 2 times.",
    ),
    (
        changed(operators=(*GOOD.operators, relu("d", "y", "x"))),
        "Network 'net': tensor 'x' must be produced once, not 2 times.",
    ),
    (
        changed(tensors=(*GOOD.tensors, Tensor("lost", (1, 1)))),
        "Network 'net': tensor 'lost' must be produced once, not never.",
    ),
    (
        changed(operators=(*GOOD.operators, relu("d", "nowhere", "z"))),
        "Network 'net': operator 'd' uses unknown tensor 'nowhere'.",
    ),
    (changed(outputs=("z",)), "Network 'net': there is no tensor 'z'."),
    (
        changed(tensors=(*GOOD.tensors, GOOD.tensors[0])),
        "Network 'net': there are 2 tensors named 'x'.",
    ),
    (
        changed(operators=(*GOOD.operators, relu("a", "x", "y"))),
        "Network 'net': there are 2 operators named 'a'.",
    ),
    (
        changed(outputs=()),
        "Network 'net': there must be at least one input, one operator and one output.",
    ),
    (
        changed(tensors=(*GOOD.tensors[:-1], Tensor("y", (1, 3, 8, 9)))),
        "Network 'net': tensor 'y' must have shape (1, 3, 8, 8), not (1, 3, 8, 9).",
    ),
    (lambda: GOOD.tensor("z"), "Network 'net': there is no tensor 'z'."),
    (lambda: GOOD.with_batch(0), "Batch must be a positive integer, not 0."),
    (
        lambda: Tensor("x", (1, 0)),
        "Tensor 'x' must have positive dimensions, not (1, 0).",
    ),
    (
        lambda: builder().add(relu("r", "y", "z")),
        "Network 'net': tensor 'y' is read before it is produced.",
    ),
]


@pytest.mark.parametrize(("call", "sentence"), WRONG)
def test_wrong_networks_are_refused_in_a_sentence(call, sentence):
    refused(call, sentence)
