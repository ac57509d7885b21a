"""`make bench`: how fast the hot path is, on one core of this machine.

Medians of several rounds; ratios within one run are the figures to compare between machines.
"""

import statistics
import time
from collections.abc import Callable

import numpy as np

import apollo
from apollo.arch import space
from apollo.arch.accelerator import Accelerator, load_design
from apollo.arch.area import area_of
from apollo.compiler.errors import DoesNotFit
from apollo.compiler.lower import Network, lower
from apollo.compiler.pipeline import compile_network
from apollo.search.measure import measure
from apollo.simulator import reference
from apollo.simulator.engine import simulate

ROUNDS = 7
ROUND_S = 0.4
FEASIBLE_DESIGNS = 40
BUDGET_MM2 = 27.0  # as in the published data set


def seconds_per_call(function: Callable[[], object]) -> float:
    """Median over rounds of the time of one call, compiled beforehand."""
    function()
    rounds = []
    for _ in range(ROUNDS):
        calls = 0
        begin = time.perf_counter()
        while time.perf_counter() - begin < ROUND_S:
            function()
            calls += 1
        rounds.append((time.perf_counter() - begin) / calls)
    return statistics.median(rounds)


def hot_path(network: Network, design: Accelerator) -> None:
    """One network on one design, and its parts."""
    measurement = measure(network, design)
    program = measurement.compiled.cold
    whole = seconds_per_call(lambda: measure(network, design))
    compiling = seconds_per_call(lambda: compile_network(network, design))
    simulating = seconds_per_call(lambda: simulate(program, design))
    unskipped = seconds_per_call(lambda: simulate(program, design, skip=False))
    bursts = int(measurement.cold.channel_bytes.sum()) // 256
    print(f"{network.name} on {design.name}, compile and simulate, cold and warm")
    print(f"  evaluations per second          {1 / whole:12,.0f}")
    print(f"  instructions                    {len(program):12,}")
    print(f"  compile                         {compiling * 1e6:12,.0f} us")
    print(f"  simulate, one run               {simulating * 1e6:12,.0f} us")
    print(f"  the same without skips          {unskipped / simulating:12.1f} x")
    print(f"  simulated instructions/s        {len(program) / simulating:12,.0f}")
    print(f"  simulated bursts/s              {bursts / simulating:12,.0f}")


def random_designs(network: Network) -> None:
    """Geometric mean over random feasible designs under the area of the published data set."""
    generator = np.random.default_rng(0)
    rates = []
    while len(rates) < FEASIBLE_DESIGNS:
        design = space.accelerator_at(int(generator.integers(space.SIZE)))
        if area_of(design).total_mm2 > BUDGET_MM2:
            continue
        try:
            measure(network, design)
        except DoesNotFit:
            continue
        begin = time.perf_counter()
        for _ in range(5):
            measure(network, design)
        rates.append(5 / (time.perf_counter() - begin))
    print(f"{network.name} on {FEASIBLE_DESIGNS} random feasible designs")
    print(f"  evaluations per second          {statistics.geometric_mean(rates):12,.0f}")
    print(f"  slowest                         {min(rates):12,.0f}")


def against_reference(network: Network, design: Accelerator) -> None:
    """The kernel beside the tick-by-tick reference."""
    program = compile_network(network, design).cold
    kernel = seconds_per_call(lambda: simulate(program, design))
    begin = time.perf_counter()
    reference.simulate(program, design)
    ticks = time.perf_counter() - begin
    print(f"{network.name} on {design.name}, kernel against tick-by-tick reference")
    print(f"  ratio                           {ticks / kernel:12,.0f} x")


def main() -> None:
    """Print every benchmark."""
    edge_tpu = load_design("edge_tpu_v1")
    hot_path(lower(apollo.load("mobilenet_v1")), edge_tpu)
    for name in ("mobilenet_v1", "mobilenet_v2"):
        random_designs(lower(apollo.load(name)))
    against_reference(lower(apollo.load("mobilenet_v1_0.25_128")), edge_tpu)


if __name__ == "__main__":
    main()
