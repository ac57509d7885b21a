"""Designs that a model likes: what it is held down on, and in the end what it proposes."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]
Value = Callable[[Ints], Floats]  # of points [N, D]: what the model says, [N]

MUTATION = 0.1  # probability, per digit


def mutated(points: Ints, radices: Ints, generator: np.random.Generator) -> Ints:
    """Points with some digits replaced by other values, one at least in every point."""
    count, digits = points.shape
    changed = generator.random((count, digits)) < MUTATION
    changed[np.arange(count), generator.integers(0, digits, count)] = True
    shift = generator.integers(1, np.maximum(radices, 2), size=(count, digits))
    mutants: Ints = np.where(changed, (points + shift) % radices, points)
    return mutants


def climb(
    points: Ints, value: Value, radices: Ints, rounds: int, generator: np.random.Generator
) -> Ints:
    """Every point [N, D] after some mutations, of which those stay that the model likes better.

    Each climbs by itself, as each may have a context of its own.
    """
    best = value(points)
    for _ in range(rounds):
        mutants = mutated(points, radices, generator)
        found = value(mutants)
        better = found > best
        points, best = np.where(better[:, None], mutants, points), np.where(better, found, best)
    return points


def evolve(
    points: Ints,
    value: Value,
    admits: Callable[[Ints], npt.NDArray[np.bool_]],
    radices: Ints,
    rounds: int,
    generator: np.random.Generator,
) -> Ints:
    """All admitted points that were seen, [S, D], the best first, each once.

    The better half of the population breeds: two parents, each digit from either, then mutation.
    Points that are not admitted never enter.
    """
    size, digits = points.shape
    seen: Ints = np.empty((0, digits), dtype=np.int64)
    values: Floats = np.empty(0, dtype=np.float32)
    for _ in range(rounds):
        admitted = points[admits(points)]
        together = np.concatenate([seen, admitted])
        found = np.concatenate([values, value(admitted)])
        once = np.sort(np.unique(together, axis=0, return_index=True)[1])
        ranked = once[np.argsort(-found[once], kind="stable")]
        seen, values = together[ranked], found[ranked]
        if not len(seen):
            points = generator.integers(0, radices, size=points.shape)
            continue
        breeding = seen[: max(1, size // 2)]
        parents = breeding[generator.integers(0, len(breeding), size=(2, size))]
        crossed = generator.random(points.shape) < 0.5
        points = mutated(np.where(crossed, parents[0], parents[1]), radices, generator)
    return seen
