"""Products of two activations on arrays: the integers of the model, whatever the array."""

import dataclasses
import random
from collections import Counter

import pytest

from apollo.arch.isa import Opcode
from apollo.arch.operands import Move, TransferFlag
from apollo.compiler.errors import DoesNotFit
from apollo.compiler.lower import lower
from apollo.compiler.systolic.nests import compile_nests
from apollo.compiler.tables import Nest
from apollo.simulator import reference
from apollo.simulator.engine import simulate
from apollo.workloads.catalogue import load
from apollo.workloads.graph import GraphBuilder, Tensor
from apollo.workloads.model import Rounding
from apollo.workloads.operators import MatMul
from tests.compiler.models import random_model
from tests.compiler.systolic.nests import FIFO, PRESETS, SCRATCHPAD, SMALL, check, coverage
from tests.compiler.systolic.test_nests import random_array
from tests.compiler.test_matrices import attention, with_zero_points
from tests.compiler.zoo.reduced import reduced
from tests.simulator.agreement import differing_columns

FEW, MANY = 16, 300
EXPECTED = {"block-diagonal", "several columns", "several parts", "spilt", "moves", "from DRAM"}


def attention_model(seed):
    rounding = Rounding.TFLITE if seed % 3 == 0 else Rounding.ONCE
    model = random_model(attention(seed), seed, rounding)
    return with_zero_points(model, seed) if seed % 2 else model


def product_model(seed):
    """Of two inputs of the network."""
    rng = random.Random(seed)
    rows, inputs, outputs = (rng.randint(1, 39) for _ in range(3))
    turned = seed % 2 > 0
    right = (outputs, inputs) if turned else (inputs, outputs)
    builder = GraphBuilder("product", [Tensor("a", (rows, inputs)), Tensor("b", right)])
    graph = builder.build([builder.add(MatMul("m", ("a", "b"), "m", False, turned))])
    return random_model(graph, seed)


def occurs(compiled):
    seen = coverage(compiled)
    flags = compiled.program.operand[compiled.program.opcode == Opcode.MOVE, Move.FLAGS]
    seen["moves"] += int((flags & TransferFlag.TO_CORE > 0).sum())
    buffers = compiled.places.buffers
    dynamic = compiled.network.nests[:, Nest.DYNAMIC].nonzero()[0]
    seen["from DRAM"] += sum(Nest.SECOND in buffers[number].addresses for number in dynamic)
    return seen


@pytest.mark.parametrize("count", [FEW, pytest.param(MANY, marks=pytest.mark.slow)])
def test_attention_computes_the_integers_of_the_model(count):
    seen: Counter[str] = Counter()
    for seed in range(count):
        for design in (*PRESETS, *SMALL):
            seen += occurs(check(attention_model(seed), design, seed))
            seen += occurs(check(product_model(seed), design, seed))
    assert set(seen) >= EXPECTED


@pytest.mark.parametrize("count", [24, pytest.param(MANY, marks=pytest.mark.slow)])
def test_attention_on_any_array_is_right_or_says_what_it_lacks(count):
    fitting = 0
    for seed in range(count):
        for model in (attention_model(seed), product_model(seed)):
            try:
                check(model, random_array(seed), seed)
            except DoesNotFit:
                continue
            fitting += 1
    assert fitting > count / 2


@pytest.mark.parametrize("design", PRESETS, ids=lambda design: design.name)
@pytest.mark.parametrize(
    "name", ["transformer_encoder_tiny_4", pytest.param("nmt@128", marks=pytest.mark.slow)]
)
def test_networks_with_attention_compute_the_integers_of_the_model(name, design):
    graph = reduced(name) if "@" in name else load(name)
    assert occurs(check(random_model(graph, seed=1), design))["moves"]


@pytest.mark.parametrize("design", [SCRATCHPAD, FIFO], ids=lambda design: design.name)
def test_both_simulators_agree_on_the_cycles(design):
    for seed in range(3):
        model = attention_model(seed)
        program = compile_nests(lower(model.graph, model), design).program
        expected = reference.simulate(program, design)
        assert differing_columns(simulate(program, design), expected) == []


def test_a_tile_that_is_computed_waits_for_what_computes_it():
    """The move of the keys comes behind their drain, with its record already in core memory."""
    model = attention_model(4)
    design = dataclasses.replace(SCRATCHPAD, pe_memory_bytes=1 << 16)
    program = compile_nests(lower(model.graph, model), design).program
    flags = program.operand[:, Move.FLAGS]
    moves = (program.opcode == Opcode.MOVE) & (flags & TransferFlag.TO_CORE > 0)
    first = moves.nonzero()[0][0]
    assert (program.opcode[:first] == Opcode.DRAIN).any()
    assert not (program.opcode[:first] == Opcode.SOFTMAX).any()
