"""Random recurrent networks with numbers, and designs on which they fit."""

import math
import random

import numpy as np

from apollo.arch.accelerator import Accelerator
from apollo.workloads.graph import Graph, GraphBuilder, Tensor
from apollo.workloads.model import Constant
from apollo.workloads.operators import (
    GRU,
    LSTM,
    Concat,
    FullyConnected,
    Operator,
    Reshape,
    Slice,
)
from apollo.workloads.quantization import Quantization

Constants = dict[tuple[str, str], Constant]
Rules = dict[str, Quantization]


def wide_rule(rng: np.random.Generator) -> Quantization:
    """Of a memory: 16 bits, within 4, 8 or 16 of zero."""
    return Quantization((2.0 ** -int(rng.integers(11, 14)),), (0,), bits=16)


def narrow_rule(rng: np.random.Generator) -> Quantization:
    """Of a hidden state between -1 and 1."""
    return Quantization((float(rng.uniform(0.004, 0.012)),), (int(rng.integers(-60, 60)),))


def layer_rules(rng: np.random.Generator, operator: Operator) -> Rules:
    """Quantisations of the states that a recurrent layer is given and gives out."""
    found = {operator.output: narrow_rule(rng)}
    if isinstance(operator, LSTM):
        # Half of the layers give out their state in other units than they keep it in.
        if operator.hidden:
            found[operator.hidden] = (found[operator.output], narrow_rule(rng))[rng.integers(2)]
        if operator.memory:
            found[operator.memory] = wide_rule(rng)
    elif isinstance(operator, GRU) and operator.hidden:
        as_kept = Quantization((2.0**-15,), (0,), bits=16)
        found[operator.hidden] = (as_kept, narrow_rule(rng))[rng.integers(2)]
    return found


def layer_constants(
    rng: np.random.Generator, graph: Graph, operator: LSTM | GRU, rules: Rules
) -> Constants:
    """Matrices by row, biases and scales of real numbers, the units of a memory."""
    inputs = graph.input_shapes(operator)[0][-1]
    width, features = operator.gates * operator.units, operator.features
    both = operator.directions
    matrices = {"input_weight": (width, inputs), "recurrent_weight": (width, features)}
    if isinstance(operator, LSTM) and operator.projection is not None:
        matrices["projection_weight"] = (features, operator.units)
    sources = {"input_weight": rules[operator.inputs[0]].scale[0]}
    found: Constants = {}
    for role, shape in matrices.items():
        unit = 1 / (sources.get(role, 1 / 127) * 70 * 70 * math.sqrt(shape[1]))
        scales = tuple((unit * rng.uniform(0.5, 2, shape[0])).tolist())
        rule = Quantization(scales, (0,) * shape[0], axis=1)
        found[operator.name, role] = _constant(
            rng.integers(-127, 128, (both, *shape)).astype(np.int8), rule
        )
    apart = isinstance(operator, GRU) and operator.reset_after
    bias = rng.normal(0, 0.5, (both, width * (2 if apart else 1))).astype(np.float32)
    found[operator.name, "bias"] = _constant(bias)
    if isinstance(operator, LSTM):
        found[operator.name, "memory"] = _constant(np.zeros(1, np.int32), wide_rule(rng))
        if operator.layer_norm:
            scale = rng.normal(1, 0.4, (both, width)).astype(np.float32)
            found[operator.name, "scale"] = _constant(scale)
    return found


def _constant(values: np.ndarray, rule: Quantization | None = None) -> Constant:
    return Constant(values.shape, lambda: values, rule)


