"""What layers in strips of rows bring: `python -m tests.benchmarks.fusion [NETWORK ...]`.

Cycles and DRAM bytes of a following inference with and without strips, of the built-in CNNs on
designs where they put something out to DRAM.
"""

import statistics
import sys
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

import apollo
from apollo.arch import space
from apollo.arch.accelerator import Accelerator, load_design
from apollo.arch.area import area_of
from apollo.compiler.errors import DoesNotFit
from apollo.compiler.lower import lower
from apollo.compiler.options import Fixed, Options
from apollo.compiler.pipeline import Compiled, compile_network
from apollo.compiler.tables import Map, Nest, TensorColumn
from apollo.search.measure import Measurement, measure
from apollo.workloads.catalogue import NETWORKS
from tests.benchmarks.random_designs import BUDGET_MM2, is_cnn

MOST_BYTES = 4 << 20  # of all PE memories together: beyond, few networks put anything out
RANDOM = 12
WHOLE = Options(fixed=(Fixed("*", Map.STRIPS, 1),))


def small_designs(count: int = RANDOM) -> Iterator[Accelerator]:
    """Edge TPU V2 with fewer PEs and with less memory, then random designs with little of it."""
    v2 = load_design("edge_tpu_v2")
    yield replace(v2, name="v2, 2 x 2 PEs", pes_x=2, pes_y=2)
    yield replace(v2, name="v2, 64 KiB", pe_memory_bytes=1 << 16)
    generator = np.random.default_rng(1)
    while count > 0:
        design = space.accelerator_at(int(generator.integers(space.SIZE)))
        small = design.pes * design.pe_memory_bytes <= MOST_BYTES
        if small and area_of(design).total_mm2 <= BUDGET_MM2:
            yield design
            count -= 1


def dram_bytes(measurement: Measurement) -> int:
    """Bytes that a following inference moves over the channel."""
    return sum(measurement.metrics.dram_bytes.values())


def puts_out(compiled: Compiled) -> bool:
    """Whether a tensor goes to DRAM for want of room."""
    written = compiled.network.nests[compiled.mapping[:, Map.TO_DRAM] > 0, Nest.DESTINATION]
    return bool((compiled.network.tensors[written, TensorColumn.IN_DRAM] == 0).any())


def main() -> None:
    """Print a row for every network and design where something is put out."""
    designs = [load_design("edge_tpu_v1"), *small_designs()]
    cold, warm, moved = [], [], []
    for name in sys.argv[1:] or NETWORKS:
        graph = apollo.load(name)
        if not is_cnn(graph):
            continue
        network = lower(graph)
        for design in designs:
            try:
                if not puts_out(compile_network(network, design, WHOLE)):
                    continue
                before, after = measure(network, design, WHOLE), measure(network, design)
            except (DoesNotFit, ValueError):
                continue
            cold.append(after.metrics.cycles / before.metrics.cycles)
            warm.append(after.metrics.warm_cycles / before.metrics.warm_cycles)
            moved.append(dram_bytes(after) / dram_bytes(before))
            print(
                f"  {name:32}{design.name:40}{before.metrics.warm_cycles:>12,}"
                f"{warm[-1]:8.3f}{dram_bytes(before):>14,}{moved[-1]:8.3f}",
                flush=True,
            )
    for what, found in (("cold", cold), ("warm", warm), ("DRAM bytes", moved)):
        mean = statistics.geometric_mean(found)
        print(f"{what}: mean {mean:.3f}, {min(found):.3f} to {max(found):.3f}, {len(found)} runs")


if __name__ == "__main__":
    main()
