"""The trials a Gaussian process is fed: as many as it can be trained on in a moment."""

from collections.abc import Sequence

import numpy as np

from apollo.search.trial import Trial


def select_history(
    trials: Sequence[Trial], limit: int, generator: np.random.Generator
) -> list[Trial]:
    """At most `limit` of the trials, each point once, in the order of the log.

    While there are fewer, as many as the largest power of two that they reach: the process is
    compiled for every number of trials it meets.

    Half of them are the best feasible ones, a quarter the newest, the rest a sample of all others,
    infeasible ones included.
    """
    distinct = list({trial.index: trial for trial in reversed(trials)}.values())[::-1]
    limit = min(limit, 1 << max(0, len(distinct).bit_length() - 1))
    by_reward = sorted(distinct, key=lambda trial: (-trial.reward, trial.number))
    best = [trial for trial in by_reward if trial.feasible][: limit // 2]
    chosen = {trial.index for trial in [*best, *distinct[-(limit // 4) :]]}
    others = [trial for trial in distinct if trial.index not in chosen]
    sample = generator.choice(len(others), limit - len(chosen), replace=False)
    chosen |= {others[position].index for position in sample}
    return [trial for trial in distinct if trial.index in chosen]