class _Maker:
    """Appends layers behind `last`."""

    def __init__(self, rng: random.Random, builder: GraphBuilder, last: str) -> None:
        self.rng, self.builder, self.last = rng, builder, last
        self.outputs: list[str] = []

    def layer(self, number: int, states: dict[str, tuple[str, ...]]) -> None:
        rng, name = self.rng, f"layer{number}"
        given = states.get(name, ())
        both = not given and rng.random() < 0.3
        single = {"hidden": "", "memory": ""}
        if not both:
            single = {key: f"{name}/{key}_out" * (rng.random() < 0.6) for key in single}
        common = (name, (self.last, *given), name, units(number), both, single["hidden"])
        if len(given) == 1 or (not given and rng.random() < 0.4):
            layer: LSTM | GRU = GRU(*common, reset_after=rng.random() < 0.5)
        else:
            layer = LSTM(
                *common,
                projection=projection(number),
                layer_norm=rng.random() < 0.4,
                memory=single["memory"],
            )
        self.last = self.builder.add(layer)
        self.outputs += layer.outputs[1:]

    def between(self) -> None:
        """A layer on every step, or pairs of steps joined, or the last step cut out."""
        shape, name = self.builder.shape(self.last), f"between{len(self.builder.operators)}"
        choice = self.rng.random()
        if choice < 0.3:
            self.last = self.builder.add(FullyConnected(name, (self.last,), name, 5, bias=True))
        elif choice < 0.6 and len(shape) == 3 and shape[1] % 2 == 0:
            half = (shape[0], shape[1] // 2, 2 * shape[2])
            self.last = self.builder.add(Reshape(name, (self.last,), name, half))
        elif choice < 0.8 and len(shape) == 3 and shape[0] == 1:
            cut = Slice(f"{name}/cut", (self.last,), f"{name}/cut", (1,), (0,), (1,))
            part = self.builder.add(cut)
            self.last = self.builder.add(Concat(name, (part, self.last), name, 1))


def units(number: int) -> int:
    """Of a layer: one fits a lane, one is many lanes wide and odd."""
    return (7, 20)[number % 2]


def projection(number: int) -> int | None:
    """Every other layer has one."""
    return 6 if number % 2 else None


def random_recurrent(seed: int) -> Graph:
    """One or two layers, a step or a sequence, states given to the first or not."""
    rng = random.Random(seed)
    batch, steps = rng.choice([1, 1, 2, 3]), rng.randint(1, 4)
    channels = rng.choice([rng.randint(1, 12), rng.randint(1, 12), 250])
    shape = (batch, channels) if rng.random() < 0.3 else (batch, steps, channels)
    inputs, states = [Tensor("x", shape)], {}
    if rng.random() < 0.5:
        first = rng.randint(0, 1)
        features = projection(first) or units(first)
        names = ("given/hidden", "given/memory")[: rng.randint(1, 2)]
        sizes = (features, units(first)) if len(names) == 2 else (units(first),)
        inputs += [Tensor(name, (batch, size)) for name, size in zip(names, sizes, strict=True)]
        states[f"layer{first}"] = names
    else:
        first = rng.randint(0, 1)
    builder = GraphBuilder("recurrent", inputs)
    maker = _Maker(rng, builder, "x")
    maker.layer(first, states)
    if rng.random() < 0.5:
        maker.between()
        maker.layer(first + 1, {})
    return builder.build([maker.last, *maker.outputs])


def small_design(seed: int) -> Accelerator:
    """Memories just large enough for tables of 513 entries, so that much is tiled and spilt."""
    rng = random.Random(seed)
    return Accelerator(
        "small",
        pes_x=rng.choice([1, 2, 3, 4]),
        pes_y=rng.choice([1, 2, 3]),
        lanes=rng.choice([1, 2, 4, 8]),
        cores=rng.choice([1, 2, 3]),
        pe_memory_bytes=rng.choice([1 << 8, 1 << 9, 1 << 10, 1 << 12, 1 << 16]),
        core_memory_bytes=rng.choice([1026, 1200, 2100, 5000, 1 << 16]),
        activation_memory_bytes=1024,
        instruction_memory_bytes=rng.choice([8192, 65536]),
        parameter_memory_bytes=2048,
        dram_gb_per_s=5,
    )
