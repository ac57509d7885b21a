"""How placements look: a row an optimizer, and what the best one does to each device."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from apollo.console import print_table

if TYPE_CHECKING:
    from apollo.search.placement.benchmark import BenchmarkRow
    from apollo.search.placement.step import Step
    from apollo.search.placement.study import Placed
    from apollo.search.placement.task import PlacementTask

_NS_PER_MS = 1e6


def placed_json(task: "PlacementTask", placed: Sequence["Placed"]) -> dict[str, Any]:
    """Every optimizer with its placement; `step_ms` is null where memory is lacking."""
    names = task.problem.device_names
    return {
        "graph": task.graph.name,
        "cluster": task.cluster.name,
        "operators": len(task.graph.names),
        "groups": task.graph.groups,
        "optimizers": [
            {
                "optimizer": each.optimizer,
                "step_ms": each.cost / _NS_PER_MS if each.trial.feasible else None,
                "reason": each.trial.reason,
                "simulations": each.trial.metrics.get("simulations"),
                "seconds": each.trial.seconds,
                "placement": {
                    group: names[device]
                    for group, device in zip(
                        task.problem.groups.names, each.placement.tolist(), strict=True
                    )
                },
            }
            for each in placed
        ],
    }


def print_placed(task: "PlacementTask", placed: Sequence["Placed"]) -> None:
    """A row an optimizer, the shortest step first."""
    single = next((each.cost for each in placed if each.optimizer == "single"), math.inf)
    ordered = sorted(placed, key=lambda each: each.cost)
    graph, batches = task.graph, task.micro_batches
    title = f"{graph.name} on {task.cluster.name}: {len(graph.names):,} operators, "
    title += f"{graph.groups:,} groups" + (f", {batches} micro-batches" if batches > 1 else "")
    columns = ("optimizer ", "step (ms)", "single device over it", "simulations", "s", "note ")
    print_table(title, columns, (_row(each, single) for each in ordered))


def _row(placed: "Placed", single: float) -> tuple[str, ...]:
    trial = placed.trial
    if not trial.feasible:
        return placed.optimizer, "-", "-", "-", f"{trial.seconds:.1f}", trial.reason or ""
    ratio = f"{single / placed.cost:.3f}" if math.isfinite(single) else "-"
    simulations = f"{trial.metrics['simulations']:,.0f}"
    step_ms = f"{placed.cost / _NS_PER_MS:,.3f}"
    return placed.optimizer, step_ms, ratio, simulations, f"{trial.seconds:.1f}", ""


def step_json(task: "PlacementTask", step: "Step") -> dict[str, Any]:
    """One step, by device."""
    return {
        "graph": task.graph.name,
        "cluster": task.cluster.name,
        "step_ms": step.step_ns / _NS_PER_MS,
        "overflow_bytes": step.overflow_bytes,
        "devices": [
            {
                "device": device.name,
                "operators": int(count),
                "busy_ms": busy / _NS_PER_MS,
                "peak_bytes": int(peak),
                "memory_bytes": device.memory_bytes,
                "sent_bytes": int(sent),
            }
            for device, (count, busy, peak, sent) in zip(
                task.cluster.devices, _by_device(task, step), strict=True
            )
        ],
    }


def print_step(task: "PlacementTask", step: "Step", title: str) -> None:
    """The same as a table."""
    rows = [
        (
            device.name,
            f"{count:,}",
            f"{busy / _NS_PER_MS:,.3f}",
            f"{busy / step.step_ns:.0%}",
            f"{peak / 2**30:.3f}",
            f"{device.memory_bytes / 2**30:,.1f}",
            f"{sent / 2**20:,.1f}",
        )
        for device, (count, busy, peak, sent) in zip(
            task.cluster.devices, _by_device(task, step), strict=True
        )
    ]
    columns = ("device ", "operators", "busy (ms)", "of the step", "peak (GiB)", "memory (GiB)")
    print_table(title, (*columns, "sent (MiB)"), rows)


def _by_device(task: "PlacementTask", step: "Step") -> list[tuple[int, float, int, int]]:
    """Operators, busy ns, peak bytes and bytes sent of every device."""
    import numpy as np  # the command line begins without it

    count = len(task.cluster.devices)
    operators = np.bincount(step.device, minlength=count)
    busy = np.bincount(step.device, weights=step.finish_ns - step.start_ns, minlength=count)
    sender = step.device[step.transfers.operator]
    sent = np.bincount(sender, weights=step.transfers.sent_bytes, minlength=count)
    columns = (operators.tolist(), busy.tolist(), step.peak_bytes.tolist(), sent.tolist())
    return list(zip(*columns, strict=True))


def benchmark_json(rows: Sequence["BenchmarkRow"]) -> list[dict[str, Any]]:
    """Every optimizer on every graph; steps are null where nothing fits."""
    return [
        {
            **vars(row),
            "steps_ms": [step if math.isfinite(step) else None for step in row.steps_ms],
            "median_ms": row.median_ms if math.isfinite(row.median_ms) else None,
        }
        for row in rows
    ]


def print_benchmark(rows: Sequence["BenchmarkRow"]) -> None:
    """A table a graph, and the learned policy against each of the others over all of them."""
    from apollo.search.placement.benchmark import mean_ratio
    from apollo.search.placement.optimizers import LEARNED

    columns = ("optimizer ", "median step (ms)", "least", "most", "seeds", "simulations", "s")
    for graph, cluster in dict.fromkeys((row.graph, row.cluster) for row in rows):
        own = [row for row in rows if (row.graph, row.cluster) == (graph, cluster)]
        own.sort(key=lambda row: row.median_ms)
        print_table(f"{graph} on {cluster}", columns, map(_benchmark_row, own))
    names = dict.fromkeys(row.optimizer for row in rows)
    if LEARNED in names:
        ratios = [
            (name, f"{mean_ratio(rows, LEARNED, name):.3f}") for name in names if name != LEARNED
        ]
        title = f"Step of others over that of {LEARNED}, geometric mean over the graphs"
        print_table(title, ("optimizer ", "ratio"), ratios)


def _benchmark_row(row: "BenchmarkRow") -> tuple[str, ...]:
    steps = (row.median_ms, min(row.steps_ms), max(row.steps_ms))
    shown = (f"{step:,.3f}" if math.isfinite(step) else "no memory" for step in steps)
    counts = (f"{len(row.steps_ms)}", f"{row.simulations:,}", f"{row.seconds:.1f}")
    return row.optimizer, *shown, *counts
