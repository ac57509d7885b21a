"""`apollo place codesign`: a network over several chips, against one chip of the same area."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from apollo import completion, console
from apollo.bounds import check_number, check_seed
from apollo.console import guarded
from apollo.options import RESULTS, Json, Output, Storage

if TYPE_CHECKING:
    from apollo.arch.accelerator import Accelerator
    from apollo.search.placement.codesign.compare import CodesignRow


@guarded
def codesign(
    networks: Annotated[
        list[str],
        typer.Argument(help="Networks, names or paths.", autocompletion=completion.networks),
    ],
    design: Annotated[
        list[str] | None,
        typer.Option(
            help="Small chip: a preset, a .toml file, or study:NAME; repeatable.",
            autocompletion=completion.designs,
        ),
    ] = None,
    chips: Annotated[str, typer.Option(help="Counts of small chips, with commas between.")] = "2,4",
    cluster: Annotated[
        str,
        typer.Option(
            help="Whose first link joins the chips; shipped, or a .toml file.",
            autocompletion=completion.clusters,
        ),
    ] = "2chip",
    trials: Annotated[
        int, typer.Option(help="Of the search for big chips of the same area; 0: none.")
    ] = 0,
    seed: Annotated[int, typer.Option(help="Of that search.")] = 0,
    output: Output = RESULTS,
    storage: Storage = None,
    json: Json = False,
) -> None:
    """Cut networks over several small chips; every part is compiled and simulated."""
    check_number("--trials", trials, least=0)
    check_seed(seed)
    from apollo.arch.cluster_file import load_cluster
    from apollo.search.placement.codesign.chips import Search
    from apollo.search.placement.codesign.compare import codesign_rows

    counts = [_count(text) for text in chips.split(",")]
    links = load_cluster(cluster).links
    if not links:
        raise ValueError(f"Cluster '{cluster}' has no link to join chips by.")
    named = design or ["edge_tpu_v3"]
    designs = [each for name in named for each in _designs(name, output, storage)]
    search = Search(output, trials, seed, storage=storage) if trials else None
    rows = codesign_rows(networks, designs, counts, next(iter(links.values())), search)
    if json:
        console.print_json([{**vars(row), "system": row.system.value} for row in rows])
        return
    columns = (
        "network ",
        "system ",
        "design ",
        "chips",
        "area (mm²)",
        "latency (ms)",
        "per second",
    )
    console.print_table("Several chips or one", (*columns, "note "), map(_row, rows))


def _count(text: str) -> int:
    if not re.fullmatch(r"\s*[0-9]{1,18}\s*", text):
        raise ValueError(f"--chips must be counts with commas between, as 2,4, not '{text}'.")
    from apollo.arch.cluster import MOST_DEVICES

    count = int(text)
    check_number("A count of --chips", count, most=MOST_DEVICES)
    return count


def _designs(name: str, output: Path, storage: str | None) -> "Sequence[Accelerator]":
    """A preset, a design file, or the best design of a study."""
    from apollo.arch.accelerator import load_design
    from apollo.search.placement.codesign.chips import designs_of_study

    kind, _, study = name.partition(":")
    if kind != "study":
        return [load_design(name)]
    try:
        return designs_of_study(output, study, storage=storage)
    except KeyError:
        raise ValueError(f"Study '{study}' is none of designs for networks.") from None


def _row(row: "CodesignRow") -> tuple[str, ...]:
    known = row.reason is None
    return (
        row.network,
        row.system.value,
        row.design,
        str(row.chips),
        f"{row.area_mm2:,.2f}",
        f"{row.latency_ms:,.3f}" if known else "-",
        f"{row.throughput_per_s:,.1f}" if known else "-",
        row.reason or "",
    )
