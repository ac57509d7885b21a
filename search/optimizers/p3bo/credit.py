"""What the members of a population are worth, and how often each is drawn.

C. Angermueller et al., "Population-based black-box optimization for biological sequence design"
(2020). For member i, after a round in which it proposed the points X_i:

1. reward_i = max f(X_i) / f_max - 1, where f_max is the best of all data, this round's included.
2. credit_i = reward_i + decay · credit_i; of a member that proposed nothing, decay · credit_i.
3. weight_i = softmax(score_i / temperature), of credits scaled to scores from 0 to 1.

A reward is 0 for the best point so far and -1 for nothing feasible. Letter: `I` members.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def reward(best: float, best_of_all: float) -> float:
    """Equation 1; `best` is of a member's points in the round, 0 when none is feasible."""
    return best / best_of_all - 1.0 if best_of_all > 0 else 0.0


def credits_after(
    credits: Sequence[float], best: Mapping[int, float], best_of_all: float, decay: float
) -> list[float]:
    """Equation 2 for every member; `best` of those who proposed something, by position."""
    return [
        decay * credit + (reward(best[i], best_of_all) if i in best else 0.0)
        for i, credit in enumerate(credits)
    ]


def weights(credits: Sequence[float], temperature: float) -> Floats:
    """Equation 3: the probability, [I], of drawing each member."""
    scores = np.array(credits)
    span = np.ptp(scores)
    scores = (scores - scores.min()) / span if span > 0 else np.zeros(len(scores))
    powers = np.exp((scores - scores.max()) / temperature)
    shares: Floats = powers / powers.sum()
    return shares
