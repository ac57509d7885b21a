from pathlib import Path

import pytest
from landscape import evaluate

from apollo.arch.space import SPACE
from apollo.search.explore import explore, make_problem
from apollo.search.report.source import Source
from apollo.search.store import Store
from apollo.search.store.detail import DesignRow, LeversRow, RunRow
from apollo.search.studies import open_study, row_of
from apollo.search.study import Study, run_study
from apollo.search.trial import Trial

NETWORKS = ["mobilenet_v1_0.25_128", "conv:14x14x64x64x3x1"]


@pytest.fixture(scope="session")
def log() -> tuple[Trial, ...]:
    """The trials of a search on the synthetic landscape."""
    with Store("sqlite:///:memory:") as store:
        study = Study("s", "evolutionary", 1, "1", space=SPACE, batch=32)
        return run_study(store, study, evaluate, 384).trials


@pytest.fixture
def run() -> RunRow:
    """A run of two layers, in numbers that are easily checked."""
    return RunRow(
        "net",
        {
            **{"cycles": 1000, "clock_mhz": 500, "peak_macs_per_cycle": 100},
            **{"dram_bytes_per_cycle": 4.0, "pe_memory_bytes": 4096, "core_memory_bytes": 1024},
        },
        {
            **{"layer": ["stem", "pool"], "busy": [400, 100], "param": [100, 300]},
            **{name: [0, 0] for name in ("act", "move", "store", "fetch", "compute")},
            **{"end": [0, 100], "macs": [40_000, 0], "dram_bytes": [2_000, 10]},
        },
        {
            **{"engine": ["PARAM", "COMPUTE", "COMPUTE"], "what": ["busy", "busy", "param"]},
            **{"layer": [0, 0, 1], "begin": [0, 100, 500], "end": [100, 500, 800]},
        },
        {
            **{"memory": ["pe_memory"], "kind": ["tensor"], "tensor": ["t"]},
            **{"first": [0], "last": [1], "address": [1024], "bytes": [2048]},
        },
        {"dram": 3.0, "compute": 1.0, "host": 0.0},
    )


@pytest.fixture
def designs(run: RunRow, log: tuple[Trial, ...]) -> list[DesignRow]:
    """One of the log and a preset that is too large."""
    best = max(log, key=lambda trial: trial.reward)
    area = {"lanes": 1.5, "fixed": 0.5}
    machine = {**best.parameters, "clock_mhz": 800}
    preset = DesignRow("edge", None, {**machine, "lanes": 8}, area, 0.0, "area", "Too large.", {})
    own = DesignRow(
        *(str(best.index), best.index, machine, area, best.reward),
        *(None, None, best.metrics, (run,)),
    )
    return [own, preset]


@pytest.fixture
def levers() -> list[LeversRow]:
    """Of one cause."""
    memory = {"parameter": "pe_memory_bytes", "direction": "less", "before": 4096, "after": 1024}
    lanes = {"parameter": "lanes", "direction": "more", "before": 8, "after": 16}
    found = [
        {"helped": 3, "steps": 2, "trial": 7, "changes": [memory]},
        {"helped": 1, "steps": 3, "trial": 9, "changes": [memory, lanes]},
    ]
    return [LeversRow("area", 9, 8, found), LeversRow("core_memory", 1, 1, [])]


@pytest.fixture(scope="session")
def real(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a study `real` of two networks and two objectives."""
    folder = tmp_path_factory.mktemp("results")
    goals = ["speedup", "energy"]
    problem = make_problem(NETWORKS, objectives=goals, max_area_mm2=6.8)
    explore(problem, trials=96, seed=2, study="real", output=folder)
    return folder


@pytest.fixture(scope="session")
def source(real: Path) -> Source:
    """That study as a report reads it."""
    with open_study(real, "real") as store:
        return Source.read(store, row_of(store, "real"))
