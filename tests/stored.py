"""Stored studies made by hand: trials of a small space, some infeasible, points that repeat."""

from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

from apollo.search.store import Store, StudyRow
from apollo.search.studies import database_path
from apollo.search.trial import Evaluation, EvaluationKey, Outcome, Trial

OPTIONS: dict[str, Any] = {
    "networks": ["net"],
    "objectives": ["throughput_per_area"],
    "constraints": ["area_mm2 <= 6.8"],
    "baseline": "edge_tpu_v3",
    "content": {"net": "abc"},
    "batch": 8,
    "random": {},
}


def row(name: str, seed: int = 0, **options: Any) -> StudyRow:
    """The identity of a study of random search."""
    return StudyRow(name, "random", seed, OPTIONS | options, "1")


def key(point: int) -> EvaluationKey:
    """Of a point on the only network."""
    return EvaluationKey(f"design{point}", "net", "{}", "1")


def trials(count: int, seed: int = 0, goals: int = 1) -> list[Trial]:
    """Trials of 50 points; one of five is infeasible, the values are those of the point."""
    random = Random(seed)
    return [_trial(number, random.randrange(50), goals) for number in range(count)]


def _trial(number: int, point: int, goals: int) -> Trial:
    parameters = {"lanes": 1 + point % 7, "core_memory_bytes": 1024 * (1 + point // 7)}
    area_mm2 = float(parameters["lanes"] + point // 7)
    if point % 5 == 0:
        outcome = Outcome(False, 0.0, {"area_mm2": area_mm2}, "area", "It is too large.")
        return Trial(number, point, outcome, parameters, 0.5)
    speedup = Random(point).random()
    metrics = {"area_mm2": area_mm2, "speedup": speedup, "net.latency_ms": 1 / speedup}
    objectives = (speedup, 1 / area_mm2) if goals > 1 else ()
    outcome = Outcome(
        True, speedup / area_mm2, metrics, objectives=objectives, evaluations=(key(point),)
    )
    return Trial(number, point, outcome, parameters, 0.25, f"member#{point % 2}")


def put(store: Store, study: StudyRow, log: Sequence[Trial]) -> None:
    """Store a study with its log and the evaluations that it was made of."""
    store.open_study(study)
    for trial in log:
        for each in trial.outcome.evaluations:
            store.put(each, Evaluation(True, {"latency_ms": trial.metrics["net.latency_ms"]}))
    store.add(study.name, log)


def save(results: Path, study: StudyRow, log: Sequence[Trial]) -> Path:
    """The same in the folder of a study; the path of its database."""
    path = database_path(results, study.name)
    with Store(path) as store:
        put(store, study, log)
    return path
