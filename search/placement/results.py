"""What a placement study leaves in its folder, beside the database."""

from collections.abc import Sequence
from pathlib import Path

from apollo.search.placement.output.gantt import gantt
from apollo.search.placement.output.placement_file import write_placement
from apollo.search.placement.output.trace import write_step_trace
from apollo.search.placement.study import Placed
from apollo.search.placement.task import PlacementTask
from apollo.search.report.convergence import write_html

PLACEMENT, CHART, TRACE = "placement.json", "gantt.html", "step.pftrace"


def write_results(task: PlacementTask, best: Placed, folder: Path) -> list[Path]:
    """The placement as a file to feed back in, its chart, and its trace for Perfetto."""
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / name for name in (PLACEMENT, CHART, TRACE)]
    step = task.simulator.run(best.placement)
    title = f"{task.problem.name}, placed by {best.optimizer}"
    write_placement(task.problem, best.placement, files[0])
    write_html(gantt(task.instance, step, title), files[1])
    write_step_trace(task.instance, step, files[2], title)
    return files


def best_of(placed: Sequence[Placed]) -> Placed | None:
    """The one with the shortest step; None where nothing fits the memories."""
    fitting = [each for each in placed if each.trial.feasible]
    return min(fitting, key=lambda each: each.cost, default=None)
