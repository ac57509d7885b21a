"""End to end: whether a program puts the same class first as ONNX Runtime does.

Random weights put a class first by chance, so a network learns ten kinds of pictures: its last
layer becomes a ridge regression on what the layers before it give for pictures of known kind, as
ONNX Runtime computes that in the network that it has quantised. Then that quantises the whole.
"""

from dataclasses import dataclass, replace

import numpy as np
from onnx import helper

from apollo.arch.accelerator import Accelerator
from apollo.compiler.lower import lower
from apollo.workloads.catalogue import load
from apollo.workloads.graph import Graph, GraphBuilder
from apollo.workloads.integer import run
from apollo.workloads.model import Constant, Model, Values
from apollo.workloads.operators import FullyConnected
from apollo.workloads.quantize import fold, generate, quantize
from apollo.workloads.quantize.static import quantize_onnx
from tests.compiler.zoo.layers import run as run_program
from tests.compiler.zoo.pictures import KINDS, pictures
from tests.compiler.zoo.reduced import REDUCED, reduced
from tests.workloads.onnx.build import session
from tests.workloads.tflite.observe import Observed
from tests.workloads.wild import wild

OF_INTERPRETER = ("efficientnet_lite0_int8",)  # trained, with classes of its own
LEARNT, CALIBRATED = 500, 16  # pictures
_RIDGE, _MARGIN = 1e-3, 8.0


@dataclass(frozen=True)
class Agreement:
    """What came of a network on pictures.

    Attributes:
        count: pictures.
        same: of them with the same class first.
        executed: of them that the program ran on, bit for bit the integers of the reference.
        right: share of pictures whose kind ONNX Runtime puts first; None where that means nothing.
        kinds: classes that it puts first at all.
        difference: largest of any output, in units.

    """

    count: int
    same: int
    executed: int
    right: float | None
    kinds: int
    difference: int


def agreement(name: str, design: Accelerator, count: int, executed: int) -> Agreement:
    """On so many new pictures; the program runs on the first ones, the reference on all."""
    model = learnt(name)
    (source,), (result,) = model.graph.inputs, model.graph.outputs
    shape = model.graph.tensor(source).shape
    samples = [{source: item} for item in pictures(shape, LEARNT, seed=0)[0]][:CALIBRATED]
    theirs = session(quantize_onnx(model, samples))
    ours = quantize(model, calibration=samples)
    rules = ours.quantization[source], ours.quantization[result]
    given, kinds = pictures(shape, count, seed=1)
    stored = [rules[0].quantize(item) for item in given]
    found = _found(ours, stored, design, executed)
    # What the integers stand for, so that both begin with the same ones.
    feeds = [{source: rules[0].dequantize(item).astype(np.float32)} for item in stored]
    expected = [rules[1].quantize(theirs.run(None, feed)[0]) for feed in feeds]
    return _beside(found, expected, executed, kinds)


def agreement_with_interpreter(
    name: str, design: Accelerator, count: int, executed: int
) -> Agreement:
    """The same for a file of TensorFlow Lite, with the reference kernels of its interpreter."""
    observed = Observed(wild(name), reference=True)
    model, interpreter = observed.model, observed.interpreter
    (source,), (asked,) = model.graph.inputs, interpreter.get_input_details()
    (given,) = interpreter.get_output_details()
    shape, rule = model.graph.tensor(source).shape, model.quantization[source]
    stored = [rule.quantize(item / 2) for item in pictures(shape, count, seed=1)[0]]
    expected = []
    for item in stored:
        interpreter.set_tensor(asked["index"], (np.moveaxis(item, 1, 3) + 128).astype(np.uint8))
        interpreter.invoke()
        expected.append(interpreter.get_tensor(given["index"]).astype(np.int64) - 128)
    return _beside(_found(model, stored, design, executed), expected, executed)


def _found(model: Model, stored: list[Values], design: Accelerator, executed: int) -> list[Values]:
    """What the reference gives, and the program too on the first inputs."""
    (source,), (result,) = model.graph.inputs, model.graph.outputs
    found = [run(model, {source: item})[result] for item in stored]
    network = lower(model.graph, model)
    for item, expected in zip(stored[:executed], found, strict=False):
        program = run_program(model, network, {source: item}, design)[result]
        assert (program == expected).all(), model.graph.name
    return found


def _beside(
    found: list[Values], expected: list[Values], executed: int, kinds: Values | None = None
) -> Agreement:
    ours, theirs = (np.array([item.argmax() for item in items]) for items in (found, expected))
    return Agreement(
        len(found),
        int((ours == theirs).sum()),
        executed,
        None if kinds is None else float((theirs == kinds).mean()),
        len(np.unique(theirs)),
        int(np.abs(np.array(found) - np.array(expected)).max()),
    )


def learnt(name: str) -> Model:
    """A classifier of the catalogue that knows the kinds of pictures."""
    model = fold(generate(_of_kinds(reduced(name) if name in REDUCED else load(name))))
    layer = _classifier(model.graph)
    (source,) = model.graph.inputs
    given, kinds = pictures(model.graph.tensor(source).shape, LEARNT, seed=0)
    samples = [{source: item} for item in given]
    quantized = quantize_onnx(model, samples[:CALIBRATED])
    features = [node for node in quantized.graph.node if node.op_type == "Gemm"][-1].input[0]
    quantized.graph.output.append(helper.make_empty_tensor_value_info(features))
    theirs = session(quantized)
    found = np.array([theirs.run([features], sample)[0].ravel() for sample in samples])
    weights, bias = _regression(found, kinds)
    constants = dict(model.constants)
    constants[layer.name, "weight"] = Constant(weights.shape, lambda: weights)
    constants[layer.name, "bias"] = Constant(bias.shape, lambda: bias)
    return replace(model, constants=constants)


def _of_kinds(graph: Graph) -> Graph:
    """The network with as many classes as there are kinds."""
    layer = _classifier(graph)
    builder = GraphBuilder(graph.name, [graph.tensor(name) for name in graph.inputs])
    for operator in graph.operators:
        is_last = operator.name == layer.name
        builder.add(replace(layer, out_features=KINDS, bias=True) if is_last else operator)
    return builder.build(graph.outputs)


def _classifier(graph: Graph) -> FullyConnected:
    return [item for item in graph.operators if isinstance(item, FullyConnected)][-1]


def _regression(features: Values, kinds: Values) -> tuple[Values, Values]:
    """Weights and bias that give the kind of a picture a margin over the others."""
    mean, spread = features.mean(0), features.std(0)
    spread = spread + spread.mean()  # what hardly changes would need weights beyond 8 bits
    scaled = (features - mean) / spread
    wanted = _MARGIN * (np.eye(KINDS)[kinds] - 1 / KINDS)
    gram = scaled @ scaled.T + _RIDGE * len(scaled) * features.shape[1] * np.eye(len(scaled))
    factors = (scaled.T @ np.linalg.solve(gram, wanted)).T / spread
    return factors.astype(np.float32), (-factors @ mean).astype(np.float32)
