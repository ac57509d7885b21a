"""Points that promise most, found by evolution, and a batch of them that are unlike."""

from collections.abc import Callable

import numpy as np

from apollo.search.optimizers.base import Ints
from apollo.search.optimizers.evolutionary import Evolutionary
from apollo.search.optimizers.mbo.log import Floats
from apollo.search.trial import Outcome, Trial


def diverse(
    boldness: Floats,  # [count] factor on the deviation, for every point of the batch
    mean: Floats,  # [N]
    spread: Floats,  # [N] variance by disagreement
    covariance: Floats,  # [N, N] by ignorance
    promise: Callable[[Floats], Floats],  # of optimistic rewards
) -> list[int]:
    """Positions of a batch, as if every point chosen had been told already.

    T. Desautels et al., "Parallelizing exploration-exploitation tradeoffs in Gaussian process
    bandit optimization" (2014): what is told lowers the variance around it, whatever it says.
    """
    chosen: list[int] = []
    left = np.ones(len(mean), dtype=np.bool_)
    for bold in boldness[: len(mean)]:
        variance = np.maximum(spread + np.diag(covariance), 0.0)
        promises = promise(mean + bold * np.sqrt(variance))
        best = int(np.argmax(np.where(left, promises, -1.0)))
        chosen.append(best)
        left[best] = False
        column = covariance[:, best]
        covariance = covariance - np.outer(column, column) / (covariance[best, best] + 1e-3)
    return chosen


def evolve(
    start: Ints,
    score: Callable[[Ints], Floats],
    breeder: Evolutionary,
    generations: int,
    offspring: int,
    generator: np.random.Generator,
) -> Ints:
    """Every distinct point met as evolution from `start` goes on, best first.

    Points are indices, [N].
    """
    met, scores = start, score(start)
    _tell(breeder, met, scores)
    for _ in range(generations):
        children = np.unique(breeder.indices_of(breeder.ask(offspring, generator)))
        children = children[~np.isin(children, met)]
        if not len(children):
            break
        values = score(children)
        _tell(breeder, children, values)
        met, scores = np.append(met, children), np.append(scores, values)
    return met[np.argsort(-scores, kind="stable")]


def _tell(breeder: Evolutionary, points: Ints, scores: Floats) -> None:
    breeder.tell(
        [
            Trial(number, point, Outcome(True, value))
            for number, (point, value) in enumerate(
                zip(points.tolist(), scores.tolist(), strict=True)
            )
        ]
    )
