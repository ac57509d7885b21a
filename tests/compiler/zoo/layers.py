"""Operators as programs of their own, each on ONNX Runtime's inputs, beside what that gives.

The model is one that ONNX Runtime has quantised; all of its tensors are made outputs. An operator
with the clamps that alone read it is compiled for itself, as it is one nest in the whole program.
"""

from collections.abc import Iterator
from dataclasses import replace

from apollo.arch.accelerator import Accelerator
from apollo.compiler.lower import lower
from apollo.compiler.network import Network
from apollo.compiler.pack import pack, unpack
from apollo.compiler.pipeline import compile_network
from apollo.simulator.functional import execute
from apollo.workloads.graph import GraphBuilder
from apollo.workloads.model import Model
from apollo.workloads.operators import Embedding, Operator, Unary
from apollo.workloads.quantize.rules import CLAMPS
from tests.workloads.integer.against import Row, row_of, stored


def compare(model: Model, feeds, design: Accelerator) -> list[Row]:
    """Every output of every operator with its clamps."""
    real, integers = stored(model, feeds)
    rows = []
    for operators in steps(model):
        part = alone(model, operators)
        network = _lowered(part)
        if network is None:
            continue
        inputs = {name: integers[name] for name in part.graph.inputs}
        rows += [
            row_of(model, operators[0], name, real[name], integers[name], values)
            for name, values in run(part, network, inputs, design).items()
        ]
    return rows


def steps(model: Model) -> Iterator[list[Operator]]:
    """Operators, each with the clamps behind it; but not those that the host runs."""
    ridden = set()
    for operator in model.graph.operators:
        if operator.name in ridden or operator.on_host or isinstance(operator, Embedding):
            continue
        found = [operator]
        while (clamp := _clamp(model, found[-1])) is not None:
            found.append(clamp)
            ridden.add(clamp.name)
        yield found


def _clamp(model: Model, operator: Operator) -> Operator | None:
    """The clamp that alone reads what an operator gives."""
    graph = model.graph
    readers = graph.consumers(operator.output)
    if len(operator.outputs) > 1 or len(readers) != 1 or operator.output in graph.outputs:
        return None
    reader = readers[0]
    return reader if isinstance(reader, Unary) and reader.kind in CLAMPS else None


def alone(model: Model, operators: list[Operator]) -> Model:
    """A model of consecutive operators with their numbers."""
    names = dict.fromkeys(operators[0].inputs)
    builder = GraphBuilder(operators[0].name, [model.graph.tensor(name) for name in names])
    for operator in operators:
        builder.add(operator)
    graph = builder.build(operators[-1].outputs)
    kept = {operator.name for operator in operators}
    tensors = {tensor.name for tensor in graph.tensors}
    return replace(
        model,
        graph=graph,
        constants={key: value for key, value in model.constants.items() if key[0] in kept},
        quantization={name: rule for name, rule in model.quantization.items() if name in tensors},
    )


def _lowered(model: Model) -> Network | None:
    """None where nothing is to be done, as for a shape that is only called another one."""
    try:
        return lower(model.graph, model)
    except ValueError as error:
        if str(error).endswith("computes nothing."):
            return None
        raise


def run(model: Model, network: Network, inputs, design: Accelerator):
    """The integers that the model's program leaves."""
    compiled = compile_network(network, design)
    machine = execute(compiled.cold, design, pack(compiled, model, inputs))
    return unpack(compiled, model, machine.dram)
