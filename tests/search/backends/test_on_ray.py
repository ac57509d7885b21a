"""A study on Ray has the rows of one process; a Ray that is not there is a sentence."""

import builtins
from dataclasses import replace

import pytest

from apollo.search.execution import RAY, Execution
from apollo.search.explore import explore, make_problem

SMALL = "conv:14x14x64x64x3x1"


# What Ray leaves behind: sockets of its own, and processes that end after it.
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_ray_gives_the_rows_of_one_process(tmp_path):
    problem = make_problem([SMALL], max_area_mm2=6.8)
    found = [
        explore(problem, trials=96, study="s", output=tmp_path / name, execution=execution)
        for name, execution in (
            ("alone", Execution()),
            ("ray", Execution(jobs=2, backend_name=RAY)),
        )
    ]
    alone, on_ray = ([replace(t, seconds=0.0) for t in each.result.trials] for each in found)
    assert alone == on_ray


def test_without_ray_there_is_a_sentence(tmp_path, monkeypatch):
    load = builtins.__import__

    def without(name, *arguments, **options):
        if name == "ray":
            raise ModuleNotFoundError(name)
        return load(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    problem = make_problem([SMALL])
    sentence = r"^The backend ray needs Ray: pip install 'apollo-dse\[ray\]'\.$"
    with pytest.raises(ValueError, match=sentence):
        explore(problem, trials=1, output=tmp_path, execution=Execution(backend_name=RAY))
    with pytest.raises(ValueError, match=r"^--backend must be processes or ray, not 'dask'\.$"):
        Execution(backend_name="dask")
    with pytest.raises(ValueError, match=r"^A shared study has workers of its own"):
        Execution(jobs=2, is_shared=True)
