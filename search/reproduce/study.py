"""The reproduction, part by part: what is finished is not run again."""

import json
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from apollo.arch.text import suggestion
from apollo.search.measure import evaluator_version
from apollo.search.report.files import whole_file
from apollo.search.reproduce.enumerate import chunk_path, chunks_of, enumerate_chunk
from apollo.search.reproduce.estimate import ENUMERATION
from apollo.search.reproduce.optimum import find_optimum, quests_of
from apollo.search.reproduce.plan import Plan
from apollo.search.reproduce.processes import each_done
from apollo.search.reproduce.rows import is_finished
from apollo.search.reproduce.runs import finish

STAMP = "reproduction.json"
Follow = Callable[[str, int, int, str], None]  # part, done, of how many, what was done last


def reproduce(plan: Plan, folder: Path, parts: Sequence[str], jobs: int, follow: Follow) -> None:
    """Run what the parts lack, `jobs` at a time; `follow` hears of everything that is done.

    Raises `ValueError` when the folder holds another reproduction or another version's, or a part
    that needs another comes before it.
    """
    _check_stamp(plan, folder)
    for part in parts:
        if part == ENUMERATION:
            _enumerate(plan, folder, jobs, follow)
        else:
            _run(plan, part, folder, jobs, follow)


def part_names(plan: Plan, named: Sequence[str], without: Sequence[str] = ()) -> list[str]:
    """The named parts in the order of the plan, or all, but for those that are left out.

    Raises `ValueError` for one that is not there.
    """
    known = [*plan.runs, ENUMERATION]
    for name in (*named, *without):
        if name not in known:
            raise ValueError(
                f"There is no part '{name}' (known: {', '.join(known)}).{suggestion(name, known)}"
            )
    return [name for name in known if (name in named or not named) and name not in without]


def _run(plan: Plan, part: str, folder: Path, jobs: int, follow: Follow) -> None:
    runs = plan.runs[part]
    for run in runs:
        if run.source is not None and not is_finished(folder, run.source):
            raise ValueError(
                f"Part '{part}' must come behind part '{run.source.part}': it begins with the "
                f"designs of run {run.source.name}."
            )
    left = [run for run in runs if not is_finished(folder, run)]
    first = len(runs) - len(left) + 1
    for done, run in enumerate(each_done(partial(finish, plan, folder), left, jobs), first):
        follow(part, done, len(runs), run.name)


def _enumerate(plan: Plan, folder: Path, jobs: int, follow: Follow) -> None:
    chunks = [chunk for networks in plan.enumerated for chunk in chunks_of(plan, networks)]
    left = [chunk for chunk in chunks if not chunk_path(folder, chunk).is_file()]
    first = len(chunks) - len(left) + 1
    each = each_done(partial(enumerate_chunk, plan, folder), left, jobs)
    for done, chunk in enumerate(each, first):
        follow(ENUMERATION, done, len(chunks), chunk.name)
    quests = quests_of(plan)
    find = partial(find_optimum, plan, folder)
    for done, quest in enumerate(each_done(find, quests, jobs), 1):
        follow("optima", done, len(quests), quest.name)


def _check_stamp(plan: Plan, folder: Path) -> None:
    path = folder / STAMP
    stamp = {"version": evaluator_version(), **plan.identity()}
    if path.is_file():
        if json.loads(path.read_text(encoding="utf-8")) != stamp:
            raise ValueError(
                f"'{folder}' holds a reproduction of another plan or version: give another "
                "--output, or delete it."
            )
        return
    folder.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as part:
        part.write_text(json.dumps(stamp, indent=1) + "\n", encoding="utf-8")
