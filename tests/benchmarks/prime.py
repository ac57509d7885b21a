"""The model of stored trials, beside search: `python -m tests.benchmarks.prime FOLDER SEEDS`.

Studies of five networks under two budgets are the sources; the tasks are a budget, and a network,
that none of them had. docs/transfer.md shows the tables.
"""

import statistics
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from apollo.search.explore import explore, make_problem
from apollo.search.problem import Problem
from apollo.search.task import Task
from apollo.search.transfer.prime.propose import admits_of, proposals
from apollo.search.transfer.prime.rows import make_rows
from apollo.search.transfer.prime.settings import PrimeSettings
from apollo.search.transfer.prime.train import train
from apollo.search.transfer.source import read_sources
from apollo.search.transfer.warm_start import WarmStart

SOURCES = (
    *("mobilenet_v2", "mobilenet_v1", "mobilenet_v3_small"),
    *("mobilenet_edgetpu", "efficientnet_lite0"),
)
BUDGETS_MM2 = (6.8, 8.0)
SOURCE_TRIALS, COUNT, LONG = 2048, 32, 1024
TASKS = (("mobilenet_v2", 4.8), ("mobilenet_v3_large_0.75", 6.8), ("mobilenet_v3_large_0.75", 4.8))
PENALTIES = {
    "prime": {},
    "without alpha": {"alpha": 0.0},
    "without beta": {"beta": 0.0},
    "without both": {"alpha": 0.0, "beta": 0.0},
}


def problem_of(network: str, max_area_mm2: float, **options: Any) -> Problem:
    return make_problem([network], objectives=["speedup"], max_area_mm2=max_area_mm2, **options)


def row(name: str, found: Sequence[Sequence[float]]) -> None:
    """Median and least over the seeds of: the first, the best, and how many are feasible."""
    first = [rewards[0] for rewards in found]
    best = [max(rewards) for rewards in found]
    feasible = [sum(reward > 0 for reward in rewards) for rewards in found]
    cells = [f"{statistics.median(each):.3f} ({min(each):.3f})" for each in (first, best)]
    print(f"| {name} | {' | '.join(cells)} | {statistics.median(feasible):.0f} |", flush=True)


def rewards_of(
    problem: Problem, trials: int, seed: int, folder: Path, **options: Any
) -> list[float]:
    found = explore(problem, trials=trials, seed=seed, output=folder, **options)
    return [trial.reward for trial in found.result.trials[:trials]]  # a stored one may have more


class _Evaluated(dict[Any, Any]):
    """Evaluations in memory."""

    put = dict.__setitem__


def everything(points: np.ndarray) -> np.ndarray:
    return np.ones(len(points), dtype=np.bool_)


def on_task(task: Task, names: Sequence[str], folder: Path, seeds: range) -> None:
    problem = task.problem
    filtered = problem_of(problem.networks[0], problem.max_area_mm2 or 0, only_admitted=True)
    sources = read_sources(names, folder)
    start = WarmStart(tuple(names), COUNT)
    row("best of the sources", [rewards_of(problem, COUNT, 0, folder, warm_start=start)])
    row("evolutionary --filter", [rewards_of(filtered, COUNT, seed, folder) for seed in seeds])
    row(f"the same, {LONG} trials", [rewards_of(filtered, LONG, seed, folder) for seed in seeds])
    rows, evaluate = make_rows(sources, task), task.evaluator()(_Evaluated())
    for name, changes in PENALTIES.items():
        models = [
            train(rows, task.problem.space.radices, PrimeSettings(**changes), s) for s in seeds
        ]
        taus = statistics.median(trained.rank_correlation for trained in models)
        for kind, admits in (("", admits_of(task)), (", area unknown", everything)):
            found = [
                proposals(trained.model, rows, task, COUNT, seed, admits)
                for seed, trained in zip(seeds, models, strict=True)
            ]
            rewards = [[evaluate(index).reward for index in points] for points in found]
            row(f"{name}{kind} (tau {taus:.2f})", rewards)


def main() -> None:
    folder, seeds = Path(sys.argv[1]), range(int(sys.argv[2]))
    names = [f"{network}-{budget}" for budget in BUDGETS_MM2 for network in SOURCES]
    for budget in BUDGETS_MM2:
        for network in SOURCES:
            problem = problem_of(network, budget)
            explore(problem, trials=SOURCE_TRIALS, study=f"{network}-{budget}", output=folder)
    for network, budget in TASKS:
        print(f"\n{network} under {budget} mm²\n\n| | first | best of {COUNT} | feasible |")
        on_task(Task.of(problem_of(network, budget)), names, folder, seeds)


if __name__ == "__main__":
    main()
