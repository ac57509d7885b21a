"""`apollo compare`: two designs, programs or studies, stage by stage."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from apollo import completion, console
from apollo.console import guarded
from apollo.network_option import Batch, Partial, Shapes, Sparsity, open_workload
from apollo.options import RESULTS, Json, Output, Storage
from apollo.program_command import is_program, run_program

if TYPE_CHECKING:
    from apollo.search.compare.difference import Cell, Difference, Section

_MOST_ROWS = 10  # of a section, without --all


@guarded
def compare(
    first: Annotated[
        str,
        typer.Argument(
            help="Design, as edge_tpu_v1 or edge_tpu_v1,lanes=32; program; study.",
            autocompletion=completion.compared,
        ),
    ],
    second: Annotated[
        str,
        typer.Argument(help="Another of the same kind.", autocompletion=completion.compared),
    ],
    network: Annotated[
        str | None,
        typer.Option(help="For designs: what they run.", autocompletion=completion.networks),
    ] = None,
    design: Annotated[
        str,
        typer.Option(help="For programs: what they run on.", autocompletion=completion.designs),
    ] = "edge_tpu_v1",
    batch: Batch = 1,
    shape: Shapes = None,
    partial: Partial = False,
    sparsity: Sparsity = None,
    output: Output = RESULTS,
    storage: Storage = None,
    every: Annotated[bool, typer.Option("--all", help="Every row, not the largest.")] = False,
    json: Json = False,
) -> None:
    """Show what differs, stage by stage, the largest differences first."""
    kind = _kind_of(first, second, network, output, storage)
    if kind == "designs":
        sections = _designs(first, second, network, batch, shape, partial, sparsity)
    elif kind == "programs":
        sections = _programs(first, second, design)
    else:
        sections = _studies(first, second, output, storage)
    if json:
        console.print_json({"first": first, "second": second, **comparison_json(kind, sections)})
    else:
        print_comparison(first, second, sections, every)


def _kind_of(
    first: str, second: str, network: str | None, output: Path, storage: str | None
) -> str:
    """What is compared.

    Raises `ValueError` for two of different kinds, and for what is none.
    """
    kinds = [_kind(name, network is not None, output, storage) for name in (first, second)]
    if kinds[0] != kinds[1]:
        raise ValueError(
            f"'{first}' is one of the {kinds[0]} and '{second}' one of the {kinds[1]}; "
            f"both must be of one kind."
        )
    if kinds[0] == "designs" and network is None:
        raise ValueError("Designs are compared on a network: --network must name it.")
    if kinds[0] != "designs" and network is not None:
        raise ValueError(f"--network must be left out for {kinds[0]}.")
    return kinds[0]


def _kind(name: str, has_network: bool, output: Path, storage: str | None) -> str:
    from apollo.arch.accelerator import design_names
    from apollo.arch.text import suggestion
    from apollo.search.studies import list_studies

    head = name.partition(",")[0]
    if head in design_names() or head.lower().endswith(".toml"):
        return "designs"
    studies = [summary.study.name for summary in list_studies(output, storage)[0]]
    if name in studies:
        return "studies"
    if is_program(name):
        return "programs"
    if has_network:
        return "designs"  # which says what is wrong with the name
    raise ValueError(
        f"'{name}' must be a preset, a .toml file, a program, or a study in '{storage or output}'."
        f"{suggestion(head, [*design_names(), *studies])}"
    )


def _designs(
    first: str,
    second: str,
    network: str | None,
    batch: int,
    shape: list[str] | None,
    partial: bool,
    sparsity: float | None,
) -> "list[Section]":
    from apollo.search.compare.runs import compare_runs, run_side
    from apollo.search.compare.variant import parse_variant

    sides = []
    for variant in (parse_variant(first), parse_variant(second)):
        images = batch if variant.batch is None else variant.batch
        workload = open_workload(network or "", images, shape, partial, sparsity)
        sides.append(run_side(workload, variant.accelerator, variant.options))
    return compare_runs(*sides)


def _programs(first: str, second: str, design: str) -> "list[Section]":
    from apollo.search.compare.programs import compare_programs

    one, accelerator = run_program(first, design, 1)
    return compare_programs(one, run_program(second, design, 1)[0], accelerator)


def _studies(first: str, second: str, output: Path, storage: str | None) -> "list[Section]":
    from apollo.search.compare.studies import compare_studies
    from apollo.search.studies import read_study

    one, other = (read_study(output, name, storage) for name in (first, second))
    return compare_studies(one, other)


def comparison_json(kind: str, sections: "list[Section]") -> dict[str, Any]:
    """Every difference of every stage."""
    return {
        "kind": kind,
        "stages": [
            {
                "stage": section.stage,
                "same": section.same,
                "differences": [
                    {
                        "what": row.what,
                        "first": row.first,
                        "second": row.second,
                        "change": row.change,
                        "ratio": row.ratio,
                    }
                    for row in section.rows
                ],
            }
            for section in sections
        ],
    }


def print_comparison(first: str, second: str, sections: "list[Section]", every: bool) -> None:
    """A table for every stage that differs, the others in a line."""
    for section in sections:
        if section.rows:
            _print_section(section, (first, second), every)
    equal = [section.stage for section in sections if not section.rows]
    if len(equal) == len(sections):
        typer.echo("Nothing differs.")
    elif equal:
        typer.echo(f"The same: {'; '.join(equal)}.")


def _print_section(section: "Section", names: tuple[str, str], every: bool) -> None:
    rows = section.rows if every else section.rows[:_MOST_ROWS]
    is_text = all(row.change is None for row in rows)
    heads = [f"{name} " if is_text else name for name in names]
    console.print_table(
        f"{section.stage}: {len(section.rows)} differ, {section.same} are the same",
        ("what ", *heads, *(() if is_text else ("change", "%"))),
        (_row(row)[: 3 if is_text else 5] for row in rows),
    )
    if len(rows) < len(section.rows):
        typer.echo(f"and {len(section.rows) - len(rows)} smaller differences (--all shows them)\n")


def _row(row: "Difference") -> tuple[str, ...]:
    change = "" if row.change is None else f"{'+' if row.change > 0 else ''}{_text(row.change)}"
    percent = "" if row.ratio is None else f"{row.ratio - 1:+.1%}"
    return (row.what, _text(row.first), _text(row.second), change, percent)


def _text(cell: "Cell") -> str:
    if cell is None:
        return "-"
    if isinstance(cell, float):
        return f"{cell:,.4g}"
    return f"{cell:,}" if isinstance(cell, int) else cell
