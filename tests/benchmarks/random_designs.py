"""Evaluations per second on random feasible designs."""

import statistics
import time
from collections.abc import Iterator

import numpy as np

import apollo
from apollo.arch import space
from apollo.arch.accelerator import Accelerator
from apollo.arch.area import area_of
from apollo.compiler.errors import DoesNotFit
from apollo.compiler.lower import lower
from apollo.compiler.network import Network
from apollo.search.measure import measure
from apollo.workloads.catalogue import NETWORKS
from apollo.workloads.graph import Graph
from apollo.workloads.operators import GRU, LSTM, Convolution, MatMul

BUDGET_MM2 = 27.0  # as in the published data set
ROUNDS = 5
FEW, MANY = 10, 40  # designs for each of all networks, and of the MobileNets
AIM = 200


def is_cnn(graph: Graph) -> bool:
    """Whether convolutions, and neither recurrence nor attention, do the work."""
    operators = graph.operators
    others = any(isinstance(each, LSTM | GRU | MatMul) for each in operators)
    return not others and any(isinstance(each, Convolution) for each in operators)


def feasible_designs(network: Network) -> Iterator[Accelerator]:
    """Random designs under the area budget on which the network fits, the same in every run."""
    generator = np.random.default_rng(0)
    while True:
        design = space.accelerator_at(int(generator.integers(space.SIZE)))
        if area_of(design).total_mm2 > BUDGET_MM2:
            continue
        try:
            measure(network, design)
        except DoesNotFit:
            continue
        yield design


def rates(network: Network, count: int) -> list[float]:
    """Evaluations per second on so many designs, each of the fastest of several rounds."""
    found = []
    for design, _ in zip(feasible_designs(network), range(count), strict=False):
        rounds = []
        for _ in range(ROUNDS):
            begin = time.perf_counter()
            measure(network, design)
            rounds.append(time.perf_counter() - begin)
        found.append(1 / min(rounds))
    return found


def on_random_designs() -> None:
    """Print the geometric means of the MobileNets, then of every built-in CNN and of all."""
    print(f"random feasible designs, up to {BUDGET_MM2} mm2: evaluations per second")
    for name in ("mobilenet_v1", "mobilenet_v2"):
        _print_row(name, rates(lower(apollo.load(name)), MANY))
    print(f"built-in CNNs on {FEW} of them each")
    every: list[float] = []
    for name in NETWORKS:
        graph = apollo.load(name)
        if is_cnn(graph):
            found = rates(lower(graph), FEW)
            _print_row(name, found)
            every += found
    _print_row(f"geometric mean (aim {AIM})", every)


def _print_row(name: str, found: list[float]) -> None:
    print(f"  {name:32}{statistics.geometric_mean(found):12,.0f}   slowest {min(found):8,.0f}")
