"""A synthetic task over the real space: rugged, cheap, most points infeasible.

Shaped as the real one was found to be: area rejects most points, a too small core memory some of
the rest; throughput saturates in every parameter, parameters interact, and a hash makes it rugged.
"""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from apollo.arch.space import PARAMETERS, digits_of
from apollo.search.trial import Outcome, Trial

MAX_AREA_MM2 = 6.8


def evaluate(index: int) -> Outcome:
    pes_x, pes_y, lanes, cores, pe_memory, core_memory, activation, instruction, parameter, dram = (
        p.choices[digit] for p, digit in zip(PARAMETERS, digits_of(index), strict=True)
    )
    pes, mib = pes_x * pes_y, 1 / (1 << 20)
    area = 1.0 + pes * (pe_memory * mib + cores * (core_memory * mib + lanes * 0.0015)) * 0.9
    metrics = {"area_mm2": area}
    if area > MAX_AREA_MM2:
        return Outcome(False, 0.0, metrics, "area", f"The area is {area:.2f} mm².")
    if core_memory < 64 * lanes or (index // 7) % 5 == 0:
        return Outcome(False, 0.0, metrics, "core_memory", f"{core_memory} bytes are too few.")
    compute = pes * cores * lanes / (1 + 0.02 * abs(pes_x - pes_y) + 0.001 * (lanes - 64) ** 2 / 64)
    resident = min(1.0, pes * pe_memory * mib / 4)
    traffic = dram * (0.3 + 3 * resident) * min(1.0, activation / 4096, parameter / 8192)
    throughput = 1 / (400 / compute + 1 / traffic + 0.002 * 65536 / instruction)
    rugged = 0.8 + 0.4 * np.random.default_rng(index).random()
    metrics["throughput_per_s"] = throughput
    return Outcome(True, throughput * rugged / area, metrics)


def trial(number: int, index: int) -> Trial:
    return Trial(number, index, evaluate(index))


def comparable(trials: Iterable[Trial]) -> list[Trial]:
    """Trials without the column that differs between equal runs."""
    return [replace(trial, seconds=0.0) for trial in trials]
