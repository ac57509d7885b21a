"""The Vizier service with our optimizers in it: `apollo:evolutionary`, `apollo:adaptive_p3bo`, ...

For users of that ecosystem: a study of theirs names one as its algorithm, whatever it evaluates.
All its parameters must have choices (discrete, categorical, integer). The service keeps the trials;
our optimizer is made anew from them for every request, as it is from a log of our own.
"""

import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from apollo.search.interrupt import Interruptible
from apollo.search.optimizers.table import make_optimizer
from apollo.search.trial import Outcome, Trial

PREFIX = "apollo:"
_PROPOSER = "apollo_proposer"  # of a suggestion, in its metadata
_LOOK_S = 0.1


class Designer:
    """One of our optimizers on a problem of Vizier.

    Raises `ValueError`, one sentence, for an unknown optimizer and for a parameter or metric that
    it cannot handle.
    """

    def __init__(self, problem: Any, optimizer: str) -> None:
        """An optimizer that was told nothing."""
        self._choices = {each.name: _choices(each) for each in problem.search_space.parameters}
        metrics = list(problem.metric_information)
        if len(metrics) != 1:
            raise ValueError(
                f"A study of {PREFIX}{optimizer} must have one metric, not {len(metrics)}."
            )
        self._metric = metrics[0].name
        self._sign = -1.0 if metrics[0].goal.is_minimize else 1.0
        radices = [len(choices) for choices in self._choices.values()]
        self._optimizer = make_optimizer(optimizer, None, radices)
        self._told = 0
        self._active = 0

    def update(self, completed: Any, all_active: Any) -> None:
        """Learn from completed trials, in the order of their numbers."""
        trials = sorted(completed.trials, key=lambda trial: int(trial.id))
        values = [self._value(trial) for trial in trials]
        rewards = _rewards(values)
        log = [
            Trial(self._told + k, self._index(trial), _outcome(reward), proposer=_proposer(trial))
            for k, (trial, reward) in enumerate(zip(trials, rewards, strict=True))
        ]
        self._optimizer.tell(log)
        self._told += len(log)
        self._active = len(all_active.trials)

    def suggest(self, count: int | None = None) -> Sequence[Any]:
        """Points to evaluate; others while some are not completed."""
        from vizier import pyvizier as vz

        generator = np.random.default_rng([self._told, self._active])
        proposals = self._optimizer.propose(count or 1, generator)
        suggestions = []
        for point, proposer in zip(proposals.points.tolist(), proposals.proposers, strict=True):
            named = zip(self._choices.items(), point, strict=True)
            values = {name: choices[digit] for (name, choices), digit in named}
            suggestion = vz.TrialSuggestion(values)
            if proposer is not None:
                suggestion.metadata[_PROPOSER] = proposer
            suggestions.append(suggestion)
        return suggestions

    def _value(self, trial: Any) -> float:
        """What is to be maximised; NaN where the trial is infeasible."""
        measured = trial.final_measurement
        if trial.infeasible or measured is None or self._metric not in measured.metrics:
            return math.nan
        return self._sign * float(measured.metrics[self._metric].value)

    def _index(self, trial: Any) -> int:
        digits = [
            choices.index(trial.parameters[name].value) for name, choices in self._choices.items()
        ]
        return int(self._optimizer.indices_of(np.array([digits], dtype=np.int64))[0])


def _choices(parameter: Any) -> list[Any]:
    from vizier.pyvizier import ParameterType

    if parameter.type == ParameterType.DOUBLE:
        raise ValueError(f"Parameter '{parameter.name}' must have choices, not a range of numbers.")
    if parameter.type == ParameterType.INTEGER:
        low, high = parameter.bounds
        return list(range(int(low), int(high) + 1))
    return list(parameter.feasible_values)


def _rewards(values: Sequence[float]) -> list[float]:
    """Positive rewards in the order of the values, which are kept if they are positive."""
    known = [value for value in values if math.isfinite(value)]
    if not known or min(known) > 0:
        return list(values)
    low, high = min(known), max(known)
    spread = high - low or 1.0
    return [0.1 + (value - low) / spread for value in values]


def _outcome(reward: float) -> Outcome:
    if math.isfinite(reward):
        return Outcome(True, reward)
    return Outcome(False, 0.0, {}, "infeasible", "The trial is infeasible.")


def _proposer(trial: Any) -> str | None:
    found = trial.metadata.get(_PROPOSER)
    return None if found is None else str(found)


def policy_factory() -> Callable[..., Any]:
    """Vizier's algorithms by their names, and ours with `apollo:` before theirs."""
    from vizier._src.algorithms.policies.designer_policy import DesignerPolicy
    from vizier._src.service.policy_factory import DefaultPolicyFactory

    usual = DefaultPolicyFactory()

    def make(problem: Any, algorithm: str, supporter: Any, study: str) -> Any:
        if not algorithm.startswith(PREFIX):
            return usual(problem, algorithm, supporter, study)
        name = algorithm.removeprefix(PREFIX)
        return DesignerPolicy(
            supporter, lambda config, **_: Designer(config, name), use_seeding=False
        )

    return make


def start_service(database: Path, port: int | None = None) -> Any:
    """A server on the loopback address; `endpoint` is where clients find it.

    The database is a file that the server makes. Raises `ValueError` when the port is taken.
    """
    from vizier._src.service.vizier_server import DefaultVizierServer

    database.parent.mkdir(parents=True, exist_ok=True)
    chosen = {} if port is None else {"port": port}
    try:
        return DefaultVizierServer(
            "localhost",
            database_url=f"sqlite:///{database}",
            policy_factory=policy_factory(),
            **chosen,
        )
    except RuntimeError as error:
        raise ValueError(f"The service cannot listen on port {port}: {error}") from None


def serve(database: Path, port: int | None, follow: Callable[[str], None]) -> None:
    """Run the service until Ctrl-C; `follow` hears its address."""
    with Interruptible() as interruptible:
        server = start_service(database, port)
        follow(server.endpoint)
        while not interruptible.interrupted:
            time.sleep(_LOOK_S)
        server._server.stop(grace=1.0).wait()
