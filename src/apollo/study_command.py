"""`apollo study`: what is stored of the studies, in their folder or in a database."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from apollo import completion, console, study_view
from apollo.bounds import check_number
from apollo.console import ExitCode, guarded
from apollo.options import RESULTS, Json, Output, Storage, StudyName, StudyNames

app = typer.Typer(help="Stored studies.", no_args_is_help=True)

Metrics = list[str] | None


@app.command("list")
@guarded
def study_list(output: Output = RESULTS, storage: Storage = None, json: Json = False) -> None:
    """List the studies of a folder or of a database."""
    from apollo.search.studies import list_studies

    summaries, problems = list_studies(output, storage)
    for problem in problems:
        typer.echo(f"apollo: {problem}", err=True)
    if json:
        console.print_json([study_view.summary_json(summary) for summary in summaries])
    elif summaries:
        study_view.print_summaries(summaries)
    else:
        where = storage or output
        typer.echo(f"There are no studies in '{where}'; `apollo explore mobilenet_v2` makes one.")


@app.command("show")
@guarded
def study_show(
    name: StudyName, output: Output = RESULTS, storage: Storage = None, json: Json = False
) -> None:
    """Show what a study is of and how far it came."""
    from apollo.search.facts import facts_of
    from apollo.search.studies import open_study

    with open_study(output, name, storage) as store:
        facts = facts_of(store, name)
    if json:
        console.print_json(study_view.facts_json(facts))
    else:
        study_view.print_facts(facts)


@app.command("best")
@guarded
def study_best(
    name: StudyName,
    count: Annotated[int, typer.Option(help="How many designs.")] = 5,
    output: Output = RESULTS,
    storage: Storage = None,
    json: Json = False,
) -> None:
    """Show the best designs of a study."""
    from apollo.search.store.brief import best_trials
    from apollo.search.studies import open_study, row_of

    check_number("--count", count)
    with open_study(output, name, storage) as store:
        row, best = row_of(store, name), best_trials(store, name, count)
    if not best:
        _nothing_feasible(name)
    if json:
        console.print_json([study_view.trial_json(trial) for trial in best])
    else:
        study_view.print_trials(row, best)


@app.command("front")
@guarded
def study_front(
    name: StudyName,
    most: Annotated[Metrics, typer.Option(help="Metric that should be large; repeatable.")] = None,
    least: Annotated[Metrics, typer.Option(help="Metric that should be small; repeatable.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Every row, not the first 20.")] = False,
    output: Output = RESULTS,
    storage: Storage = None,
    json: Json = False,
) -> None:
    """Show the designs that no other beats in everything."""
    from apollo.search.fronts import front_of_study
    from apollo.search.studies import open_study, row_of

    with open_study(output, name, storage) as store:
        row, front = row_of(store, name), front_of_study(store, name, most or (), least or ())
    if not front.trials:
        _nothing_feasible(name)
    if json:
        trials = [study_view.trial_json(trial) for trial in front.trials]
        console.print_json({"objectives": list(front.names), "front": trials})
    else:
        study_view.print_front(row, front.names, front.trials, every)


@app.command("export")
@guarded
def study_export(
    name: StudyName,
    file: Annotated[Path, typer.Option("-o", "--file", help="A .csv or .parquet file to write.")],
    output: Output = RESULTS,
    storage: Storage = None,
    json: Json = False,
) -> None:
    """Write the trials of a study to a CSV or Parquet file."""
    from apollo.search.report.table import format_of, trial_table
    from apollo.search.studies import read_study

    write = format_of(file)
    row, trials = read_study(output, name, storage)
    write(trial_table(trials, row), file)
    facts = {"study": name, "file": str(file), "trials": len(trials)}
    console.tell(f"{len(trials)} trials written to '{file}'.", facts, json)


@app.command("merge")
@guarded
def study_merge(
    names: Annotated[
        list[str],
        typer.Argument(
            help="Studies of one problem: names, or folders elsewhere.",
            autocompletion=completion.studies,
        ),
    ],
    into: Annotated[str, typer.Option(help="Name of the study to make.")],
    output: Output = RESULTS,
    storage: Storage = None,
    json: Json = False,
) -> None:
    """Make one study of several of the same problem: all their trials and evaluations."""
    from apollo.search.merge import merge_studies

    count = merge_studies(names, into, output, storage)
    sentence = f"Study '{into}' has {count} trials; `apollo study best {into}` ranks them."
    console.tell(sentence, {"study": into, "trials": count}, json)


@app.command("delete")
@guarded
def study_delete(
    names: StudyNames,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    output: Output = RESULTS,
    storage: Storage = None,
    json: Json = False,
) -> None:
    """Delete studies with their trials, evaluations and files."""
    from apollo.search.delete import delete_study
    from apollo.search.store.brief import brief_trials
    from apollo.search.studies import open_study

    counts = {}
    for name in names:  # all are there, or none is deleted
        with open_study(output, name, storage) as store:
            counts[name] = len(brief_trials(store, name))
    if not (yes or _agreed(counts)):
        console.tell("Nothing was deleted.", [], json)
        return
    for name, count in counts.items():
        delete_study(output, name, storage)
        if not json:
            typer.echo(f"Study '{name}' with its {count} trials was deleted.")
    if json:
        console.print_json([{"study": name, "trials": count} for name, count in counts.items()])


def _agreed(counts: Mapping[str, int]) -> bool:
    """What the user says; nobody is asked where there is no terminal."""
    if not console.is_terminal():
        raise ValueError("Nobody can be asked here: --yes must be given to delete for good.")
    studies = ", ".join(f"'{name}' ({count} trials)" for name, count in counts.items())
    try:
        return typer.confirm(f"Delete {studies} for good?", err=True)
    except typer.Abort:  # Ctrl-C or the end of the input, instead of an answer
        raise KeyboardInterrupt from None


def _nothing_feasible(name: str) -> None:
    console.fail(f"No trial of '{name}' is feasible.", ExitCode.NOTHING_FEASIBLE)
