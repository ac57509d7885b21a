"""The product's speech networks, built smaller, and an utterance's numbers in their steps."""

from dataclasses import replace

import numpy as np
import pytest

from apollo.workloads.graph import Graph, GraphBuilder
from apollo.workloads.model import Model
from apollo.workloads.models import rnnt
from apollo.workloads.operators import LSTM
from apollo.workloads.quantization import Quantization
from apollo.workloads.quantize import quantize

FRAMES, VALUES, UNITS, PROJECTION = 12, 20, 24, 16
States = dict[str, np.ndarray]


def build_small(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sizes of the networks that are built from here on, and nothing else."""
    sizes = {"FRAME_VALUES": VALUES, "UNITS": UNITS, "PROJECTION": PROJECTION}
    for name, size in sizes.items():
        monkeypatch.setattr(rnnt, name, size)
    monkeypatch.setattr(rnnt, "STATES", {"hidden": PROJECTION, "memory": UNITS})


def utterance_model() -> Model:
    """A whole utterance, quantised."""
    return quantize(rnnt.rnnt_utterance("utterance", FRAMES), seed=3)


def random_frames() -> np.ndarray:
    """What is said."""
    return np.random.default_rng(4).integers(-128, 128, (1, FRAMES, VALUES))


def encoder_of(utterance: Model) -> Model:
    """The encoder alone, on all frames."""
    graph = utterance.graph
    builder = GraphBuilder("encoder", [graph.tensor("frames")])
    for operator in graph.operators:
        if operator.name.startswith(("encoder", "reduction")):
            builder.add(operator)
    return _with_numbers(utterance, builder.build(["encoder8"]), utterance.quantization)


def step_of(utterance: Model) -> Model:
    """The encoder's step with the numbers of the utterance."""
    graph = rnnt.rnnt_encoder("step")
    rules = {name: utterance.quantization[name] for name in ("frames", "reduction")}
    for operator in graph.operators:
        if isinstance(operator, LSTM):
            layer = operator.name
            of_output, of_memory = utterance.quantization[layer], _memory_rule(utterance, layer)
            rules |= {name: of_output for name in (operator.output, f"{layer}/hidden")}
            rules |= {name: of_memory for name in (f"{layer}/memory", f"{layer}/memory_out")}
            rules |= {operator.hidden: of_output} if operator.hidden else {}
    return _with_numbers(utterance, graph, rules)


def first_states(step: Model) -> States:
    """Zeros, as stored."""
    states = [name for name in step.graph.inputs if name != "frames"]
    return {
        name: np.full(step.graph.tensor(name).shape, step.quantization[name].zero_point[0])
        for name in states
    }


def next_states(step: Model, found: States) -> States:
    """The inputs of the next step from the outputs of one."""
    states = {}
    for operator in step.graph.operators:
        if isinstance(operator, LSTM):
            states[f"{operator.name}/hidden"] = found[operator.hidden or operator.output]
            states[f"{operator.name}/memory"] = found[operator.memory]
    return states


def _memory_rule(utterance: Model, layer: str) -> Quantization:
    return utterance.constant(layer, "memory").quantization


def _with_numbers(utterance: Model, graph: Graph, rules: dict[str, Quantization]) -> Model:
    names = {operator.name for operator in graph.operators}
    constants = {key: value for key, value in utterance.constants.items() if key[0] in names}
    tensors = {tensor.name for tensor in graph.tensors}
    rules = {name: rule for name, rule in rules.items() if name in tensors}
    return replace(utterance, graph=graph, constants=constants, quantization=rules)
