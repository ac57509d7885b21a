"""Designs for a task that the model of other studies' trials thinks best; nothing is simulated.

Constraints that are known of a design alone are kept exactly; the model is asked only for what
they admit.
"""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from apollo.search.task import Task
from apollo.search.transfer.diverse import best_diverse
from apollo.search.transfer.prime.ascent import evolve
from apollo.search.transfer.prime.context import context_of, network_features
from apollo.search.transfer.prime.model import Model
from apollo.search.transfer.prime.rows import Rows, budget_of, make_rows
from apollo.search.transfer.prime.settings import PrimeSettings
from apollo.search.transfer.prime.train import train
from apollo.search.transfer.rerank import allowed_area
from apollo.search.transfer.source import Source

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]
Admits = Callable[[Ints], npt.NDArray[np.bool_]]

POPULATION, ROUNDS = 256, 40


def propose(
    sources: Sequence[Source], task: Task, count: int, settings: PrimeSettings, seed: int
) -> tuple[int, ...]:
    """The indices of so many designs, the best first; fewer where fewer are admitted.

    Raises `ValueError`, one sentence, when the studies have nothing to learn from.
    """
    rows = make_rows(sources, task)
    model = train(rows, task.problem.space.radices, settings, seed).model
    return proposals(model, rows, task, count, seed, admits_of(task))


def proposals(
    model: Model, rows: Rows, task: Task, count: int, seed: int, admits: Admits
) -> tuple[int, ...]:
    """The best diverse designs that evolution finds on the model, from the best admitted rows."""
    radices = np.array(model.radices)
    generator = np.random.default_rng([seed, 1])
    feasible = rows.at(rows.feasible)
    feasible = feasible.at(admits(feasible.points))
    best = feasible.points[np.argsort(-feasible.values, kind="stable")[: POPULATION // 2]]
    drawn = generator.integers(0, radices, size=(POPULATION - len(best), len(radices)))
    start = np.concatenate([best, drawn])
    value = value_of(model, task)
    ranked = evolve(start, value, admits, radices, ROUNDS, generator)
    chosen = ranked[best_diverse(ranked, count)]
    return tuple(task.problem.space.index_of(point) for point in chosen.tolist())


def value_of(model: Model, task: Task) -> Callable[[Ints], Floats]:
    """What the model says of points for the task: the weighted mean over its networks."""
    problem = task.problem
    budget = budget_of(task, problem.max_area_mm2)
    contexts = [context_of(network_features(each), budget) for each in task.networks.values()]
    weights = [float(problem.weights.get(name, 1)) for name in task.networks]

    def value(points: Ints) -> Floats:
        found = [model.values(points, np.tile(each, (len(points), 1))) for each in contexts]
        mean: Floats = np.average(found, axis=0, weights=weights)
        return mean

    return value


def admits_of(task: Task) -> Admits:
    """Which points no constraint that is known without compiling rejects."""
    known: dict[int, bool] = {}

    def admitted(index: int) -> bool:
        if index not in known:
            known[index] = allowed_area(index, task) is not None
        return known[index]

    def admits(points: Ints) -> npt.NDArray[np.bool_]:
        space = task.problem.space
        return np.array([admitted(space.index_of(point)) for point in points.tolist()], np.bool_)

    return admits
