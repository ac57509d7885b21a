"""`apollo explore`: a study from the command line."""

import json as json_text
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from apollo import completion, console, explore_view
from apollo.bounds import MOST_JOBS, check_number
from apollo.console import ExitCode, guarded
from apollo.network_option import Batch, Sparsity
from apollo.options import RESULTS, Baseline, Jobs, Json, Output, Resumed, Storage

if TYPE_CHECKING:
    from apollo.search.explore import Exploration
    from apollo.search.robust import Robustness

Texts = list[str] | None
Networks = Annotated[
    list[str],
    typer.Argument(help="Networks, names or paths.", autocompletion=completion.networks),
]
Optimizer = Annotated[
    str,
    typer.Option(
        help="bayesian, evolutionary, nsga2, random, vizier:NAME or nevergrad:NAME.",
        autocompletion=completion.optimizers,
    ),
]
Settings = Annotated[Texts, typer.Option(help="NAME=VALUE of the optimizer; repeatable.")]
Objectives = Annotated[
    Texts, typer.Option(help="What is good: speedup, energy^2*area, …; repeatable.")
]
Constraints = Annotated[Texts, typer.Option(help="What must hold: 'latency_ms <= 5'; repeatable.")]
Weights = Annotated[Texts, typer.Option(help="NETWORK=WEIGHT in the mean; repeatable.")]
Ranges = Annotated[
    Texts, typer.Option("--range", help="PARAMETER=VALUES, as cores=1..8; repeatable.")
]
Technology = Annotated[
    Path | None, typer.Option(help="TOML file of areas and energies of your own.")
]
Filter = Annotated[
    bool, typer.Option("--filter", help="Ask only for designs that known constraints admit.")
]
Share = Annotated[bool, typer.Option("--share", help="Let `apollo worker` evaluate too.")]
Backend = Annotated[str, typer.Option(help="Whose processes: processes (of this machine) or ray.")]
WarmStart = Annotated[
    str | None, typer.Option(help="STUDY[,STUDY]: names, or databases, to begin from.")
]
WarmPoints = Annotated[int, typer.Option(help="Designs made of their trials, at most.")]
WarmBy = Annotated[str, typer.Option(help="best: theirs; prime: proposed by a model of them.")]
Robust = Annotated[
    bool, typer.Option(help="Rank the best again over the uncertainty of the constants.")
]


@guarded
def explore(
    networks: Networks,
    optimizer: Optimizer = "evolutionary",
    setting: Settings = None,
    trials: Annotated[int, typer.Option(help="Designs to try.")] = 2000,
    objective: Objectives = None,
    constraint: Constraints = None,
    max_area: Annotated[float | None, typer.Option(help="Area budget in mm².")] = None,
    weight: Weights = None,
    mean: Annotated[str, typer.Option(help="geometric, arithmetic or least.")] = "geometric",
    baseline: Baseline = "edge_tpu_v3",
    space: Annotated[Path | None, typer.Option(help="TOML file of a space of your own.")] = None,
    fix: Annotated[Texts, typer.Option(help="PARAMETER=VALUE; repeatable.")] = None,
    ranges: Ranges = None,
    technology: Technology = None,
    filter_known: Filter = False,
    robust: Robust = False,
    seed: Annotated[int, typer.Option(help="The same seed gives the same trials.")] = 0,
    batch: Batch = 1,
    sparsity: Sparsity = None,
    jobs: Jobs = 1,
    storage: Storage = None,
    share: Share = False,
    backend: Backend = "processes",
    warm_start: WarmStart = None,
    warm_points: WarmPoints = 64,
    warm_by: WarmBy = "best",
    study: Resumed = None,
    output: Output = RESULTS,
    json: Json = False,
) -> None:
    """Search the space of designs for the best one under constraints."""
    from apollo.search.execution import Execution
    from apollo.search.explore import explore as run
    from apollo.search.explore import make_problem
    from apollo.search.objective import DEFAULT_GOAL
    from apollo.search.progress import terminal_progress
    from apollo.search.transfer.warm_start import make_warm_start

    asked: dict[str, Any] = {"objectives": objective or (DEFAULT_GOAL,), "mean": mean}
    asked |= {"constraints": constraint or (), "weights": weight or (), "max_area_mm2": max_area}
    asked |= {"baseline": baseline, "batch": batch, "sparsity": sparsity, "space": space}
    asked |= {"fix": fix or (), "ranges": ranges or (), "technology": technology}
    problem = make_problem(networks, **asked, only_admitted=filter_known)
    choices: dict[str, Any] = {
        "optimizer": optimizer,
        "settings": _settings(setting or ()),
        "study": study,
    }
    choices |= {"trials": trials, "seed": seed, "output": output}
    choices["warm_start"] = make_warm_start(warm_start, warm_points, warm_by)
    check_number("--jobs", jobs, most=MOST_JOBS)
    with terminal_progress() as progress:
        execution = Execution(jobs, storage, share, backend)
        exploration = run(problem, **choices, execution=execution, progress=progress)
    _show(exploration, trials, json, robust)


def _show(exploration: "Exploration", trials: int, json: bool, robust: bool) -> None:
    stands = _robustness(exploration) if robust and exploration.best else None
    if json:
        console.print_json(explore_view.exploration_json(exploration, stands))
    if exploration.result.interrupted:
        done = len(exploration.result.trials)
        console.fail(
            f"Interrupted after {done} of {trials} trials, all saved; the same command with "
            f"--study {exploration.study} resumes.",
            ExitCode.INTERRUPTED,
        )
    if exploration.best is None:
        console.fail(explore_view.nothing_feasible(exploration), ExitCode.NOTHING_FEASIBLE)
    if not json:
        explore_view.print_exploration(exploration, stands)


def _robustness(exploration: "Exploration") -> "Robustness":
    from apollo.search.robust import robustness

    return robustness(exploration.task, exploration.result.trials)


def _settings(texts: Sequence[str]) -> dict[str, Any]:
    """Numbers and names as JSON reads them; what it does not read is text."""
    settings = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not (name and equals):
            raise ValueError(f"--setting must be NAME=VALUE, not '{text}'.")
        try:
            settings[name] = json_text.loads(value)
        except ValueError:
            settings[name] = value
    return settings
