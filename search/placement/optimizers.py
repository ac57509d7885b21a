"""Every way to place a graph, by the name that `--optimizer` takes."""

import numpy as np

from apollo.arch.text import suggestion
from apollo.search.placement.baselines.table import BASELINES, FAMILY, baseline_of
from apollo.search.placement.found import Budget, Found, Tries
from apollo.search.placement.graphs.expert import expert
from apollo.search.placement.instance import Instance
from apollo.search.placement.problem import Bools, PlacementProblem
from apollo.search.placement.task import PlacementTask

LEARNED, REFINED, EXPERT, ALL = "rl", "rl_local_search", "expert", "all"
_PROOFS = ("exhaustive", "cp_sat")  # only for small graphs: never run unless asked for


def optimizer_names() -> list[str]:
    """All of them, those that `all` stands for first."""
    return [
        LEARNED,
        REFINED,
        EXPERT,
        *(name for name in BASELINES if name not in _PROOFS),
        *_PROOFS,
    ]


def chosen(names: str) -> list[str]:
    """The optimizers in a text: names with commas between, or `all`.

    Raises `ValueError`, one sentence, for one that there is not.
    """
    asked = [name.strip() for name in names.split(",")]
    if ALL in asked:
        asked = [name for name in optimizer_names() if name not in _PROOFS]
    for name in asked:
        known = [*optimizer_names(), ALL]
        if name not in known and not name.startswith(f"{FAMILY}:"):
            listed = ", ".join([*known, f"{FAMILY}:NAME"])
            raise ValueError(
                f"There is no optimizer '{name}' for placements (known: {listed})."
                f"{suggestion(name, known)}"
            )
    return list(dict.fromkeys(asked))


def place(name: str, task: PlacementTask, budget: Budget, seed: int) -> Found:
    """What an optimizer finds.

    Raises `ValueError`, one sentence, where it cannot serve.
    """
    if name == EXPERT:
        return _expert(task, budget)
    return place_problem(name, task.problem, task.instance, budget, seed)


def place_problem(
    name: str, problem: PlacementProblem, instance: Instance | None, budget: Budget, seed: int
) -> Found:
    """The same for any problem; some optimizers need the operators of an instance.

    Raises `ValueError`, one sentence, where it cannot serve.
    """
    if name == LEARNED:
        from apollo.search.placement.learning.learn import learn  # JAX is slow to import

        return learn(problem, budget, seed)
    if name == REFINED:
        from apollo.search.placement.refined import learn_and_search

        return learn_and_search(problem, budget, seed)
    return baseline_of(name)(problem, instance, budget, seed)


def _expert(task: PlacementTask, budget: Budget) -> Found:
    """What people would do, on all devices of the fastest kind."""
    tries = Tries(task.problem, budget)
    total = task.problem.groups.compute_ns.sum(axis=0)
    usable: Bools = np.asarray(task.problem.groups.allowed.all(axis=0))
    if not usable.any():
        raise ValueError("The expert's rule needs devices that can run every group.")
    best = min(total[usable])
    devices = [device for device in range(len(total)) if usable[device] and total[device] == best]
    tries.costs(expert(task.graph, devices)[None, :])
    return tries.found()
