"""`apollo place train` and `eval`: a policy learns a family of graphs, and places unseen ones."""

import csv
from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from apollo import completion, console
from apollo.bounds import check_number, check_seed
from apollo.console import ExitCode, guarded
from apollo.options import ClusterName, Json

if TYPE_CHECKING:
    from apollo.search.placement.generalise import Generalisation
    from apollo.search.placement.learning.train import Row, Training

FamilyName = Annotated[
    str,
    typer.Argument(
        help="inception, rnnlm, nmt or random.", autocompletion=completion.placement_families
    ),
]
Members = Annotated[int, typer.Option(help="Graphs of the family to learn.")]
HeldOut = Annotated[int, typer.Option(help="Other graphs of it to place.")]
Seed = Annotated[int, typer.Option(help="Of the choice of members, and of learning.")]
_SAVE_EVERY = 50  # updates


@guarded
def train(
    family: FamilyName,
    policy: Annotated[
        Path, typer.Option("-o", "--policy", help="File; one that is there goes on.")
    ],
    cluster: ClusterName = "4gpu",
    members: Members = 8,
    held_out: HeldOut = 4,
    simulations: Annotated[int, typer.Option(help="Placements, of all graphs together.")] = 40_000,
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Train a policy on some graphs of a family; the learning curve is written beside it."""
    from apollo.search.interrupt import Interruptible
    from apollo.search.placement.found import Budget
    from apollo.search.placement.learning.checkpoint import load_training, save_training
    from apollo.search.placement.learning.policy import Policy
    from apollo.search.placement.learning.settings import LearningSettings
    from apollo.search.placement.learning.train import Training

    check_number("--simulations", simulations)
    problems = _problems(family, cluster, members, held_out, seed)[0]
    if policy.exists():
        training = load_training(policy, problems)
    else:
        new = Policy.new(LearningSettings(), seed)
        training = Training(problems, new, Budget(simulations), seed)

    def after(now: "Training") -> None:
        if now.update % _SAVE_EVERY == 0:
            save_training(policy, now)
            typer.echo(_line(now), err=True)
        if interruptible.interrupted:
            raise KeyboardInterrupt

    try:
        with Interruptible() as interruptible:
            training.run(after)
    except KeyboardInterrupt:
        save_training(policy, training)
        console.fail(
            f"Interrupted after {training.simulations:,} simulations, which are saved; the same "
            "command goes on.",
            ExitCode.INTERRUPTED,
        )
    save_training(policy, training)
    curve = policy.with_suffix(".csv")
    _write_curve(training.rows, curve)
    facts = {"policy": str(policy), "curve": str(curve), "simulations": training.simulations}
    console.tell(f"Written: {policy}, {curve}", facts, json)


@guarded
def evaluate(
    family: FamilyName,
    policy: Annotated[Path, typer.Option("--policy", help="File of a trained policy.")],
    cluster: ClusterName = "4gpu",
    members: Members = 8,
    held_out: HeldOut = 4,
    simulations: Annotated[int, typer.Option(help="Placements, of each graph and way.")] = 2000,
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Place the graphs that training held out: with the policy as it is, fine-tuned, and anew."""
    from apollo.search.placement.found import Budget
    from apollo.search.placement.generalise import generalise
    from apollo.search.placement.learning.checkpoint import load_policy

    check_number("--held-out", held_out)
    check_number("--simulations", simulations)
    learned = load_policy(policy)
    problems = _problems(family, cluster, members, held_out, seed)[1]
    rows = [*generalise(learned, problems, Budget(simulations), seed)]
    if json:
        console.print_json([{**asdict(row), "loss": row.loss} for row in rows])
        return
    columns = ("graph ", "single (ms)", "policy as it is", "fine-tuned", "from nothing", "loss")
    console.print_table("Graphs that the policy has not seen", columns, map(_row, rows))


def _problems(
    name: str, cluster: str, members: int, held_out: int, seed: int
) -> tuple[list[Any], list[Any]]:
    """Those to learn, and those held out: the same for the same counts and seed."""
    check_number("--members", members)
    check_number("--held-out", held_out, least=0)
    check_seed(seed)
    from apollo.arch.cluster_file import load_cluster
    from apollo.search.placement.generalise import problems_of
    from apollo.search.placement.graphs.families import family

    kind, place_on = family(name), load_cluster(cluster)
    known, unseen = kind.split(members, held_out, seed)
    return problems_of(kind, known, place_on), problems_of(kind, unseen, place_on)


def _line(training: "Training") -> str:
    row = training.rows[-1]
    return f"{training.simulations:,} simulations, {row.problem}: mean reward {row.mean_reward:.3f}"


def _write_curve(rows: "Sequence[Row]", path: Path) -> None:
    from apollo.arch.whole_file import whole_file
    from apollo.search.placement.learning.train import Row

    with whole_file(path) as part, part.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, [each.name for each in fields(Row)])
        writer.writeheader()
        writer.writerows(asdict(row) for row in rows)


def _row(row: "Generalisation") -> tuple[str, ...]:
    steps = (row.single_ms, row.zero_shot_ms, row.fine_tuned_ms, row.from_nothing_ms)
    return row.problem, *(f"{step:,.3f}" for step in steps), f"{row.loss:+.1%}"
