"""Which devices a rule that knows no durations should use, and where groups may run at all."""

import numpy as np

from apollo.search.placement.problem import Floats, Ints, PlacementProblem

_ALIKE = 2.0  # times as slow as the fastest, at most


def slowness(problem: PlacementProblem) -> Floats:
    """[D] The time of what a device can run, over that on the fastest device for each group."""
    groups = problem.groups
    taken = np.where(groups.allowed, groups.compute_ns, 0)
    fastest = np.where(groups.allowed, groups.compute_ns, np.iinfo(np.int64).max).min(axis=1)
    least = (groups.allowed * fastest[:, None]).sum(axis=0)
    slow: Floats = np.where(least > 0, taken.sum(axis=0) / np.maximum(least, 1), np.inf)
    return slow


def device_sets(problem: PlacementProblem) -> list[Ints]:
    """The devices that are about as fast as the fastest, and all of them, where these are others.

    The rules of the literature are for devices that are alike; a host beside its GPUs is not.
    """
    slow = slowness(problem)
    alike = np.flatnonzero(slow <= _ALIKE * slow.min())
    every = np.arange(len(slow))
    return [alike] if len(alike) == len(every) else [alike, every]


def on_allowed(problem: PlacementProblem, placement: Ints) -> Ints:
    """The placement [G], but groups that may not run where it puts them on their fastest device."""
    groups = problem.groups
    taken = np.where(groups.allowed, groups.compute_ns, np.iinfo(np.int64).max)
    may = groups.allowed[np.arange(len(placement)), placement]
    allowed: Ints = np.where(may, placement, taken.argmin(axis=1))
    return allowed


def random_placements(
    problem: PlacementProblem, count: int, generator: np.random.Generator
) -> Ints:
    """[count, G] Every group on any device that may run it."""
    allowed = problem.groups.allowed
    drawn = np.where(allowed, generator.random((count, *allowed.shape)), -1.0)
    placements: Ints = drawn.argmax(axis=2)
    return placements
