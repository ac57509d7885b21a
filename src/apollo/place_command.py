"""`apollo place`: the operators of a graph over the devices of a cluster (docs/placement.md)."""

import re
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from apollo import completion, console, place_view
from apollo.bounds import check_number, check_seed
from apollo.codesign_command import codesign
from apollo.console import ExitCode, guarded
from apollo.default_group import DEFAULT, DefaultGroup
from apollo.learning_command import evaluate, train
from apollo.options import RESULTS, ClusterName, Json, Output, Resumed, Storage
from apollo.partition_command import partition
from apollo.search.placement.units import NS_PER_MS

if TYPE_CHECKING:
    from apollo.search.placement.found import Budget
    from apollo.search.placement.study import Placed
    from apollo.search.placement.task import PlacementTask

app = typer.Typer(
    cls=DefaultGroup,
    no_args_is_help=True,
    help="Place a graph on several devices: `apollo place GRAPH`, or one of the commands below.",
)

Graph = Annotated[
    str,
    typer.Argument(
        help="inception_v3, rnnlm_2, nmt_4, …, a network, a file, or random:….",
        autocompletion=completion.placed_graphs,
    ),
]
OptimizerNames = completion.listed(completion.placers)
Batch = Annotated[int | None, typer.Option(help="Of the step; else that of the publication.")]
Inference = Annotated[bool, typer.Option("--inference", help="Not a step of training.")]
MicroBatches = Annotated[int, typer.Option(help="Parts of the batch that follow each other.")]
Groups = Annotated[int | None, typer.Option(help="Groups of operators to place, at most.")]
Simulations = Annotated[int, typer.Option(help="Placements that an optimizer may try.")]
Seconds = Annotated[float | None, typer.Option(help="That an optimizer may take.")]


@app.command(DEFAULT)
@guarded
def place(
    graph: Graph,
    cluster: ClusterName = "4gpu",
    optimizer: Annotated[
        str,
        typer.Option(
            help="rl, heft, metis, … with commas between, or all.", autocompletion=OptimizerNames
        ),
    ] = "rl",
    placement: Annotated[
        Path | None, typer.Option(help="A placement file to run, instead of an optimizer.")
    ] = None,
    batch: Batch = None,
    inference: Inference = False,
    micro_batches: MicroBatches = 1,
    groups: Groups = None,
    simulations: Simulations = 5000,
    seconds: Seconds = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same placements.")] = 0,
    study: Resumed = None,
    output: Output = RESULTS,
    storage: Storage = None,
    json: Json = False,
) -> None:
    """Place a graph by one optimizer or several, and show the best placement."""
    from apollo.search.placement.optimizers import chosen
    from apollo.search.placement.task import PlacementTask
    from apollo.search.studies import database_path

    check_seed(seed)
    names = chosen(optimizer)
    task = PlacementTask(graph, cluster, batch, not inference, micro_batches, groups)
    if placement is not None:
        _show_step(task, placement, json)
        return
    name = _default_name(task, seed) if study is None else study
    budget = _budget(simulations, seconds)
    database = database_path(output, name)
    placed = _run(task, names, budget, seed, name, storage or database)
    _show(task, placed, output / name, json)


def _budget(simulations: int, seconds: float | None) -> "Budget":
    from apollo.search.placement.found import Budget

    check_number("--simulations", simulations)
    return Budget(simulations) if seconds is None else Budget(simulations, seconds)


def _run(
    task: "PlacementTask",
    names: Sequence[str],
    budget: "Budget",
    seed: int,
    name: str,
    database: str | Path,
) -> list["Placed"]:
    from apollo.search.placement.optimizers import place as place_by
    from apollo.search.placement.study import PlacementStudy
    from apollo.search.store import Store

    options = task.options() | {"simulations": budget.simulations}
    options |= {"seconds": budget.seconds} if budget.seconds < float("inf") else {}
    study = PlacementStudy(name, task.problem, seed, options)
    with Store(database) as store:
        try:
            return study.run(
                store,
                names,
                lambda optimizer: place_by(optimizer, task, budget, seed),
                lambda optimizer: typer.echo(f"{optimizer} …", err=True),
            )
        except KeyboardInterrupt:
            done = len(store.trials(name))
            console.fail(
                f"Interrupted after {done} of {len(names)} optimizers, which are saved; the same "
                f"command with --study {name} goes on.",
                ExitCode.INTERRUPTED,
            )
            raise


