"""Studies of one problem as a single study: all their trials, numbered anew.

What a study asked (networks, objectives, constraints, baseline, space, contents) must be the same,
or rewards would not compare; optimizers, settings, seeds and batches may differ. The merged study
remembers of what it was made and can be ranked, exported and merged again; it is not resumed.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from apollo.search.store import Store, StudyRow, canonical_json
from apollo.search.store.parts import StoredStudy
from apollo.search.studies import DATABASE, database_path, export_study, open_study, row_of
from apollo.search.trial import Trial

MERGED = "merged"  # in place of an optimizer
_OF_THE_SEARCH = ("batch", "filter", MERGED)  # options that change no reward


def merge_studies(
    names: Sequence[str], into: str, results: Path, storage: str | None = None
) -> int:
    """Make a study of several; the number of its trials.

    A name is one of `results` or of `storage`, or the path of a study's folder elsewhere. A study
    that another one continues counts once. The result goes into its own folder of `results`, or
    into `storage`. Raises `ValueError`, one sentence, when they are not of one problem, or there is
    another study of that name.
    """
    path = database_path(results, into)
    parts = _without_copies([_read(name, results, storage) for name in names])
    merged = _merged(into, parts)
    with Store(storage or path) as store:
        stored = store.study(into)
        if stored is not None and stored.difference(merged.row) is not None:
            raise ValueError(
                f"Study '{into}' is there and was not made of these: delete it, or give --into "
                "another name."
            )
        if not store.trials(into):
            merged.write(store)
        row = row_of(store, into)
    if storage is None:
        export_study(row, merged.trials, path.parent)
    return len(merged.trials)


def _read(name: str, results: Path, storage: str | None) -> StoredStudy:
    folder = Path(name)
    if len(folder.parts) > 1:
        if not (folder / DATABASE).is_file():
            raise ValueError(f"There is no study in the folder '{name}'.")
        results, name, storage = folder.parent, folder.name, None
    with open_study(results, name, storage) as store:
        return StoredStudy.read(store, row_of(store, name))


def _without_copies(parts: Sequence[StoredStudy]) -> list[StoredStudy]:
    """Those that no other continues: one identity, and the same trials as far as there are any."""
    kept: list[StoredStudy] = []
    for part in sorted(parts, key=lambda part: -len(part.trials)):
        if not any(_continues(other, part) for other in kept):
            kept.append(part)
    return [part for part in parts if any(part is each for each in kept)]


def _continues(longer: StoredStudy, shorter: StoredStudy) -> bool:
    head = longer.trials[: len(shorter.trials)]
    is_same = longer.row.difference(shorter.row) is None
    return is_same and list(map(_timeless, head)) == list(map(_timeless, shorter.trials))


def _timeless(trial: Trial) -> Trial:
    return replace(trial, seconds=0.0)


def _merged(name: str, parts: Sequence[StoredStudy]) -> StoredStudy:
    first = parts[0]
    for other in parts[1:]:
        difference = _problem(first.row).difference(_problem(other.row))
        if difference is not None:
            raise ValueError(
                f"Studies '{first.row.name}' and '{other.row.name}' are not of one problem: "
                f"{difference}."
            )
    trials = [(part.row.name, trial) for part in parts for trial in part.trials]
    options = {**_problem(first.row).options, MERGED: [_made_of(part) for part in parts]}
    return StoredStudy(
        StudyRow(name, MERGED, 0, options, first.row.version),
        [_numbered(number, *each) for number, each in enumerate(trials)],
        {key: found for part in parts for key, found in part.evaluations.items()},
    )


def _problem(row: StudyRow) -> StudyRow:
    """The study without what its optimizer is and how it is asked."""
    others = (*_OF_THE_SEARCH, row.optimizer)
    options = {name: value for name, value in row.options.items() if name not in others}
    return StudyRow("", MERGED, 0, options, row.version)


def _made_of(part: StoredStudy) -> Mapping[str, Any]:
    row = part.row
    search = {name: row.options[name] for name in _OF_THE_SEARCH if name in row.options}
    settings = row.options.get(row.optimizer, {})
    facts = {"optimizer": row.optimizer, "seed": row.seed, "settings": settings, **search}
    found = {"study": row.name, "trials": len(part.trials), **facts}
    copied: Mapping[str, Any] = json.loads(canonical_json(found))
    return copied


def _numbered(number: int, study: str, trial: Trial) -> Trial:
    """The trial in the merged study; its proposer says from which it is."""
    proposer = study if trial.proposer is None else f"{study}/{trial.proposer}"
    return replace(trial, number=number, proposer=proposer)
