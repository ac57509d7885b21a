"""Recurrent layers on arrays: programs give the integers that the model means."""

import dataclasses
from collections import Counter

import numpy as np
import pytest

from apollo.compiler.lower import lower
from apollo.compiler.systolic.nests import compile_nests
from apollo.compiler.systolic.pack import pack, unpack
from apollo.simulator.functional import execute
from apollo.workloads.integer import run
from apollo.workloads.model import Rounding
from apollo.workloads.models import rnnt
from apollo.workloads.operators import GRU, LSTM
from tests.compiler.models import random_model
from tests.compiler.recurrent_models import random_recurrent
from tests.compiler.systolic.nests import FIFO, PRESETS, SCRATCHPAD, check, coverage
from tests.workloads.rnnt_steps import (
    FRAMES,
    build_small,
    encoder_of,
    first_states,
    next_states,
    random_frames,
    step_of,
    utterance_model,
)

FEW, MANY, LABELS = 30, 500, 11
# Tables of functions take 1,026 bytes, twice.
DESIGNS = (*PRESETS, SCRATCHPAD, dataclasses.replace(FIFO, core_memory_bytes=3000))


@pytest.mark.parametrize("count", [FEW, pytest.param(MANY, marks=pytest.mark.slow)])
def test_random_recurrent_networks_compute_the_integers_of_the_model(count):
    seen: Counter[str] = Counter()
    for seed in range(count):
        rounding = Rounding.TFLITE if seed % 4 == 0 else Rounding.ONCE
        model = random_model(random_recurrent(seed), seed, rounding)
        for design in DESIGNS:
            seen += coverage(check(model, design, seed))
        for operator in model.graph.operators:
            if isinstance(operator, LSTM | GRU):
                seen[type(operator).__name__] += 1
                seen["layer_norm"] += getattr(operator, "layer_norm", False)
    assert {"LSTM", "GRU", "layer_norm", "LOOKUP", "spilt", "batches", "several parts"} <= set(seen)


@pytest.mark.parametrize("design", PRESETS, ids=lambda design: design.name)
def test_speech_networks_compute_the_integers_of_the_model(design, monkeypatch):
    build_small(monkeypatch)
    graphs = [
        rnnt.rnnt_encoder("encoder"),
        rnnt.rnnt_prediction("prediction", LABELS),
        rnnt.rnnt_joint("joint", LABELS),
        rnnt.rnnt("whole", LABELS),
    ]
    for graph in graphs:
        check(random_model(graph, seed=5), design)


@pytest.mark.parametrize("design", PRESETS, ids=lambda design: design.name)
def test_executed_steps_are_the_utterance(design, monkeypatch):
    """States are read from DRAM after every program and are the next one's inputs."""
    build_small(monkeypatch)
    utterance, frames = utterance_model(), random_frames()
    whole = run(encoder_of(utterance), {"frames": frames})["encoder8"]
    step = step_of(utterance)
    compiled = compile_nests(lower(step.graph, step), design)
    states, outputs = first_states(step), []
    for frame in range(0, FRAMES, 2):
        inputs = {"frames": frames[:, frame : frame + 2], **states}
        machine = execute(compiled.program, design, pack(compiled, step, inputs))
        found = unpack(compiled, step, machine.dram)
        states = next_states(step, found)
        outputs.append(found["encoder8/out"])
    assert np.array_equal(np.stack(outputs, axis=1), whole)
