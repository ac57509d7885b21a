import copy
import os
import pickle
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from apollo.arch.accelerator import load_design
from apollo.compiler.errors import DoesNotFit
from apollo.compiler.pipeline import compile_network
from apollo.compiler.tables import Resource
from apollo.compiler.verify import verify
from apollo.simulator.engine import simulate
from tests.compiler.checks import QUICK, SLOW, corner_designs, network, random_designs

SMALL = (
    "from apollo.arch.accelerator import load_design\n"
    "from apollo.compiler.pipeline import compile_network\n"
    "from tests.compiler.checks import network, random_designs\n"
    "for design in [load_design('edge_tpu_v3'), *random_designs(2, 3)]:\n"
    "    compiled = compile_network(network('odd'), design)\n"
    "    print([int(c.sum()) for c in (compiled.mapping, compiled.cold.wait,\n"
    "           compiled.cold.operand, compiled.warm.wait, compiled.warm.operand)])\n"
)


def answers(names, designs):
    for design in designs:
        for name in names:
            try:
                yield name, design, compile_network(network(name), design)
            except DoesNotFit as error:
                yield name, design, error


def check_refusal(name, design, error):
    """The demand exceeds the bound, and granting it changes the answer."""
    field = f"{error.resource}_bytes"
    assert error.resource in [resource.name.lower() for resource in Resource]
    assert error.demand > error.bound == getattr(design, field)
    assert error.layer in network(name).layer_names
    ((_, _, other),) = answers([name], [replace(design, **{field: error.demand})])
    if isinstance(other, DoesNotFit):
        assert (other.layer, other.resource) != (error.layer, error.resource)


def poor_designs():
    design = load_design("edge_tpu_v3")
    for field in ("pe_memory_bytes", "core_memory_bytes", "instruction_memory_bytes"):
        for size in (512, 1024, 2048, 4096):
            yield replace(design, **{field: size})
    yield replace(design, core_memory_bytes=100)


def test_a_refusal_is_true():
    refused = set()
    for name, design, answer in answers(QUICK, [*corner_designs(), *poor_designs()]):
        if isinstance(answer, DoesNotFit):
            check_refusal(name, design, answer)
            refused.add(answer.resource)
    assert refused == {resource.name.lower() for resource in Resource}


@pytest.mark.slow
def test_every_design_has_an_answer():
    for name, design, answer in answers(SLOW, random_designs(150, seed=11)):
        if isinstance(answer, DoesNotFit):
            check_refusal(name, design, answer)
            continue
        for program in (answer.cold, answer.warm):
            timeline = simulate(program, design)
            assert 0 < timeline.latency_cycles < 1 << 50
            if len(program) < 2000:
                slowly = simulate(program, design, skip=False)
                assert (timeline.finish == slowly.finish).all()


def test_room_in_pieces_is_made_whole_by_putting_a_tensor_out():
    design = replace(
        load_design("edge_tpu_v3"), pes_x=2, pes_y=2, pe_memory_bytes=12288, core_memory_bytes=6144
    )
    verify(compile_network(network("odd"), design))


def test_a_refusal_reads_as_a_sentence_and_travels():
    error = DoesNotFit("core_memory", "conv", 5000, 4096)
    text = (
        "Layer 'conv' does not fit: it needs at least 5,000 bytes of core memory, "
        "the design has 4,096."
    )
    assert str(error) == text
    assert str(pickle.loads(pickle.dumps(error))) == text
    assert str(copy.copy(error)) == text
    assert vars(error.with_traceback(None)) == vars(error)


def test_a_following_inference_is_not_slower(compiled_networks):
    """It fetches and loads less; round-robin on the channel allows small anomalies."""
    for compiled in compiled_networks:
        cold = simulate(compiled.cold, compiled.accelerator).latency_cycles
        warm = simulate(compiled.warm, compiled.accelerator).latency_cycles
        assert warm <= 1.02 * cold


def test_the_same_input_gives_the_same_program():
    design = load_design("edge_tpu_v1")
    for name in QUICK:
        first, second = (compile_network(network(name), design) for _ in range(2))
        assert (first.mapping == second.mapping).all()
        for a, b in ((first.cold, second.cold), (first.warm, second.warm)):
            for column in ("opcode", "layer", "wait", "operand"):
                assert np.array_equal(getattr(a, column), getattr(b, column))


def in_subprocess(tmp_path, **variables):
    environment = {**os.environ, "PYTHONPATH": os.getcwd(), **variables}
    done = subprocess.run(
        [sys.executable, "-c", SMALL], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_no_index_is_out_of_range(tmp_path):
    plain = in_subprocess(tmp_path)
    assert plain.count("[") == 3
    assert in_subprocess(tmp_path, NUMBA_DISABLE_JIT="1") == plain
    caches = {"NUMBA_CACHE_DIR": str(tmp_path)}
    assert in_subprocess(tmp_path, NUMBA_BOUNDSCHECK="1", **caches) == plain
