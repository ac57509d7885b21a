"""What the host does before and behind a program: rows looked up, choices made."""

import pytest

from apollo.arch.accelerator import load_design
from apollo.compiler.lower import lower
from apollo.workloads.graph import GraphBuilder, Tensor
from apollo.workloads.operators import (
    ArgMax,
    Binary,
    BinaryKind,
    Embedding,
    FullyConnected,
    TopK,
    Unary,
    UnaryKind,
)
from tests.compiler.execution import check
from tests.compiler.models import random_model


def builder_of_words():
    builder = GraphBuilder("words", [Tensor("tokens", (1, 5))])
    builder.add(Embedding("embedding", ("tokens",), "words", 11, 6))
    builder.add(FullyConnected("dense", ("words",), "scores", 9, bias=True))
    return builder


def test_rows_are_looked_up_and_choices_made():
    builder = builder_of_words()
    builder.add(ArgMax("best", ("scores",), "best", 2))
    builder.add(TopK("three", ("scores",), "values", 3, "places"))
    graph = builder.build(["best", "values", "places", "scores"])
    compiled = check(random_model(graph, 2), load_design("edge_tpu_v3"))
    assert compiled.network.finished == ("best", "three")
    assert len(compiled.network.prepared) == 1


def test_what_follows_a_choice_is_done_by_the_host():
    builder = builder_of_words()
    builder.add(TopK("three", ("scores",), "values", 3, "places"))
    graph = builder.build([builder.add(Unary("more", ("values",), "more", UnaryKind.TANH))])
    check(random_model(graph, 2), load_design("edge_tpu_v3"))
    builder = builder_of_words()
    builder.add(ArgMax("best", ("scores",), "best", 2))
    graph = builder.build([builder.add(Embedding("again", ("best",), "again", 9, 4))])
    assert lower(graph).finished == ("best", "again")


def test_what_reads_both_is_refused():
    builder = builder_of_words()
    builder.add(TopK("all", ("scores",), "values", 9, "places"))
    last = Binary("sum", ("values", "scores"), "sum", BinaryKind.ADD)
    graph = builder.build([builder.add(last)])
    with pytest.raises(ValueError, match=r"'sum' \(Binary\) has no lowering: it reads what the"):
        lower(graph)
