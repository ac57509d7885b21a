"""The other published systems: rows and figures of what verifies them, as they are there.

`sparse` and `tpu` are parts of the verification (docs/verification.md), `placement` the methods on
third-party graphs with published figures (docs/placement_graphs.md).
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from apollo.arch.text import suggestion
from apollo.search.report.table import write_csv
from apollo.search.reproduce.provenance import provenance, write_json

if TYPE_CHECKING:
    from apollo.search.verify.figures import Part

Row = dict[str, Any]
APOLLO = "apollo"  # the exploration study, which is not one of these
FIGURES, PROVENANCE = "figures.csv", "provenance.json"
QUICK_SPARSITIES = (0.0, 0.8, 0.9)
QUICK_GRAPH = "throughput/resnet50_inference"


def reproduce_other(system: str, folder: Path, *, quick: bool) -> tuple[list[Row], list[Path]]:
    """Rows and the files that were written of a system.

    Raises `ValueError` for one that is not there.
    """
    if system not in SYSTEMS:
        known = ", ".join((APOLLO, *SYSTEMS))
        raise ValueError(
            f"There is no system '{system}' to reproduce (known: {known})."
            f"{suggestion(system, [APOLLO, *SYSTEMS])}"
        )
    import pandas as pd

    folder.mkdir(parents=True, exist_ok=True)
    rows, files = SYSTEMS[system](folder, quick)
    write_csv(pd.DataFrame(rows), folder / FIGURES)
    write_json(provenance(system=system, quick=quick), folder / PROVENANCE)
    return rows, [folder / FIGURES, *files, folder / PROVENANCE]


def _sparse(folder: Path, quick: bool) -> tuple[list[Row], list[Path]]:
    from apollo.search.verify.sparse import verify_sparse
    from apollo.search.verify.sparse_curve import SPARSITIES

    part = verify_sparse(QUICK_SPARSITIES if quick else SPARSITIES)
    return _rows(part), [] if part.write is None else part.write(folder)


def _tpu(_folder: Path, _quick: bool) -> tuple[list[Row], list[Path]]:
    from apollo.search.verify.tpu import verify_tpu

    return _rows(verify_tpu()), []


def _placement(_folder: Path, quick: bool) -> tuple[list[Row], list[Path]]:
    from apollo.search.placement.partition.table import partition_table

    table = partition_table([QUICK_GRAPH] if quick else None, ["expert"] if quick else None)
    return [{**row._asdict(), "objective": str(row.objective)} for row in table], []


def _rows(part: "Part") -> list[Row]:
    return [
        {
            "subject": figure.subject,
            "figure": figure.name,
            "published": figure.reference,
            "ours": figure.ours,
            "holds": figure.holds,
            "why": figure.explanation,
        }
        for figure in part.figures
    ]


SYSTEMS: Mapping[str, Callable[[Path, bool], tuple[list[Row], list[Path]]]] = {
    "sparse": _sparse,
    "tpu": _tpu,
    "placement": _placement,
}
