"""How `explore` ends: the best design beside the presets, the front, what to do next."""

import shlex
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import typer

from apollo.console import print_table
from apollo.measurement_view import print_layers
from apollo.search.tables import outcome_cells
from apollo.study_view import trial_json
from apollo.views import DESIGN_COLUMNS, design_cells, design_json

if TYPE_CHECKING:
    from apollo.search.explore import Exploration
    from apollo.search.problem import Problem
    from apollo.search.robust import Robustness
    from apollo.search.task import Candidate
    from apollo.search.trial import Trial

WORST_LAYERS, FRONT_ROWS = 8, 20


def nothing_feasible(exploration: "Exploration") -> str:
    """Why no trial of a study was feasible, in a sentence."""
    trials = exploration.result.trials
    causes = Counter(trial.resource or "?" for trial in trials)
    parts = ", ".join(f"{cause.replace('_', ' ')} {n}" for cause, n in causes.most_common())
    areas = [trial.metrics["area_mm2"] for trial in trials if "area_mm2" in trial.metrics]
    budget = exploration.task.problem.max_area_mm2
    least = f"; the smallest design seen has {min(areas):.2f} mm²" if areas and budget else ""
    limit = "" if budget is None else f" under {budget:g} mm²"
    return (
        f"None of {len(trials)} trials is feasible{limit} (by cause: {parts}{least}); "
        f"the trials are saved in '{exploration.folder}'."
    )


def _candidate_json(candidate: "Candidate") -> dict[str, Any]:
    return {
        **design_json(candidate.accelerator),
        "reward": candidate.reward,
        "reason": candidate.reason,
        "networks": {
            name: asdict(measurement.metrics)
            for name, measurement in candidate.measurements.items()
        },
    }


def exploration_json(
    exploration: "Exploration", stands: "Robustness | None" = None
) -> dict[str, Any]:
    """The study in short, the best design and the presets beside it."""
    from apollo.search.pareto import front_of

    result, problem = exploration.result, exploration.task.problem
    return {
        "study": exploration.study,
        "folder": str(exploration.folder),
        "trials": len(result.trials),
        "feasible": result.feasible,
        "baseline": exploration.task.baseline.name,
        "objectives": [str(goal) for goal in problem.goals],
        "constraints": [str(constraint) for constraint in problem.constraints],
        "max_area_mm2": problem.max_area_mm2,
        "best": _candidate_json(exploration.best) if exploration.best else None,
        "front": [trial_json(trial) for trial in front_of(result.trials)],
        "presets": [_candidate_json(candidate) for candidate in exploration.presets],
        **({} if stands is None else {"robustness": _robustness_json(stands)}),
    }


def _candidate_row(name: str, candidate: "Candidate") -> tuple[str, ...]:
    return name, *design_cells(candidate.accelerator), *outcome_cells(candidate)


def print_exploration(exploration: "Exploration", stands: "Robustness | None" = None) -> None:
    """The end of `explore`: best design, presets, worst layers, what to do next."""
    from apollo.search.pareto import front_of

    best, result, task = exploration.best, exploration.result, exploration.task
    if best is None:
        raise ValueError("An exploration without a feasible trial has no best design to print.")
    limit = task.problem.max_area_mm2
    budget = "" if limit is None else f" under {limit:g} mm²"
    print_table(
        f"Best of {len(result.trials)} trials ({result.feasible} feasible){budget}; the presets",
        ("design ", *DESIGN_COLUMNS, "area mm²", "throughput 1/s", "reward", "note "),
        [_candidate_row("best", best)]
        + [_candidate_row(preset.accelerator.name, preset) for preset in exploration.presets],
    )
    typer.echo(f"{_reward_text(task.problem)}\n")
    if len(task.problem.goals) > 1:
        _print_front(task.problem, front_of(result.trials))
    if stands is not None:
        _print_robustness(stands)
    print_table(
        "The best design in full",
        ("parameter ", "value"),
        (
            (name, f"{value:,}" if isinstance(value, int) else str(value))
            for name, value in asdict(best.accelerator).items()
            if name != "name" and value != ()
        ),
    )
    for name, measurement in best.measurements.items():
        worst = sorted(measurement.layers(), key=lambda row: -row.cycles)[:WORST_LAYERS]
        print_layers(f"{name} on the best design: the layers that take longest", worst)
    files = f"study.db, trials.csv, convergence.html, best.toml in '{exploration.folder}'"
    typer.echo(f"Written: {files}.")
    network = next(iter(task.networks))
    command = ("apollo", "simulate", network, "--design", str(exploration.folder / "best.toml"))
    typer.echo(f"Next: {shlex.join(command)}")


def _reward_text(problem: "Problem") -> str:
    mean = f"{problem.mean} mean over {', '.join(problem.networks)}"
    goals = [str(goal).replace("_", " ") for goal in problem.goals]
    kept = ", ".join(str(constraint) for constraint in problem.constraints)
    return (
        f"Reward: {'geometric mean of ' if len(goals) > 1 else ''}{', '.join(goals)}, "
        f"{mean}, relative to {problem.baseline}{f'; with {kept}' if kept else ''}."
    )


def _print_front(problem: "Problem", front: Sequence["Trial"]) -> None:
    names = [str(goal) for goal in problem.goals]
    rows = [
        (str(trial.number), *(f"{value:.3f}" for value in trial.objectives), f"{trial.reward:.3f}")
        for trial in front[:FRONT_ROWS]
    ]
    title = f"Pareto front: {len(front)} designs, none of which another beats in everything"
    print_table(title, ("trial", *names, "reward"), rows)


def _robustness_json(stands: "Robustness") -> dict[str, Any]:
    return {
        "samples": stands.samples,
        "survives": stands.survives,
        "designs": [
            {
                "trial": each.trial.number,
                "reward": each.trial.reward,
                "low": each.low,
                "high": each.high,
                "first": each.first,
                "feasible": each.feasible,
            }
            for each in stands.standings
        ],
    }


def _print_robustness(stands: "Robustness") -> None:
    rows = [
        (
            str(each.trial.number),
            f"{each.trial.reward:.3f}",
            f"{each.low:.3f} … {each.high:.3f}",
            f"{each.first:.0%}",
            f"{each.feasible:.0%}",
        )
        for each in stands.standings
    ]
    title = f"The best designs over {stands.samples} draws of the technology's constants"
    print_table(title, ("trial", "reward", "nine tenths", "is the best", "feasible"), rows)
    typer.echo(f"{stands.sentence()}\n")
