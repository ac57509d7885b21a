"""How long a plan takes on this machine: evaluations are timed, the rest is known by optimizer."""

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from apollo.search.evaluate import Job
from apollo.search.objective import SPEEDUP
from apollo.search.reproduce.enumerate import chunk_path, chunks_of
from apollo.search.reproduce.plan import EVOLUTIONARY, P3BO, RANDOM, VIZIER, Plan, Run
from apollo.search.reproduce.rows import is_finished
from apollo.search.task import Task

ENUMERATION = "enumeration"
_TIMED = 12  # designs
# Measured on mobilenet_v2. Of a trial: the share that is compiled under a budget, how much longer
# that takes than for a random design (good ones have more layers in core memory), and the
# optimizer's own milliseconds.
_COMPILED = {RANDOM: 0.05, EVOLUTIONARY: 0.5, P3BO: 0.85, VIZIER: 0.4}
_LONGER = {RANDOM: 1.0, EVOLUTIONARY: 2.3, P3BO: 2.1, VIZIER: 1.5}
_OWN_MS = {RANDOM: 0.0, EVOLUTIONARY: 0.05, P3BO: 8.0, VIZIER: 20.0}
_TRIAL_MS, _AREA_MS = 0.5, 0.06  # storing a trial; the area of a design
_LARGE_SHARE = 0.05  # of all large designs, within the largest published budget


@dataclass(frozen=True)
class Estimate:
    """Processor seconds of a part, done and to do."""

    part: str
    runs: int
    done: int
    seconds: float  # of what is left


def milliseconds_of(plan: Plan) -> dict[str, float]:
    """Of an evaluation of all networks of a set, on designs within the largest budget."""
    found = {}
    for networks in plan.sets:
        task = Task.of(plan.problem(networks, SPEEDUP, max(plan.budgets_mm2)))
        points, measure = _admitted(task), task.measure()
        measure(Job(points[0], task.objective.networks))  # kernels may be compiled now
        began = time.process_time()
        for point in points:
            measure(Job(point, task.objective.networks))
        found[networks] = 1e3 * (time.process_time() - began) / len(points)
    return found


def estimates_of(plan: Plan, folder: Path, milliseconds: dict[str, float]) -> list[Estimate]:
    """A row a part, the enumeration last."""
    rows = []
    for part, runs in plan.runs.items():
        left = [run for run in runs if not is_finished(folder, run)]
        seconds = sum(seconds_of(run, milliseconds[run.networks]) for run in left)
        rows.append(Estimate(part, len(runs), len(runs) - len(left), seconds))
    chunks = [chunk for networks in plan.enumerated for chunk in chunks_of(plan, networks)]
    left_chunks = [chunk for chunk in chunks if not chunk_path(folder, chunk).is_file()]
    designs = _large_designs(plan) / max(1, len(chunks)) * len(plan.enumerated)
    seconds = sum(designs * milliseconds[chunk.networks] / 1e3 for chunk in left_chunks)
    done = len(chunks) - len(left_chunks)
    return [*rows, Estimate(ENUMERATION, len(chunks), done, seconds)]


def seconds_of(run: Run, evaluation_ms: float) -> float:
    """Of a run."""
    compiled = 1.0 if run.budget_mm2 is None else _COMPILED[run.optimizer]
    measured_ms = compiled * _LONGER[run.optimizer] * evaluation_ms
    trial_ms = measured_ms + _OWN_MS[run.optimizer] + _TRIAL_MS
    return run.trials * trial_ms / 1e3


def _large_designs(plan: Plan) -> float:
    """About how many large designs are within the largest budget."""
    sizes = plan.space.size
    for parameter in plan.space.parameters[6:9]:
        sizes //= len(parameter.choices)
    return sizes * _LARGE_SHARE


def _admitted(task: Task) -> list[int]:
    """Random points that the budget admits."""
    generator = np.random.default_rng(0)
    points = list[int]()
    while len(points) < _TIMED:
        point = int(generator.integers(task.problem.space.size))
        if task.objective.rejected(task.known_at(point)) is None:
            points.append(point)
    return points
