"""Whether the best design stays the best when the constants of the technology are wrong.

Every group of constants (`arch/constants.py`) is drawn from a log-normal distribution around its
value, nine tenths of which lie within the factor that the group is certain to. For every draw the
areas and energies of the best designs and of the baseline are computed anew, from the same runs:
no cycle depends on them.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from apollo.arch.constants import Technology, factor_of_groups
from apollo.search.goals import AREA
from apollo.search.objective import Objective
from apollo.search.task import Candidate, Task, known_of
from apollo.search.transfer.diverse import take_unlike
from apollo.search.trial import Evaluation, Trial, best_of
from apollo.simulator.metrics import metrics_of

DESIGNS, SAMPLES = 20, 200
_NINE_TENTHS = 1.6449  # standard deviations either way
_LOW, _HIGH = 0.05, 0.95
KEPT = 0.9  # share of the draws in which a design must keep its constraints to survive


@dataclass(frozen=True)
class Standing:
    """How a design does over all draws.

    Attributes:
        trial: in which the study found it.
        low: and `high`, between which nine tenths of its rewards lie (0 where infeasible).
        first: share of the draws in which it is the best of all.
        feasible: share in which it keeps every constraint.

    """

    trial: Trial
    low: float
    high: float
    first: float
    feasible: float


@dataclass(frozen=True)
class Robustness:
    """The best designs of a study, the best first, and how they stand."""

    samples: int
    standings: tuple[Standing, ...]

    @property
    def survives(self) -> bool:
        """Whether none is the best more often than the winner, which keeps its constraints."""
        winner = self.standings[0]
        most = max(standing.first for standing in self.standings)
        return winner.first >= most and winner.feasible >= KEPT

    def sentence(self) -> str:
        """The verdict."""
        winner = self.standings[0]
        rival = max(self.standings, key=lambda standing: standing.first)
        verdict = (
            f"The winner (trial {winner.trial.number}) is the best in {winner.first:.0%} of "
            f"{self.samples} draws and keeps its constraints in {winner.feasible:.0%}"
        )
        if self.survives:
            return f"{verdict}: it survives."
        if rival is winner:
            return f"{verdict}: it does not survive, a design with more reserve would."
        return (
            f"{verdict}: it does not survive; trial {rival.trial.number} is the best in "
            f"{rival.first:.0%}."
        )


def robustness(
    task: Task,
    trials: Sequence[Trial],
    seed: int = 0,
    designs: int = DESIGNS,
    samples: int = SAMPLES,
) -> Robustness:
    """The best designs of a study over draws of the technology.

    Raises `ValueError` when no trial is feasible.
    """
    best = _different(best_of(trials, len(trials)), designs)
    if not best:
        raise ValueError("Only a study with a feasible design can be ranked again.")
    candidates = [task.candidate(trial.index) for trial in best]
    baseline = task.candidate(task.problem.baseline)
    generator = np.random.default_rng(seed)
    rewards = np.array(
        [
            _rewards(task, baseline, candidates, drawn(task.problem.technology, generator))
            for _ in range(samples)
        ]
    )  # [samples, designs]
    firsts = np.bincount(rewards.argmax(axis=1), minlength=len(best)) / samples
    lows, highs = np.quantile(rewards, [_LOW, _HIGH], axis=0)
    feasible = (rewards > 0).mean(axis=0)
    columns = zip(best, lows, highs, firsts, feasible, strict=True)
    standings = (Standing(trial, *map(float, numbers)) for trial, *numbers in columns)
    return Robustness(samples, tuple(standings))


def _different(ranked: Sequence[Trial], count: int) -> list[Trial]:
    """The first that differ from each other in two parameters or more: not one design and twins."""
    chosen: list[int] = []
    take_unlike(np.array([[*trial.parameters.values()] for trial in ranked]), 2, count, chosen)
    return [ranked[position] for position in chosen]


def drawn(technology: Technology, generator: np.random.Generator) -> Technology:
    """The technology with a factor drawn for every group of constants."""
    factors = {
        group: math.exp(generator.normal() * math.log(factor) / _NINE_TENTHS)
        for group, factor in factor_of_groups().items()
    }
    return technology.scaled(factors)


def _rewards(
    task: Task, baseline: Candidate, candidates: Sequence[Candidate], technology: Technology
) -> list[float]:
    known = known_of(baseline.accelerator, technology)
    objective = replace(
        task.objective,
        baseline_area_mm2=known[AREA],
        baseline_metrics=_metrics(task, baseline, technology),
    )
    return [_reward(task, objective, candidate, technology) for candidate in candidates]


def _reward(
    task: Task, objective: Objective, candidate: Candidate, technology: Technology
) -> float:
    known = known_of(candidate.accelerator, technology)
    rejected = objective.rejected(known)
    if rejected is not None:
        return 0.0
    metrics = _metrics(task, candidate, technology)
    evaluations = {network: Evaluation(True, values) for network, values in metrics.items()}
    return objective.outcome(known[AREA], evaluations).reward


def _metrics(
    task: Task, candidate: Candidate, technology: Technology
) -> Mapping[str, Mapping[str, float]]:
    metrics = {}
    for name, measured in candidate.measurements.items():
        network = task.networks[name]
        runs = (measured.cold, measured.warm, candidate.accelerator)
        found = metrics_of(*runs, network.macs, network.batch, technology)
        metrics[name] = found.scalars()
    return metrics
