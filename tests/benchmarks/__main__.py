"""`make bench`: how fast the hot path is, on one core of this machine.

The fastest of several rounds; ratios within one run are the figures to compare between machines.
Other packages run beside where an environment variable names a Python that has them (`beside.py`).
"""

import time
from functools import partial

import numpy as np

import apollo
from apollo.arch.accelerator import Accelerator, load_design
from apollo.compiler.lower import lower
from apollo.compiler.network import Network
from apollo.compiler.pipeline import compile_network
from apollo.search.measure import measure
from apollo.simulator import reference
from apollo.simulator.engine import simulate
from tests.benchmarks.beside import beside_packages
from tests.benchmarks.evaluation_memory import evaluation_memory
from tests.benchmarks.memory import bytes_per_instruction
from tests.benchmarks.placements import placements_per_second, seconds_to_learn
from tests.benchmarks.programs import mobilenet_like
from tests.benchmarks.random_designs import on_random_designs
from tests.benchmarks.timing import seconds_per_call

MOBILENET_BYTES = 4_260_000
MOBILENET_SIZES = (233, 1400, 4200)  # instructions, as designs and tilings give them
SHORTEST = 2000
DOUBLINGS = 6
BYTES_OF_AN_INSTRUCTION = 1500  # parameters, in programs that grow
MEMORY_INSTRUCTIONS = 2_000_000


def hot_path(network: Network, design: Accelerator) -> None:
    """One network on one design, and its parts."""
    measurement = measure(network, design)
    program = measurement.cold.program
    whole = seconds_per_call(lambda: measure(network, design))
    compiling = seconds_per_call(lambda: compile_network(network, design))
    simulating = seconds_per_call(lambda: simulate(program, design))
    unskipped = seconds_per_call(lambda: simulate(program, design, skip=False))
    bursts = int(measurement.cold.channel_bytes.sum()) // design.burst_bytes
    print(f"{network.name} on {design.name}, compile and simulate, cold and warm")
    print(f"  evaluations per second          {1 / whole:12,.0f} (aim 1,500)")
    print(f"  instructions                    {len(program):12,}")
    print(f"  compile                         {compiling * 1e6:12,.0f} us")
    print(f"  simulate, one run               {simulating * 1e6:12,.0f} us")
    print(f"  the same without skips          {unskipped / simulating:12.1f} x")
    print(f"  simulated instructions/s        {len(program) / simulating:12,.0f}")
    print(f"  simulated bursts/s              {bursts / simulating:12,.0f}")


def simulator_alone(design: Accelerator) -> None:
    """Programs of MobileNet's size, and how time grows with length."""
    print(f"generated programs of {MOBILENET_BYTES / 1e6:.2f} MB of parameters on {design.name}")
    for instructions in MOBILENET_SIZES:
        program = mobilenet_like(instructions, MOBILENET_BYTES)
        timeline = simulate(program, design)
        bursts = int(timeline.channel_bytes.sum()) // design.burst_bytes
        for name, skip in (("skips", True), ("without", False)):
            seconds = seconds_per_call(partial(simulate, program, design, skip=skip))
            print(
                f"  {instructions:6,} instructions, {bursts:6,} bursts, {name:8}"
                f"{seconds * 1e6:8,.0f} us {instructions / seconds:12,.0f} instructions/s "
                f"{bursts / seconds:12,.0f} bursts/s"
            )
    lengths = [SHORTEST << doubling for doubling in range(DOUBLINGS)]
    print(f"time against length, {SHORTEST:,} instructions and multiples of them")
    for name, skip in (("skips", True), ("without", False)):
        times = []
        for length in lengths:
            program = mobilenet_like(length, BYTES_OF_AN_INSTRUCTION * length)
            times.append(seconds_per_call(partial(simulate, program, design, skip=skip)))
        exponent = np.polyfit(np.log(lengths), np.log(times), 1)[0]
        row = " ".join(f"x{1 << n} {t * 1e6:,.0f}" for n, t in enumerate(times))
        print(f"  {name:8} exponent {exponent:.2f}; us: {row}")


def memory() -> None:
    """What a long program takes, and what evaluations do."""
    per_instruction = bytes_per_instruction(MEMORY_INSTRUCTIONS)
    print(f"peak memory of {MEMORY_INSTRUCTIONS:,} instructions, program included")
    print(f"  bytes per instruction           {per_instruction:12,.0f}")
    growth, peak = evaluation_memory()
    print("peak memory of evaluations of the built-in CNNs (aim: below 300 MB)")
    print(f"  resident growth                 {growth / 1e6:12,.0f} MB")
    print(f"  with Python and all kernels     {peak / 1e6:12,.0f} MB")


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
    memory()
    simulator_alone(edge_tpu)
    hot_path(lower(apollo.load("mobilenet_v1")), edge_tpu)
    on_random_designs()
    placements_per_second()
    seconds_to_learn()
    against_reference(lower(apollo.load("mobilenet_v1_0.25_128")), edge_tpu)
    beside_packages()


if __name__ == "__main__":
    main()
