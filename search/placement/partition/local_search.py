"""Local search of the paper: from a random placement the best single move, until none is better.

A move puts one group on another device. Memory that is lacking counts before cost, so that a start
that does not fit is mended first.
"""

import numpy as np

from apollo.search.placement.problem import Ints, PlacementProblem

RESTARTS = 10  # as in the paper


def place_by_local_search(
    problem: PlacementProblem, generator: np.random.Generator, restarts: int = RESTARTS
) -> Ints:
    """[G] The best placement of several searches, each from a random one."""
    if restarts < 1:
        raise ValueError(f"Restarts must be 1 or more, not {restarts}.")
    shape = (restarts, len(problem.groups.names))
    starts = generator.integers(0, len(problem.device_names), shape)
    found = np.stack([improve(problem, start) for start in starts])
    best: Ints = found[_first(problem, found)]
    return best


def improve(problem: PlacementProblem, placement: Ints) -> Ints:
    """[G] The placement after best moves, of which no move makes a better one."""
    while True:
        candidates = np.concatenate([placement[None, :], _moves(problem, placement)])
        best = _first(problem, candidates)
        if best == 0:
            return placement
        placement = candidates[best]


def _moves(problem: PlacementProblem, placement: Ints) -> Ints:
    """[G * D, G] Every group on every device, the others as they are."""
    groups, devices = len(placement), len(problem.device_names)
    moved = np.repeat(placement[None, :], groups * devices, axis=0)
    moved[np.arange(groups * devices), np.repeat(np.arange(groups), devices)] = np.tile(
        np.arange(devices), groups
    )
    return moved


def _first(problem: PlacementProblem, placements: Ints) -> int:
    """The number of the best placement, the first of equals."""
    costs = problem.costs(placements)
    return int(np.lexsort((costs.cost, costs.overflow_bytes))[0])
