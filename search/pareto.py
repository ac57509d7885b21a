"""Several objectives: which trials none beats in everything, and how good a front is.

Letters: `N` points, `K` objectives, the larger the better.
"""

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from apollo.search.trial import Trial

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def ranks_of(objectives: Floats) -> Ints:
    """Of every point of [N, K], 0 if none dominates it, 1 if only such points do, …, [N].

    A point dominates another that it is nowhere worse than and somewhere better.
    """
    from moocore import pareto_rank

    ranks: Ints = np.asarray(pareto_rank(objectives, maximise=True), dtype=np.int64)
    return ranks


def hypervolume(objectives: Floats, reference: Sequence[float]) -> float:
    """The volume between the points [N, K] and a reference that is worse in everything.

    Points that are not better than the reference in all objectives add nothing.
    """
    from moocore import hypervolume as volume

    return float(volume(objectives, ref=reference, maximise=True)) if len(objectives) else 0.0


def front_of(trials: Iterable[Trial]) -> list[Trial]:
    """The feasible trials that no other dominates, by the first objective, the best first.

    A point is there once; the earlier trial wins a tie.
    """
    feasible = [trial for trial in trials if trial.feasible]
    if not feasible:
        return []
    ranks = ranks_of(np.array([trial.objectives for trial in feasible]))
    front: dict[int, Trial] = {}
    for trial, rank in zip(feasible, ranks, strict=True):
        if rank == 0:
            front.setdefault(trial.index, trial)
    return sorted(front.values(), key=lambda trial: (-trial.objectives[0], trial.number))
