"""Products of two computed operands: attention on tiny designs, bit for bit."""

import random
from dataclasses import replace

from apollo.arch.accelerator import load_design
from apollo.arch.isa import Opcode
from apollo.arch.operands import Move, TransferFlag
from apollo.compiler.errors import DoesNotFit
from apollo.compiler.lower import lower
from apollo.compiler.tables import From, Map, Nest
from apollo.workloads.graph import Graph, GraphBuilder, Tensor
from apollo.workloads.model import Model, Rounding
from apollo.workloads.operators import (
    FullyConnected,
    MatMul,
    Reshape,
    Softmax,
    Transpose,
    Unary,
    UnaryKind,
)
from apollo.workloads.quantization import Quantization
from tests.compiler.execution import check
from tests.compiler.models import random_model
from tests.compiler.random_graphs import tiny_design
from tests.compiler.systolic import nests as arrays

COUNT = 60


def attention(seed: int, batch: int = 1) -> Graph:
    """Some heads over a few positions; every other graph gives its shares as well."""
    rng = random.Random(seed)
    steps, heads, each = rng.randint(1, 9), rng.choice([1, 2, 3]), rng.randint(1, 7)
    builder = GraphBuilder("attention", [Tensor("x", (batch, steps, heads * each))])

    def of_heads(name: str) -> str:
        builder.add(FullyConnected(name, ("x",), name, heads * each, bias=True))
        shape = (batch, steps, heads, each)
        builder.add(Reshape(f"{name}/heads", (name,), f"{name}/heads", shape))
        turn = Transpose(f"{name}/turn", (f"{name}/heads",), f"{name}/turn", (0, 2, 1, 3))
        return builder.add(turn)

    queries, keys, values = map(of_heads, ("queries", "keys", "values"))
    builder.add(MatMul("scores", (queries, keys), "scores", transpose_right=True))
    builder.add(Unary("function", ("scores",), "function", UnaryKind.TANH))
    builder.add(Softmax("shares", ("function",), "shares", axis=3))
    builder.add(MatMul("answers", ("shares", values), "answers"))
    builder.add(Transpose("turn", ("answers",), "turn", (0, 2, 1, 3)))
    builder.add(Reshape("join", ("turn",), "join", (batch, steps, heads * each)))
    builder.add(FullyConnected("output", ("join",), "output", 5, bias=True))
    return builder.build(["shares", "output"] if rng.random() < 0.5 else ["output"])


def with_zero_points(model: Model, seed: int) -> Model:
    """Zero points that take one, two or three pieces of a weight."""
    rules, rng = dict(model.quantization), random.Random(seed)
    for name in ("queries", "keys", "values"):
        zero = rng.choice([0, rules[name].zero_point[0], -128])
        for tensor in (name, f"{name}/heads", f"{name}/turn"):
            rules[tensor] = Quantization(rules[name].scale, (zero,))
    return Model(model.graph, model.constants, rules, model.rounding)


def test_attention_on_tiny_designs():
    fitting, to_core = 0, 0
    for seed in range(COUNT):
        rounding = Rounding.TFLITE if seed % 3 == 0 else Rounding.ONCE
        model = with_zero_points(random_model(attention(seed), seed, rounding), seed)
        try:
            compiled = check(model, tiny_design(seed), seed)
        except DoesNotFit:
            continue
        fitting += 1
        flags = compiled.cold.operand[compiled.cold.opcode == Opcode.MOVE, Move.FLAGS]
        to_core += int((flags & TransferFlag.TO_CORE > 0).sum())
    assert fitting > COUNT / 3
    assert to_core > fitting


def test_attention_over_a_batch():
    for seed in range(9):
        model = with_zero_points(random_model(attention(seed, batch=2 + seed % 2), seed), seed)
        check(model, load_design("edge_tpu_v3"), seed)
        arrays.check(model, arrays.GEMMINI, seed)


def test_weights_from_dram():
    """A right operand that is an input of the network comes by way of a buffer."""
    for seed in range(24):
        rng = random.Random(seed)
        rows, inputs, outputs = (rng.randint(1, 9) for _ in range(3))
        turned = seed % 2 > 0
        right = (outputs, inputs) if turned else (inputs, outputs)
        builder = GraphBuilder("product", [Tensor("a", (rows, inputs)), Tensor("b", right)])
        graph = builder.build([builder.add(MatMul("m", ("a", "b"), "m", False, turned))])
        design = replace(tiny_design(seed), pe_memory_bytes=1 << 12, core_memory_bytes=600)
        compiled = check(random_model(graph, seed), design, seed)
        assert compiled.mapping[-1, Map.SECOND_FROM] in (From.DRAM, From.PLACE)
        assert compiled.cold.instructions_by_opcode()["MOVE"] > 0


def test_heads_are_views():
    graph = next(g for g in map(attention, range(9)) if len(g.outputs) == 1)
    assert Opcode.COPY not in lower(graph).nests[:, Nest.OPCODE]
