from pathlib import Path

import pytest

from apollo.search.explore import Exploration, explore, make_problem

NETWORKS = ("mobilenet_v1_0.25_128", "conv:14x14x64x64x3x1")


@pytest.fixture(scope="session")
def explored(tmp_path_factory: pytest.TempPathFactory) -> Exploration:
    """A finished study of two networks; its name is `two`."""
    folder = tmp_path_factory.mktemp("results")
    problem = make_problem(NETWORKS, max_area_mm2=6.8)
    return explore(problem, trials=128, seed=1, study="two", output=folder)


@pytest.fixture(scope="session")
def results(explored: Exploration) -> Path:
    """The folder where it is."""
    return explored.folder.parent
