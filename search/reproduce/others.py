"""The other published systems: rows and figures of what verifies them, as they are there.

`sparse` and `tpu` are parts of the verification (docs/verification.md), `placement` the published
graphs (`placements.py`) and the methods on third-party graphs with published figures
(docs/placement_graphs.md).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
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
THIRD_PARTY = "third_party.csv"
QUICK_SPARSITIES = (0.0, 0.8, 0.9)


@dataclass(frozen=True)
class Work:
    """Where a system is reproduced and how."""

    folder: Path  # of the files
    studies: Path  # folder of studies, for what resumes
    quick: bool
    follow: Callable[[str], None]  # hears what comes next


def reproduce_other(system: str, work: Work) -> tuple[list[Row], list[Path]]:
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

    folder = work.folder
    folder.mkdir(parents=True, exist_ok=True)
    rows, files = SYSTEMS[system](work)
    write_csv(pd.DataFrame(rows), folder / FIGURES)
    write_json(provenance(system=system, quick=work.quick), folder / PROVENANCE)
    return rows, [folder / FIGURES, *files, folder / PROVENANCE]


def _sparse(work: Work) -> tuple[list[Row], list[Path]]:
    from apollo.search.verify.sparse import verify_sparse
    from apollo.search.verify.sparse_curve import SPARSITIES

    part = verify_sparse(QUICK_SPARSITIES if work.quick else SPARSITIES)
    return _rows(part), [] if part.write is None else part.write(work.folder)


def _tpu(_work: Work) -> tuple[list[Row], list[Path]]:
    from apollo.search.verify.tpu import verify_tpu

    return _rows(verify_tpu()), []


def _placement(work: Work) -> tuple[list[Row], list[Path]]:
    import pandas as pd

    from apollo.search.reproduce.placements import (
        QUICK,
        Effort,
        placement_rows,
        third_party_rows,
    )

    effort = QUICK if work.quick else Effort()
    rows = placement_rows(work.studies, effort, work.follow)
    third = third_party_rows(work.studies, effort, work.follow)
    path = work.folder / THIRD_PARTY
    write_csv(pd.DataFrame(third), path)
    return rows, [path]


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


SYSTEMS: Mapping[str, Callable[[Work], tuple[list[Row], list[Path]]]] = {
    "sparse": _sparse,
    "tpu": _tpu,
    "placement": _placement,
}
