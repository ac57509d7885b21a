import re
from pathlib import Path

import pytest
from landscape import evaluate

from apollo.search.store import Store, StudyRow
from apollo.search.studies import database_path, export_study, list_studies, read_study
from apollo.search.study import Study, run_study


@pytest.fixture
def results(tmp_path):
    for name, trials in (("small", 8), ("large", 40)):
        with Store(database_path(tmp_path, name)) as store:
            run_study(store, Study(name, "random", 1, "1"), evaluate, trials)
    return tmp_path


def test_studies_are_listed_by_name(results):
    assert [(s.study.name, s.trials) for s in list_studies(results)[0]] == [
        ("large", 40),
        ("small", 8),
    ]
    assert list_studies(results / "nothing") == ([], [])


def test_a_study_is_read(results):
    study, trials = read_study(results, "large")
    assert (study.name, study.optimizer, len(trials)) == ("large", "random", 40)


def test_a_study_is_exported(results):
    files = export_study(*read_study(results, "large"), results / "large")
    assert [file.name for file in files] == ["trials.csv", "convergence.html"]
    assert (results / "large" / "plotly.min.js").is_file()
    assert len(files[0].read_text().splitlines()) == 41


def test_an_unknown_study_is_refused_with_the_nearest_name(results):
    sentence = f"There is no study 'larg' in '{results}'. Did you mean 'large'?"
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        read_study(results, "larg")
    assert not (results / "larg").exists()


def test_a_folder_of_another_name_is_no_study(results):
    (results / "large").rename(results / "renamed")
    with pytest.raises(ValueError, match=r"renamed/study\.db' holds no study 'renamed'\.$"):
        read_study(results, "renamed")


@pytest.mark.parametrize("name", ["", "a/b", "..", "a b", "-x"])
def test_a_name_that_is_no_folder_is_refused(name):
    sentence = (
        "A study's name must be letters, digits and any of '_.+-', the first a letter, a digit "
        f"or '_', not '{name}'."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        database_path(Path("results"), name)


def test_a_damaged_database_hides_no_other_study(tmp_path: Path) -> None:
    for name in ("good", "bad"):
        database_path(tmp_path, name).parent.mkdir()
    database_path(tmp_path, "bad").write_text("no database")
    with Store(database_path(tmp_path, "good")) as store:
        store.open_study(StudyRow("good", "random", 0, {}, "1"))
    summaries, problems = list_studies(tmp_path)
    assert [summary.study.name for summary in summaries] == ["good"]
    assert len(problems) == 1
    assert "bad" in problems[0]
