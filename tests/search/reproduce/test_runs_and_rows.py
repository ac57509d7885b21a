"""The reproduction runs once, resumes, and publishes what is there."""

import json
from pathlib import Path

import pandas as pd
import pytest
from reproduction_plans import BUDGET_MM2, tiny_plan

from apollo.search.reproduce.estimate import ENUMERATION, estimates_of, milliseconds_of
from apollo.search.reproduce.plan import SINGLE, TRANSFER, Plan, Run, published_plan, quick_plan
from apollo.search.reproduce.publish import CLAIMS, publish
from apollo.search.reproduce.rows import is_finished, load_rows
from apollo.search.reproduce.runs import database_of, finish
from apollo.search.reproduce.study import STAMP, part_names, reproduce
from apollo.search.reproduce.summary import run_rows
from apollo.search.store import Store


def silent(*_: object) -> None:
    """Follows nothing."""


def run_all(plan: Plan, folder: Path) -> list[str]:
    heard: list[str] = []
    follow = lambda part, done, count, name: heard.append(name)  # noqa: E731
    reproduce(plan, folder, part_names(plan, []), 1, follow)
    return heard


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished reproduction."""
    made: Path = tmp_path_factory.mktemp("reproduction")
    run_all(tiny_plan(), made)
    return made


def test_the_published_plan_is_the_published_study() -> None:
    plan = published_plan()
    single = plan.runs[SINGLE]
    assert {run.trials for run in plan.all_runs} == {4096}
    assert {run.budget_mm2 for run in single} == {6.8, 5.8, 4.8}
    assert {run.objective for run in single} == {"speedup", "throughput_per_area"}
    assert len(single) == 2 * 3 * 3 * 10
    assert len(plan.runs["vizier"]) == 2 * 3 * 10
    assert {run.source.budget_mm2 for run in plan.runs[TRANSFER]} == {6.8}
    assert plan.space.size == 452_760_000


def test_runs_of_a_name_are_refused() -> None:
    run = quick_plan().runs[SINGLE][0]
    with pytest.raises(ValueError, match=r"^The runs of a plan must have different names\.$"):
        Plan(quick_plan().sets, {"a": (run,), "b": (run,)}, ())


def test_a_run_that_was_cut_short_has_the_rows_of_one_that_was_not(
    folder: Path, tmp_path: Path
) -> None:
    plan, short = tiny_plan(), tiny_plan(trials=17)
    for run, cut in zip(plan.all_runs, short.all_runs, strict=True):
        if run.part != SINGLE:
            continue
        finish(short, tmp_path, cut)  # stops in the middle of a batch; another number of trials
        assert len(load_rows(tmp_path, cut)) == 17
        finish(plan, tmp_path, run)
        pd.testing.assert_frame_equal(load_rows(tmp_path, run), load_rows(folder, run))


def test_what_is_finished_is_not_run_again(folder: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*.parquet")}
    heard = run_all(tiny_plan(), folder)
    assert {name for name in heard if name.startswith(f"{SINGLE}_")} == set()
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*.parquet")} == before


def test_evaluations_are_shared_by_all_runs_of_a_set(folder: Path) -> None:
    with Store(database_of(folder, SINGLE)) as store:
        logs = [store.trials(summary.study.name) for summary in store.studies()]
        with store.engine.connect() as connection:
            count = connection.exec_driver_sql("select count(*) from evaluation").scalar()
    compiled = {t.index for log in logs for t in log if t.resource != "area"}
    asked = [t for log in logs for t in log if t.resource != "area"]
    assert count == len(compiled) < len(asked)


def test_rows_say_what_the_trials_were(folder: Path) -> None:
    plan = tiny_plan()
    for run in plan.runs[SINGLE]:
        rows = load_rows(folder, run)
        assert rows.trial.tolist() == list(range(40))
        assert (rows.feasible == (rows.area_mm2 <= BUDGET_MM2)).all()
        assert (rows.reward[~rows.feasible] == 0).all()
        assert (rows.resource[~rows.feasible] == "area").all()


def test_transferred_runs_begin_with_designs_of_their_source(folder: Path) -> None:
    plan = tiny_plan()
    for run in plan.runs[TRANSFER]:
        assert run.source is not None
        points = load_rows(folder, run).point.tolist()
        source = load_rows(folder, run.source)
        assert points[0] in source.point[source.feasible].tolist()


def test_a_part_before_the_one_it_needs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"^Part 'transfer' must come behind part 'single': "):
        reproduce(tiny_plan(), tmp_path, [TRANSFER], 1, silent)


def test_the_folder_of_another_version_is_refused(tmp_path: Path) -> None:
    (tmp_path / STAMP).write_text(json.dumps({"version": "0"}), encoding="utf-8")
    with pytest.raises(ValueError, match=r"holds a reproduction of another plan or version: "):
        reproduce(tiny_plan(), tmp_path, [], 1, silent)


def test_parts_are_chosen_or_left_out_in_the_order_of_the_plan() -> None:
    plan = tiny_plan()
    assert part_names(plan, [ENUMERATION, SINGLE]) == [SINGLE, ENUMERATION]
    assert part_names(plan, [], [TRANSFER]) == [SINGLE, "unbound", ENUMERATION]


def test_an_unknown_part_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^There is no part 'singel' .* Did you mean 'single'\?$"):
        part_names(tiny_plan(), ["singel"])


def test_a_summary_row_is_what_the_log_says(folder: Path) -> None:
    plan = tiny_plan()
    rows = run_rows(plan, folder)
    assert len(rows) == len(plan.all_runs)
    for run, row in zip(plan.all_runs, rows.to_dict("records"), strict=True):
        log = load_rows(folder, run)
        assert row["reward"] == log.reward.max()
        assert log.reward[row["best_at"]] == log.reward.max()
        assert row["feasible"] == log.feasible.mean()
        assert row["late_feasible"] == log.feasible[-10:].mean()
        assert row["first_feasible"] == log.trial[log.feasible].min() + 1
        assert row["maxima"] >= 1


def test_an_estimate_falls_to_nothing(folder: Path, tmp_path: Path) -> None:
    plan = tiny_plan()
    milliseconds = milliseconds_of(plan)
    before = estimates_of(plan, tmp_path, milliseconds)
    assert [each.part for each in before] == [*plan.runs, ENUMERATION]
    assert all(each.seconds > 0 and each.done == 0 for each in before)
    after = estimates_of(plan, folder, milliseconds)
    assert all(each.seconds == 0 and each.done == each.runs for each in after)


def test_everything_is_published(folder: Path, tmp_path: Path) -> None:
    found = publish(tiny_plan(), folder, tmp_path, draws=3)
    assert all(path.is_file() and path.parent == tmp_path for path in found.files)
    names = {path.name for path in found.files}
    assert {"runs.csv", "optima.csv", "terms.csv", CLAIMS, "provenance.json"} <= names
    assert {f"map-single-speedup-{BUDGET_MM2:g}mm2.html", "violins-single-speedup.html"} <= names
    runs = pd.read_csv(tmp_path / "runs.csv")
    pd.testing.assert_frame_equal(
        runs[["reward", "point"]], run_rows(tiny_plan(), folder)[["reward", "point"]]
    )
    facts = json.loads((tmp_path / "provenance.json").read_text(encoding="utf-8"))
    assert facts["seeds"] == [0, 1]
    assert facts["version"]
    with pytest.raises(ValueError, match=r"is finished, so there is nothing to publish\.$"):
        publish(tiny_plan(), tmp_path / "empty", tmp_path)


def test_runs_side_by_side_give_the_same_rows(folder: Path, tmp_path: Path) -> None:
    plan = tiny_plan()
    reproduce(plan, tmp_path, [SINGLE], 2, silent)
    for run in plan.runs[SINGLE]:
        assert is_finished(tmp_path, run)
        pd.testing.assert_frame_equal(load_rows(tmp_path, run), load_rows(folder, run))


def test_a_run_has_its_name() -> None:
    source = Run(SINGLE, SINGLE, "speedup", 6.8, "evolutionary", 3, 10)
    run = Run(TRANSFER, SINGLE, "speedup", 4.8, "random", 3, 10, source)
    assert run.name == "single-speedup-4.8mm2-random-from-single-6.8mm2-seed3"
