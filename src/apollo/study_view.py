"""How stored studies look: lists, facts, their best designs and fronts."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import typer

from apollo.console import print_table

if TYPE_CHECKING:
    from apollo.search.facts import StudyFacts
    from apollo.search.store import StudyRow, StudySummary
    from apollo.search.trial import Trial

FRONT_ROWS = 20
MOST_PARAMETERS = 16  # in a table: those of a placement, a device a group, are in the JSON only


def summary_json(summary: "StudySummary") -> dict[str, Any]:
    """A study in short."""
    return {
        "study": summary.study.name,
        "optimizer": summary.study.optimizer,
        "seed": summary.study.seed,
        "trials": summary.trials,
        "feasible": summary.feasible,
        "best_reward": summary.best_reward,
        "created": summary.study.created,
    }


def print_summaries(summaries: Sequence["StudySummary"]) -> None:
    """Studies, one a line."""
    print_table(
        "Studies",
        ("study ", "optimizer ", "seed", "trials", "feasible", "best reward", "created "),
        (
            (
                summary.study.name,
                summary.study.optimizer,
                str(summary.study.seed),
                str(summary.trials),
                str(summary.feasible),
                f"{summary.best_reward:.4f}" if summary.feasible else "-",
                summary.study.created,
            )
            for summary in summaries
        ),
    )


def facts_json(facts: "StudyFacts") -> dict[str, Any]:
    """What a study is of, and how far it came."""
    best = facts.best
    return {
        "study": facts.row.name,
        "database": facts.database,
        "optimizer": facts.row.optimizer,
        "seed": facts.row.seed,
        "version": facts.row.version,
        "created": facts.row.created,
        "options": dict(facts.row.options),
        "trials": facts.trials,
        "feasible": facts.feasible,
        "different_designs": facts.different,
        "evaluation_seconds": facts.seconds,
        "evaluations": {"used": facts.evaluations.used, "different": facts.evaluations.different},
        "infeasible_by_cause": dict(facts.causes),
        "proposers": {
            name: {"trials": share.trials, "best_reward": share.best_reward}
            for name, share in facts.proposers.items()
        },
        "best": None if best is None else {"trial": best.number, "reward": best.reward},
    }


def print_facts(facts: "StudyFacts") -> None:
    """The same as tables."""
    from apollo.search.merge import MERGED

    row, best = facts.row, facts.best
    cached = facts.evaluations.used - facts.evaluations.different
    feasible = f" ({facts.feasible / facts.trials:.0%})" if facts.trials else ""
    reached = "-" if best is None else f"{best.reward:.4f} at trial {best.number}"
    progress = {
        "trials": f"{facts.trials:,}, {facts.different:,} different designs",
        "feasible": f"{facts.feasible:,}{feasible}",
        "best reward": reached,
        "evaluations": f"{facts.evaluations.used:,}, {cached:,} of them from the cache",
        "seconds of evaluation": f"{facts.seconds:.1f}",
        "created": row.created,
        "database": facts.database,
    }
    _print_pairs(f"Study {row.name}", progress)
    identity = {name: value for name, value in row.flat().items() if name != MERGED}
    _print_pairs("What it is of", {k: _text(v) for k, v in identity.items() if _says(v)})
    if MERGED in row.options:
        _print_parts(row.options[MERGED])
    if facts.causes:
        rows = [(cause.replace("_", " "), f"{count:,}") for cause, count in facts.causes.items()]
        print_table("Infeasible trials by cause", ("cause ", "trials"), rows)
    if facts.proposers:
        shares = [
            (name, f"{share.trials:,}", f"{share.best_reward:.4f}")
            for name, share in facts.proposers.items()
        ]
        print_table("Trials by proposer", ("proposer ", "trials", "best reward"), shares)


def _print_parts(parts: Sequence[Mapping[str, Any]]) -> None:
    rows = [
        (each["study"], each["optimizer"], str(each["seed"]), f"{each['trials']:,}")
        for each in parts
    ]
    print_table("Made of", ("study ", "optimizer ", "seed", "trials"), rows)


def _print_pairs(title: str, pairs: Mapping[str, str]) -> None:
    print_table(title, (" ", " "), pairs.items())


def _says(value: Any) -> bool:
    return value is not None and value not in ([], {})


def _text(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def trial_json(trial: "Trial") -> dict[str, Any]:
    """A trial with its design and metrics."""
    return {
        "trial": trial.number,
        "index": trial.index,
        "reward": trial.reward,
        "objectives": list(trial.objectives),
        "parameters": dict(trial.parameters),
        "metrics": dict(trial.metrics),
        "proposer": trial.proposer,
    }


def print_trials(study: "StudyRow", trials: Sequence["Trial"]) -> None:
    """Trials, best first."""
    rows = [
        (str(trial.number), f"{trial.reward:.4f}", *design_cells(trial, trials[0].parameters))
        for trial in trials
    ]
    columns = ("trial", "reward", *design_columns(trials[0].parameters))
    print_table(f"Best designs of {study.name}", columns, rows)


def print_front(
    study: "StudyRow", names: Sequence[str], trials: Sequence["Trial"], every: bool
) -> None:
    """The designs of a front, with what they are the front of."""
    shown = trials if every else trials[:FRONT_ROWS]
    rows = [
        (
            str(trial.number),
            *(f"{value:.4g}" for value in trial.objectives),
            *design_cells(trial, trials[0].parameters),
        )
        for trial in shown
    ]
    print_table(
        f"Front of {study.name}: {len(trials)} designs, none of which another beats in everything",
        ("trial", *names, *design_columns(trials[0].parameters)),
        rows,
    )
    if len(shown) < len(trials):
        typer.echo(f"and {len(trials) - len(shown)} more (--all shows them)")


def design_columns(names: Mapping[str, int]) -> list[str]:
    """Area and parameters; of a placement the optimizer alone."""
    if len(names) > MOST_PARAMETERS:
        return ["proposer "]
    return ["area mm²", *(name.replace("_bytes", " B") for name in names)]


def design_cells(trial: "Trial", names: Mapping[str, int]) -> list[str]:
    """The cells of `design_columns`."""
    if len(names) > MOST_PARAMETERS:
        return [trial.proposer or "-"]
    area_mm2 = trial.metrics.get("area_mm2")
    return [
        "-" if area_mm2 is None else f"{area_mm2:.2f}",
        *(f"{trial.parameters[name]:,}" for name in names),
    ]
