"""A network of real numbers as one of integers, by post-training quantisation."""

from collections.abc import Sequence
from dataclasses import replace

from apollo.workloads.graph import Graph, GraphBuilder
from apollo.workloads.indices import index_tensors
from apollo.workloads.model import Model
from apollo.workloads.operators import LSTM
from apollo.workloads.quantize import calibrate
from apollo.workloads.quantize.calibrate import Ranges, Sample
from apollo.workloads.quantize.fold import fold
from apollo.workloads.quantize.generate import generate
from apollo.workloads.quantize.rules import complete, spread
from apollo.workloads.quantize.static import static_rules
from apollo.workloads.quantize.weights import quantized_constants


def quantize(
    network: Model | Graph, seed: int = 0, calibration: Sequence[Sample] | None = None
) -> Model:
    """The network with int8 activations and weights; one that is quantised is taken as it is.

    ONNX Runtime's static quantisation says what it can of the tensors' scales; recurrent layers,
    and what it does not cover, follow from the values that are seen.

    Attributes:
        network: a graph without values gets random ones.
        seed: of generated weights and of synthetic calibration data.
        calibration: values of the inputs, sample by sample.

    """
    model = generate(network, seed) if isinstance(network, Graph) else network
    model = _carried(model)
    if model.is_quantized:
        return _with_integers(model)
    model = fold(model)
    samples = calibrate.synthetic(model, seed) if calibration is None else calibration
    calibrate.check(model, samples)
    indices = frozenset(index_tensors(model.graph))
    watched = _watched(model)
    ranges = calibrate.observe(watched, samples)
    given = {**static_rules(model, samples), **model.quantization}
    rules = complete(model.graph, given, ranges, indices)
    constants = quantized_constants(model, rules, _memories(watched, ranges))
    return replace(model, constants=constants, quantization=rules)


def _carried(model: Model) -> Model:
    """Quantisations that a file states, carried to the tensors around that share them."""
    rules = spread(model.graph, model.quantization)
    return model if rules == model.quantization else replace(model, quantization=rules)


def _with_integers(model: Model) -> Model:
    """The model with integers in place of real constants, such as summands, if it has any."""
    constants = quantized_constants(model, model.quantization, {})
    return model if constants == model.constants else replace(model, constants=constants)


def _watched(model: Model) -> Model:
    """The model with the memories of its LSTMs made visible."""
    graph = model.graph
    builder = GraphBuilder(graph.name, [graph.tensor(name) for name in graph.inputs])
    for operator in graph.operators:
        if isinstance(operator, LSTM) and not operator.bidirectional and not operator.memory:
            builder.add(replace(operator, memory=f"{operator.name}/memory"))
        else:
            builder.add(operator)
    return replace(model, graph=builder.build(graph.outputs, graph.rows))


def _memories(model: Model, ranges: Ranges) -> dict[str, float]:
    """The greatest magnitude of every LSTM's memory."""
    return {
        operator.name: max(map(abs, ranges[operator.memory]))
        for operator in model.graph.operators
        if isinstance(operator, LSTM) and operator.memory
    }
