"""A copy of a study in Optuna's form, in memory, which follows the study while it runs.

Of a long study it holds a part, because the pages of the dashboard hold all of it at once: the
best trials, an even sample of the others, and what is better than everything before.
"""

from collections.abc import Callable, Sequence
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, IntDistribution
from optuna.storages import InMemoryStorage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, create_trial

from apollo.search.problem import Problem
from apollo.search.store import Store, StudyRow
from apollo.search.store.brief import brief_trials, trials_at
from apollo.search.store.follow import trials_from
from apollo.search.studies import row_of
from apollo.search.trial import Trial, best_of

MOST_TRIALS = 5_000
FOR_BETTER = 500  # of them, kept free for trials that are better than all before
BEST = 1_000  # that are taken of a longer study
_AT_ONCE = 500
_LARGEST = 1 << 40  # of parameters whose choices are not known
_LOGARITHMIC = 8  # the ratio of bounds from which on a parameter's axis is

FITS = "fits"  # what is broken when a network does not run on a design

optuna.logging.set_verbosity(optuna.logging.WARNING)


class Mirror:
    """The copy of one study of a store.

    Attributes:
        storage: the copy, as the dashboard reads it.
        seen: trials of the study that were looked at.
        held: of them, in the copy.

    """

    def __init__(self, store: Store, study: str) -> None:
        """Copy what there is. Raises `ValueError` when there is no such study."""
        self._store, self._study = store, study
        self._row = row_of(store, study)
        self._bounds = _distributions(self._row)
        self._constraints = [str(text) for text in self._row.options.get("constraints", [])]
        goals = [str(goal) for goal in self._row.options.get("objectives", [])] or ["reward"]
        self._goals = goals
        self.storage = InMemoryStorage()
        self._id = self.storage.create_new_study([StudyDirection.MAXIMIZE] * len(goals), study)
        self.storage.set_study_system_attr(self._id, "study:metric_names", goals)
        for name, value in self._row.flat().items():
            self.storage.set_study_user_attr(self._id, name, str(value))
        self.seen = self.held = 0
        self._best = 0.0
        self._begin()

    def follow(self) -> None:
        """Copy what came since. Raises `ValueError` as the store does, and when it was deleted."""
        while trials := trials_from(self._store, self._study, self.seen, _AT_ONCE):
            for trial in trials:
                is_better = trial.reward > self._best
                if self.held < (MOST_TRIALS if is_better else MOST_TRIALS - FOR_BETTER):
                    self._copy(trial)
            self.seen += len(trials)
        row_of(self._store, self._study)

    def _begin(self) -> None:
        """What is there of a study that is too long for all of it; a shorter one is followed."""
        log = brief_trials(self._store, self._study)
        room = MOST_TRIALS - FOR_BETTER
        if len(log) <= room:
            self.follow()
            return
        best = {trial.number for trial in best_of(log, BEST)}
        others = [trial.number for trial in log if trial.number not in best]
        wanted = room - len(best)
        sample = {others[k * len(others) // wanted] for k in range(wanted)}
        for trial in trials_at(self._store, self._study, sorted(best | sample)):
            self._copy(trial)
        self.seen = len(log)

    def _copy(self, trial: Trial) -> None:
        self._best = max(self._best, trial.reward)
        self.storage.create_new_trial(self._id, self._optuna_trial(trial))
        self.held += 1

    def _optuna_trial(self, trial: Trial) -> FrozenTrial:
        """An infeasible trial is a complete one of no reward whose constraint is broken."""
        broken = self._broken(trial)
        attributes: dict[str, Any] = {"trial": trial.number, "point": trial.index}
        attributes |= {"seconds": trial.seconds} | dict(trial.metrics)
        for name, text in (("proposer", trial.proposer), ("reason", trial.reason)):
            attributes |= {} if text is None else {name: text}
        values = trial.objectives or (0.0,) * len(self._goals)
        return create_trial(
            values=list(values),
            params=dict(trial.parameters),
            distributions={name: self._bounds(name) for name in trial.parameters},
            user_attrs=attributes,
            constraints=broken,
            system_attrs={"constraints": list(broken.values())},
        )

    def _broken(self, trial: Trial) -> dict[str, float]:
        """Every constraint: 1 for the one that is broken, 0 for those that hold."""
        names = [*self._constraints, FITS]
        if trial.feasible:
            return dict.fromkeys(names, 0.0)
        found = next((name for name in self._constraints if _is_of(name, trial.resource)), FITS)
        return {name: float(name == found) for name in names}


def _is_of(constraint: str, resource: str | None) -> bool:
    """Whether a constraint, such as `net.latency_ms <= 5`, is about what a trial broke."""
    metric = constraint.split()[0].rpartition(".")[2]
    return resource in (metric, metric.removesuffix("_mm2"))


def _distributions(row: StudyRow) -> Callable[[str], BaseDistribution]:
    """The bounds of a parameter, by its name."""
    try:
        parameters = Problem.of_options(row.options).space.parameters
    except (LookupError, TypeError, ValueError):  # of another kind, or of an older Apollo
        parameters = ()
    known = {each.name: _distribution(each.choices) for each in parameters}
    other = IntDistribution(0, _LARGEST)
    return lambda name: known.get(name, other)


def _distribution(choices: Sequence[int]) -> IntDistribution:
    low, high = choices[0], choices[-1]
    return IntDistribution(low, high, log=0 < low * _LOGARITHMIC <= high)
