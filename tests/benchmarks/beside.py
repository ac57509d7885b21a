"""Layers per CPU-second beside the public packages, on the same layers of MobileNet V1.

The packages are not installed with Apollo. Name a Python that has one:

    python -m venv /somewhere && /somewhere/bin/pip install scalesim "numpy<2.3"
    APOLLO_BENCH_SCALESIM=/somewhere/bin/python make bench
    python -m venv /elsewhere && /elsewhere/bin/pip install zigzag-dse six
    APOLLO_BENCH_ZIGZAG=/elsewhere/bin/python make bench

(SCALE-Sim 3.0.0 fails on newer NumPy; ZigZag 3.9.1 imports `six` without asking for it.) Every
distinct layer is mapped and simulated by itself, on 256 multiply-accumulates a cycle: a 16 x 16
array, or one core of 64 lanes. One process on one core; imports and compilation are left out.
"""

import json
import os
import subprocess
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import apollo
from apollo.arch.accelerator import Accelerator, load_design
from apollo.compiler.lower import lower
from apollo.search.measure import measure, measure_graph
from apollo.workloads.graph import Graph, GraphBuilder, Tensor
from apollo.workloads.operators import Convolution

PACKAGES = (
    ("SCALE-Sim", "APOLLO_BENCH_SCALESIM", "run_scalesim.py"),
    ("ZigZag", "APOLLO_BENCH_ZIGZAG", "run_zigzag.py"),
)
ELSEWHERE = (  # layers per CPU-second on MobileNet V1 with a 16 x 16 array
    ("SCALE-Sim", "0.18"),
    ("ZigZag", "0.4-2"),
    ("Timeloop's mapper", "1.25"),
    ("MAESTRO, mapping given", "700"),
)
ONE_CORE = Accelerator(
    "one_core",
    pes_x=1,
    pes_y=1,
    lanes=64,
    cores=1,
    pe_memory_bytes=131_072,  # with core memory as much as SCALE-Sim's three buffers
    core_memory_bytes=65_536,
    activation_memory_bytes=1024,
    instruction_memory_bytes=16_384,
    parameter_memory_bytes=16_384,
    dram_gb_per_s=17,
)
ROUNDS = 5
CPU_LIMIT_S = 240  # a package begins no layer after that
SLOWEST_S = 1800  # of a package, on a loaded machine


@dataclass(frozen=True)
class Layer:
    """A convolution with a square kernel; `height` and `width` are those of the padded input."""

    name: str
    height: int
    width: int
    out_height: int
    out_width: int
    in_channels: int
    out_channels: int
    groups: int
    kernel: int
    stride: int

    def shape(self) -> tuple[int, ...]:
        """All but its name."""
        return tuple(asdict(self).values())[1:]


def distinct_layers(graph: Graph) -> list[tuple[Layer, Graph]]:
    """The first convolution of each shape, also as a network of its own."""
    found: dict[tuple[int, ...], tuple[Layer, Graph]] = {}
    for operator in graph.operators:
        if not isinstance(operator, Convolution):
            continue
        (shape,) = graph.input_shapes(operator)
        builder = GraphBuilder(operator.name, [Tensor(operator.inputs[0], shape)])
        alone = builder.build([builder.add(operator)])
        rows, columns = alone.tensor(operator.output).shape[2:]
        (kernel, _), (stride, _) = operator.kernel, operator.stride
        layer = Layer(
            operator.name,
            (rows - 1) * stride + kernel,
            (columns - 1) * stride + kernel,
            rows,
            columns,
            shape[1],
            operator.out_channels,
            operator.groups,
            kernel,
            stride,
        )
        found.setdefault(layer.shape(), (layer, alone))
    return list(found.values())


def cpu_seconds(functions: list[Callable[[], object]]) -> float:
    """Of all, once each: the least of several rounds, compiled beforehand."""
    rounds = []
    for _ in range(1 + ROUNDS):
        begin = time.process_time()
        for function in functions:
            function()
        rounds.append(time.process_time() - begin)
    return min(rounds[1:])


def run_package(python: str, script: str, layers: list[Layer]) -> list[tuple[str, float, int]]:
    """Name, CPU seconds and cycles of the layers, by a script of this folder.

    Raises `CalledProcessError`, `TimeoutExpired` or `OSError` where the package does not run.
    """
    result = subprocess.run(
        [python, "-W", "ignore", str(Path(__file__).with_name(script)), str(CPU_LIMIT_S)],
        input=json.dumps([asdict(layer) for layer in layers]),
        check=True,
        capture_output=True,
        text=True,
        timeout=SLOWEST_S,
    )
    return [tuple(row) for row in json.loads(result.stdout.splitlines()[-1])]


def rate_of(python: str, script: str, layers: list[Layer]) -> str:
    """Layers per CPU-second of a package, or why there is no such figure."""
    try:
        results = run_package(python, script, layers)
    except subprocess.CalledProcessError as error:
        reason = error.stderr.strip().splitlines() or [str(error)]
        return f"failed: {reason[-1]}"
    except (subprocess.TimeoutExpired, OSError) as error:
        return f"failed: {error}"
    rate = f"{len(results) / sum(seconds for _, seconds, _ in results):,.2f}"
    return rate if len(results) == len(layers) else f"{rate} (the first {len(results)} of them)"


def row(name: str, value: str) -> None:
    """A line of the table."""
    print(f"  {name:44}{value:>10}")


def beside_packages() -> None:
    """Print the table."""
    pairs = distinct_layers(apollo.load("mobilenet_v1"))
    layers, graphs = [layer for layer, _ in pairs], [graph for _, graph in pairs]
    networks = [lower(graph) for graph in graphs]
    gemmini = load_design("gemmini")
    ours = {
        "Apollo, 64 lanes": [partial(measure, each, ONE_CORE) for each in networks],
        "  lowering included": [partial(measure_graph, each, ONE_CORE) for each in graphs],
        "Apollo, systolic array": [partial(measure_graph, each, gemmini) for each in graphs],
    }
    print(f"{len(layers)} distinct convolutions of mobilenet_v1, layers per CPU-second")
    for name, functions in ours.items():
        row(name, f"{len(layers) / cpu_seconds(functions):,.1f}")
    for name, variable, script in PACKAGES:
        python = os.environ.get(variable)
        if not python:
            row(name, "not installed")
            continue
        row(name, rate_of(python, script, layers))
    for name, rate in ELSEWHERE:
        row(f"{name} (measured elsewhere)", rate)
