"""How placements look: a row an optimizer, and what the best one does to each device."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from apollo.console import print_table
from apollo.search.placement.units import NS_PER_MS

if TYPE_CHECKING:
    from apollo.search.placement.benchmark import BenchmarkRow
    from apollo.search.placement.step import Step
    from apollo.search.placement.study import Placed
    from apollo.search.placement.task import PlacementTask


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
                "step_ms": each.cost / NS_PER_MS if each.trial.feasible else None,
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
    step_ms = f"{placed.cost / NS_PER_MS:,.3f}"
    return placed.optimizer, step_ms, ratio, simulations, f"{trial.seconds:.1f}", ""


def step_json(task: "PlacementTask", step: "Step") -> dict[str, Any]:
    """One step, by device."""
    return {
        "graph": task.graph.name,
        "cluster": task.cluster.name,
        "step_ms": step.step_ns / NS_PER_MS,
        "overflow_bytes": step.overflow_bytes,
        "devices": [
            {
                "device": device.name,
                "operators": int(count),
                "busy_ms": busy / NS_PER_MS,
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
            f"{busy / NS_PER_MS:,.3f}",
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
    from apollo.search.placement.benchmark import RIVALS, beside_published, ratio

    published = [
        (row, {"source": each.source, **each.ratios()}) for each, row in beside_published(rows)
    ]
    return [
        {
            **vars(row),
            "steps_ms": [step if math.isfinite(step) else None for step in row.steps_ms],
            "median_ms": row.median_ms if math.isfinite(row.median_ms) else None,
            "faster_than": {name: ratio(rows, row, name) for name in RIVALS},
            "published_faster_than": [each for own, each in published if own is row],
        }
        for row in rows
    ]


def print_benchmark(rows: Sequence["BenchmarkRow"]) -> None:
    """A table a graph, means over the graphs, and published ratios beside ours."""
    from apollo.search.placement.benchmark import RIVALS

    columns = ("optimizer ", "median (ms)", "spread", *RIVALS, "seeds", "simulations", "s")
    for graph, cluster in dict.fromkeys((row.graph, row.cluster) for row in rows):
        own = [row for row in rows if (row.graph, row.cluster) == (graph, cluster)]
        own.sort(key=lambda row: row.median_ms)
        title = f"{graph} on {cluster}: steps, and those of others over them (above 1: better)"
        print_table(title, columns, (_benchmark_row(rows, row) for row in own))
    _print_means(rows)
    _print_published(rows)


def _benchmark_row(rows: Sequence["BenchmarkRow"], row: "BenchmarkRow") -> tuple[str, ...]:
    from apollo.search.placement.benchmark import RIVALS, ratio

    fits = math.isfinite(row.median_ms)
    spread = f"{row.spread:.1%}" if math.isfinite(row.spread) else "-"
    beside = (_ratio(ratio(rows, row, name)) if fits else "-" for name in RIVALS)
    counts = (f"{len(row.steps_ms)}", f"{row.simulations:,}", f"{row.seconds:.1f}")
    median = f"{row.median_ms:,.3f}" if fits else "no memory"
    return row.optimizer, median, spread, *beside, *counts


def _print_means(rows: Sequence["BenchmarkRow"]) -> None:
    from apollo.search.placement.benchmark import mean_ratio
    from apollo.search.placement.optimizers import LEARNED, REFINED

    names = list(dict.fromkeys(row.optimizer for row in rows))
    learned = [name for name in (LEARNED, REFINED) if name in names]
    if not learned:
        return
    table = []
    for name in names:
        means = [mean_ratio(rows, each, name) for each in learned]
        table.append((name, *(_ratio(mean) for mean, _ in means), f"{means[0][1]}"))
    title = "Steps of others over learned ones, geometric mean over the graphs (above 1: better)"
    print_table(title, ("optimizer ", *learned, "graphs"), table)


def _print_published(rows: Sequence["BenchmarkRow"]) -> None:
    from apollo.search.placement.benchmark import MIN_CUT, beside_published, ratio
    from apollo.search.placement.optimizers import EXPERT

    ours = {"single": "single", "expert": EXPERT, "min_cut": MIN_CUT}
    table = [
        (
            f"{row.graph} on {row.cluster}",
            each.source,
            *(
                f"{_ratio(published)} / {_ratio(ratio(rows, row, ours[name]))}"
                for name, published in each.ratios().items()
            ),
        )
        for each, row in beside_published(rows)
    ]
    if table:
        title = "Steps of others over the learned one, as published / ours"
        print_table(title, ("graph ", "source ", "single", "expert", "min-cut"), table)


def _ratio(ratio: float | None) -> str:
    return "-" if ratio is None or math.isnan(ratio) else f"{ratio:.3f}"
