"""`apollo contest`: optimizers against each other on one problem."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from apollo import completion, console
from apollo.bounds import check_number
from apollo.console import guarded
from apollo.explore_command import Constraints, Networks, Objectives, Ranges, Texts
from apollo.network_option import Batch
from apollo.options import RESULTS, Json, Output, Storage

if TYPE_CHECKING:
    from apollo.search.contest import Result

Optimizers = Annotated[
    str,
    typer.Option(
        help="With commas between; NAME+filter asks for known constraints to hold.",
        autocompletion=completion.listed(completion.optimizers),
    ),
]


@guarded
def contest(
    networks: Networks,
    optimizers: Optimizers = "random,random+filter,evolutionary",
    seeds: Annotated[int, typer.Option(help="Runs of each, with seeds from 0 on.")] = 9,
    trials: Annotated[int, typer.Option(help="Designs that each run tries.")] = 1000,
    objective: Objectives = None,
    constraint: Constraints = None,
    max_area: Annotated[float | None, typer.Option(help="Area budget in mm².")] = None,
    fix: Annotated[Texts, typer.Option(help="PARAMETER=VALUE; repeatable.")] = None,
    ranges: Ranges = None,
    batch: Batch = 1,
    study: Annotated[str, typer.Option(help="Folder of the contest; the same resumes.")] = (
        "contest"
    ),
    output: Output = RESULTS,
    storage: Storage = None,
    json: Json = False,
) -> None:
    """Run optimizers with several seeds each, and test whether one is better."""
    from apollo.search.contest import Entrant
    from apollo.search.contest import contest as run
    from apollo.search.explore import make_problem
    from apollo.search.objective import DEFAULT_GOAL
    from apollo.search.store import Store
    from apollo.search.studies import database_path

    check_number("--seeds", seeds)
    problem = make_problem(
        networks,
        objectives=objective or (DEFAULT_GOAL,),
        constraints=constraint or (),
        max_area_mm2=max_area,
        batch=batch,
        fix=fix or (),
        ranges=ranges or (),
    )
    entrants = [Entrant(name) for name in dict.fromkeys(optimizers.split(","))]
    checkpoints = _checkpoints(trials)
    database = database_path(output, study)
    with Store(storage or database) as store:
        results = run(
            problem,
            entrants,
            store,
            seeds=seeds,
            trials=trials,
            checkpoints=checkpoints,
            follow=lambda name, seed: typer.echo(f"{name}, seed {seed}", err=True),
        )
    if json:
        console.print_json(contest_json(results, [*checkpoints, trials]))
    else:
        print_contest(results, [*checkpoints, trials])


def _checkpoints(trials: int) -> list[int]:
    """A sixteenth and a quarter of the trials."""
    return sorted({count for count in (trials // 16, trials // 4) if count > 0})


def contest_json(results: "Sequence[Result]", checkpoints: Sequence[int]) -> list[dict[str, Any]]:
    """Every run, and the comparisons with the others."""
    from apollo.search.contest import sign_of

    return [
        {
            "optimizer": result.name,
            "checkpoints": list(checkpoints),
            "runs": [
                {
                    "seed": run.seed,
                    "best": list(run.best),
                    "feasible": run.feasible,
                    "seconds": run.seconds,
                    "own_seconds": run.own_seconds,
                }
                for run in result.runs
            ],
            "against": {
                other.name: {"wins": sign.wins, "losses": sign.losses, "p": sign.p}
                for other in results
                if other is not result
                for sign in [sign_of(result, other)]
            },
        }
        for result in results
    ]


def print_contest(results: "Sequence[Result]", checkpoints: Sequence[int]) -> None:
    """A row an optimizer, with a column for every random search it is held against."""
    from apollo.search.contest import RANDOM

    others = [result for result in results if result.name.startswith(RANDOM)]
    columns = [
        "optimizer ",
        *(f"best after {count:,}" for count in checkpoints),
        "worst seed",
        "feasible",
        "seconds (own)",
        *(f"against {other.name}" for other in others),
    ]
    seeds = len(results[0].runs)
    print_title = f"Median best reward over {seeds} seeds"
    console.print_table(print_title, columns, (_row(each, others) for each in results))
    typer.echo("Against another: wins - losses over the seeds, and the sign test's probability.")


def _row(result: "Result", others: "Sequence[Result]") -> tuple[str, ...]:
    from apollo.search.contest import sign_of

    seconds = result.median_seconds()
    against = []
    for other in others:
        sign = sign_of(result, other)
        is_self = other is result
        against.append("" if is_self else f"{sign.wins} - {sign.losses}, p {sign.p:.3f}")
    feasible = sum(run.feasible for run in result.runs) / len(result.runs)
    return (
        result.name,
        *(f"{result.median_best(k):.3f}" for k in range(len(result.runs[0].best))),
        f"{result.worst_best():.3f}",
        f"{feasible:.0%}",
        f"{seconds[0]:.1f} ({seconds[1]:.1f})" if seconds else "stored",
        *against,
    )
