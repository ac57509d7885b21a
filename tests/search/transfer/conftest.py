from pathlib import Path

import pytest
from transfer_studies import NETWORKS, small_problem

from apollo.search.explore import explore


@pytest.fixture(scope="session")
def explored(tmp_path_factory):
    """The stored study of that name."""
    folder = tmp_path_factory.mktemp("results")

    def run(name: str):
        problem = small_problem(*NETWORKS[name], objectives=["speedup"])
        return explore(problem, trials=256, seed=1, study=name, output=folder)

    found = {name: run(name) for name in NETWORKS}
    return found.__getitem__


@pytest.fixture(scope="session")
def results(explored) -> Path:
    """The folder where they are."""
    return explored("one").folder.parent