def _show(task: "PlacementTask", placed: Sequence["Placed"], folder: Path, json: bool) -> None:
    from apollo.search.placement.results import best_of, write_results

    best = best_of(placed)
    if json:
        console.print_json(place_view.placed_json(task, placed))
    else:
        place_view.print_placed(task, placed)
    if best is None:
        console.fail(
            f"No placement of {task.graph.name} fits the memories of {task.cluster.name}: "
            f"{placed[0].trial.reason}",
            ExitCode.NOTHING_FEASIBLE,
        )
        return
    files = write_results(task, best, folder)
    if not json:
        title = f"The step as {best.optimizer} places it"
        place_view.print_step(task, task.simulator.run(best.placement), title)
        typer.echo(f"Written: {', '.join(str(file) for file in files)}")


def _show_step(task: "PlacementTask", file: Path, json: bool) -> None:
    from apollo.search.placement.output.placement_file import read_placement

    step = task.simulator.run(read_placement(file, task.problem))
    if json:
        console.print_json(place_view.step_json(task, step))
    else:
        title = f"{task.problem.name}: a step of {step.step_ns / NS_PER_MS:,.3f} ms"
        place_view.print_step(task, step, title)
    if step.overflow_bytes:
        console.fail(
            f"The placement lacks {step.overflow_bytes:,} bytes of memory.",
            ExitCode.NOTHING_FEASIBLE,
        )


def _default_name(task: "PlacementTask", seed: int) -> str:
    """A name that says what the study is of."""
    parts = ["place", Path(task.graph_name).stem, Path(task.cluster_name).stem]
    parts += [] if task.batch is None else [f"batch{task.batch}"]
    parts += [] if task.is_training else ["inference"]
    parts += [] if task.micro_batches == 1 else [f"micro{task.micro_batches}"]
    parts += [] if task.most_groups is None else [f"groups{task.most_groups}"]
    return re.sub(r"[^A-Za-z0-9_.+-]", "_", "-".join([*parts, f"seed{seed}"]))


app.command("train")(train)
app.command("eval")(evaluate)
app.command()(partition)
app.command()(codesign)


@app.command()
@guarded
def benchmark(
    simulations: Simulations = 5000,
    seeds: Annotated[int, typer.Option(help="Runs of what draws, with another seed each.")] = 5,
    first_seed: Annotated[int, typer.Option(help="The seed of the first run.")] = 0,
    optimizers: Annotated[
        str | None,
        typer.Option(
            help="With commas between; else all but proofs.", autocompletion=OptimizerNames
        ),
    ] = None,
    graphs: Annotated[
        str | None, typer.Option(help="GRAPH@CLUSTER with commas between; else the published.")
    ] = None,
    study: Annotated[str, typer.Option(help="Folder of the results; the same resumes.")] = (
        "placement-benchmark"
    ),
    output: Output = RESULTS,
    storage: Storage = None,
    json: Json = False,
) -> None:
    """Place the published graphs by every optimizer, with several seeds and equal budgets."""
    from apollo.search.placement.benchmark import GRAPHS, OPTIMIZERS, benchmark
    from apollo.search.placement.optimizers import chosen
    from apollo.search.store import Store
    from apollo.search.studies import database_path

    check_number("--seeds", seeds)
    check_number("--first-seed", first_seed, least=0)
    pairs = GRAPHS if graphs is None else tuple(map(_pair, graphs.split(",")))
    names = OPTIMIZERS if optimizers is None else chosen(optimizers)
    budget = _budget(simulations, None)
    say = partial(typer.echo, err=True)
    with Store(storage or database_path(output, study)) as store:
        found = [*benchmark(store, budget, seeds, pairs, names, say, first_seed)]
    if json:
        console.print_json(place_view.benchmark_json(found))
    else:
        place_view.print_benchmark(found)


def _say(text: str) -> None:
    typer.echo(text, err=True)


def _pair(text: str) -> tuple[str, str]:
    graph, at, cluster = text.rpartition("@")
    if not (graph and at and cluster):
        raise ValueError(f"--graphs must be as nmt_2@4gpu, not '{text}'.")
    return graph, cluster


@app.command()
@guarded
def clusters(json: Json = False) -> None:
    """List the clusters that are shipped."""
    from apollo.arch.cluster_file import cluster_names, load_cluster

    found = [load_cluster(name) for name in cluster_names()]
    if json:
        console.print_json(
            [{"cluster": c.name, "devices": [d.name for d in c.devices]} for c in found]
        )
        return
    rows = [(each.name, ", ".join(device.name for device in each.devices)) for each in found]
    console.print_table("Clusters", ("cluster ", "devices "), rows)
