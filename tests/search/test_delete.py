import re
from contextlib import closing

import pytest

from apollo.search.delete import delete_study
from apollo.search.store import Store
from apollo.search.studies import export_study, list_studies, read_study
from tests.stored import put, row, save, trials

LOG = trials(20)


@pytest.fixture
def results(tmp_path):
    for name in ("a", "b"):
        save(tmp_path, row(name), LOG)
        export_study(*read_study(tmp_path, name), tmp_path / name)
        (tmp_path / name / "report.html").touch()
    return tmp_path


def names(results):
    return [summary.study.name for summary in list_studies(results)[0]]


def test_a_deleted_study_leaves_nothing(results):
    delete_study(results, "a")
    assert [path.name for path in results.iterdir()] == ["b"]
    assert len(read_study(results, "b")[1]) == 20


def test_files_that_a_study_does_not_write_stay(results):
    (results / "a" / "notes.txt").touch()
    delete_study(results, "a")
    assert [path.name for path in (results / "a").iterdir()] == ["notes.txt"]


def test_a_study_that_runs_is_not_deleted(results):
    path = results / "a" / "study.db"
    sentence = f"The database '{path}' is in use by another process."
    with closing(Store(path)) as running:
        running.trials("a")
        with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
            delete_study(results, "a")
    assert len(read_study(results, "a")[1]) == 20
    assert (results / "a" / "trials.csv").exists()


def test_a_study_among_others_leaves_the_others(results):
    with Store(results / "a" / "study.db") as store:
        put(store, row("c"), LOG)
    delete_study(results, "a")
    assert names(results) == ["b", "c"]
    delete_study(results, "c")
    assert [path.name for path in results.iterdir()] == ["b"]


def test_a_study_of_a_storage_goes_with_its_files(results, storage):
    with Store(storage) as store:
        put(store, row("far"), LOG)
        put(store, row("b"), LOG)
    export_study(row("far"), LOG, results / "far")
    for name in ("far", "b"):
        delete_study(results, name, storage)
    assert not (results / "far").exists()
    assert names(results) == ["a", "b"]
    with Store(storage) as store:
        assert store.studies() == []
