"""Designs in detail, of the best of a study and of the presets."""

from collections.abc import Sequence
from dataclasses import asdict

from apollo.arch.accelerator import lane_presets
from apollo.arch.area import area_of
from apollo.compiler.pipeline import compile_network
from apollo.search.details.runs import run_row
from apollo.search.store import Store
from apollo.search.store.brief import best_trials
from apollo.search.store.detail import DesignRow
from apollo.search.task import Task

BEST = 5


def wanted_designs(store: Store, study: str, also: Sequence[int] = ()) -> list[str]:
    """The names of the designs that a report shows: the best, others by point, the presets."""
    best = [trial.index for trial in best_trials(store, study, BEST)]
    points = [str(point) for point in dict.fromkeys([*best, *also])]
    return points + [preset.name for preset in lane_presets()]


def design_row(task: Task, name: str) -> DesignRow:
    """A preset, or the point of that number, on the task."""
    point = int(name) if name.isdecimal() else None
    design = name if point is None else point
    candidate, options = task.candidate(design), task.options_of(design)
    accelerator, runs = candidate.accelerator, []
    for network, measurement in candidate.measurements.items():
        compiled = compile_network(task.networks[network], accelerator, options)
        runs.append(run_row(network, measurement, compiled))
    machine = asdict(accelerator)
    machine["host_streams"] = " ".join(accelerator.host_streams)
    del machine["name"]
    return DesignRow(
        name,
        point,
        machine,
        {
            part.removesuffix("_mm2"): mm2
            for part, mm2 in vars(area_of(accelerator, task.problem.technology)).items()
            if mm2
        },
        candidate.reward,
        candidate.outcome.resource,
        candidate.reason,
        dict(candidate.outcome.metrics),
        tuple(runs),
    )
