"""Networks and designs for tests of the compiler."""

import random
from functools import cache
from pathlib import Path

import onnx

from apollo.arch.accelerator import Accelerator
from apollo.arch.area import area_of
from apollo.arch.isa import Opcode
from apollo.arch.space import PARAMETERS, SIZE, accelerator_at
from apollo.compiler.lower import lower
from apollo.compiler.network import Network
from apollo.compiler.tables import Ints, Map, Split
from apollo.workloads.catalogue import load
from apollo.workloads.graph import Graph, GraphBuilder, Tensor
from apollo.workloads.operators import (
    BatchNormalization,
    Binary,
    BinaryKind,
    Concat,
    Convolution,
    FullyConnected,
    Pool,
    PoolKind,
    Reshape,
    Softmax,
    Transpose,
    Unary,
    UnaryKind,
)

LIGHT = Path(onnx.__file__).parent / "backend" / "test" / "data" / "light"
AREA_MM2 = 27.0
QUICK = (
    "mobilenet_v1_0.25_128",
    "mobilenet_v2_0.35_96",
    "gemm:100x300x77",
    "conv:57x57x24x40x3x2",
    "odd",
    "odd*3",
)
SLOW = (*QUICK, "gemm:1x4096x4096", "conv:14x14x256x512x3x1", "squeezenet", "squeezenet*4")
_WEIGHTED = (Opcode.CONVOLVE, Opcode.DEPTHWISE)


def odd_graph() -> Graph:
    """What the image classifiers of the catalogue do not have."""
    b = GraphBuilder("odd", [Tensor("image", (1, 6, 19, 17))])
    b.add(Convolution("valid", ("image",), "a", 24, (3, 3), (2, 2), bias=True))
    b.add(Convolution("grouped", ("a",), "b", 36, (3, 3), padding=(1, 1, 1, 1), groups=3))
    b.add(Unary("sigmoid", ("b",), "c", UnaryKind.SIGMOID))
    b.add(Pool("squeeze", ("c",), "d", PoolKind.AVERAGE, (9, 8)))
    b.add(Binary("scale", ("d", "c"), "e", BinaryKind.MULTIPLY))
    b.add(Convolution("depthwise", ("e",), "f", 72, (5, 5), (2, 2), (2, 2, 2, 2), groups=36))
    b.add(Pool("smaller", ("e",), "g", PoolKind.MAX, (3, 3), (2, 2), (1, 1, 1, 1)))
    b.add(Concat("channels", ("f", "g"), "h"))
    b.add(Concat("rows", ("h", "h"), "i", axis=2))
    b.add(Concat("columns", ("i", "i"), "j", axis=3))
    b.add(Transpose("turn", ("j",), "k", (0, 1, 3, 2)))
    b.add(BatchNormalization("normal", ("k",), "l", 108))
    b.add(Unary("clamp", ("l",), "m", UnaryKind.RELU))
    b.add(Reshape("flat", ("m",), "n", (1, 108 * 8 * 10)))
    b.add(FullyConnected("dense", ("n",), "o", 50))
    b.add(Softmax("softmax", ("o",), "p"))
    return b.build(["p", "f"])


@cache
def network(name: str) -> Network:
    """A lowered network; `name*4` is a batch of four."""
    name, _, batch = name.partition("*")
    if name == "odd":
        return lower(odd_graph().with_batch(int(batch or 1)))
    path = LIGHT / f"light_{name}.onnx"
    return lower(load(path if path.exists() else name, int(batch or 1)))


def random_designs(count: int, seed: int) -> list[Accelerator]:
    """Points of the space below the limit of area."""
    generator = random.Random(seed)
    found: list[Accelerator] = []
    while len(found) < count:
        design = accelerator_at(generator.randrange(SIZE))
        if area_of(design).total_mm2 < AREA_MM2:
            found.append(design)
    return found


def corner_designs() -> list[Accelerator]:
    """The ends of the space."""
    least = {parameter.name: parameter.choices[0] for parameter in PARAMETERS}
    most = {parameter.name: parameter.choices[-1] for parameter in PARAMETERS}
    return [
        Accelerator("least", **least),
        Accelerator("most", **most),
        Accelerator("many_cores", **least | {"pes_x": 32, "pes_y": 32, "cores": 32}),
        Accelerator("wide", **least | {"pes_x": 4, "pes_y": 4, "lanes": 256, "cores": 4}),
        Accelerator("starved", **most | {"core_memory_bytes": 4096, "pe_memory_bytes": 1 << 18}),
        Accelerator("roomy", **least | {"core_memory_bytes": 4 << 20, "pe_memory_bytes": 1 << 24}),
    ]


def split_counts(design: Accelerator, m: Ints) -> dict[Split, int]:
    """PEs along each dimension of a nest."""
    counts = dict.fromkeys(Split, 1)
    counts[Split(int(m[Map.SPLIT_X]))] *= design.pes_x
    counts[Split(int(m[Map.SPLIT_Y]))] *= design.pes_y
    return counts
