"""The front of a stored study: over what it asked for, or over metrics of one's choice."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from apollo.arch.text import suggestion
from apollo.search.goals import AREA
from apollo.search.pareto import front_of
from apollo.search.store import Store
from apollo.search.store.brief import brief_trials, feasible_trials, trials_at
from apollo.search.studies import row_of
from apollo.search.trial import Trial

SPEEDUP = "speedup"


@dataclass(frozen=True)
class Front:
    """Designs that no other beats in everything.

    Attributes:
        names: of what is compared; `least METRIC` for what is the better the smaller.
        trials: by the first, the best first; `objectives` has the values under those names.

    """

    names: tuple[str, ...]
    trials: tuple[Trial, ...]


def front_of_study(
    store: Store, study: str, most: Sequence[str] = (), least: Sequence[str] = ()
) -> Front:
    """The front over metrics that should be large and small.

    Without any: over the objectives of the study if it has several, else over `speedup` and area.
    Raises `ValueError`, one sentence, for a metric that no feasible trial has.
    """
    asked = row_of(store, study).options.get("objectives", [])
    if not (most or least):
        if len(asked) > 1:
            best = front_of(brief_trials(store, study))
            trials = trials_at(store, study, [trial.number for trial in best])
            return Front(tuple(asked), tuple(trials))
        most, least = (SPEEDUP,), (AREA,)
    feasible = feasible_trials(store, study)
    _check(feasible, [*most, *least])
    compared = [_over(trial, most, least) for trial in feasible]
    trials = [_over(trial, [*most, *least], ()) for trial in front_of(compared)]
    return Front((*most, *(f"least {name}" for name in least)), tuple(trials))


def _check(trials: Sequence[Trial], names: Sequence[str]) -> None:
    """All feasible trials of a study have the same metrics."""
    known = list(trials[0].metrics) if trials else list(names)
    for name in names:
        if name not in known:
            raise ValueError(
                f"There is no metric '{name}' in this study (known: {', '.join(known)})."
                f"{suggestion(name, known)}"
            )


def _over(trial: Trial, most: Sequence[str], least: Sequence[str]) -> Trial:
    """The trial with metrics as its objectives."""
    values = [trial.metrics[name] for name in most] + [-trial.metrics[name] for name in least]
    return replace(trial, outcome=replace(trial.outcome, objectives=tuple(values)))
