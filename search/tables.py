"""What notebooks show of a measurement and of an exploration."""

from typing import TYPE_CHECKING

from apollo.notebook import html_table

if TYPE_CHECKING:
    from apollo.search.explore import Exploration
    from apollo.search.measure import Measurement
    from apollo.search.task import Candidate


def measurement_html(measurement: "Measurement") -> str:
    """The totals of the first and of a following inference."""
    metrics, design = measurement.metrics, measurement.accelerator
    rows = (
        ("cycles", f"{metrics.cycles:,}", f"{metrics.warm_cycles:,}"),
        ("latency, ms", f"{metrics.latency_ms:.3f}", f"{metrics.warm_latency_ms:.3f}"),
        ("throughput, 1/s", "", f"{metrics.throughput_per_s:,.0f}"),
        ("utilisation", "", f"{metrics.utilisation:.1%}"),
        ("DRAM bytes", "", f"{sum(metrics.dram_bytes.values()):,}"),
        ("energy, µJ", "", f"{metrics.energy_uj:,.4g}"),
    )
    title = f"On {design.name}, {design.clock_mhz} MHz"
    return html_table(title, ("metric ", "first inference", "following"), rows)


def exploration_html(exploration: "Exploration") -> str:
    """The best design beside the presets."""
    result, best = exploration.result, exploration.best
    rows = [] if best is None else [("best", *outcome_cells(best))]
    rows += [(each.accelerator.name, *outcome_cells(each)) for each in exploration.presets]
    title = f"{exploration.study}: {len(result.trials):,} trials, {result.feasible:,} feasible"
    title += ", interrupted" if result.interrupted else ""
    return html_table(title, ("design ", "area, mm²", "throughput, 1/s", "reward", "note "), rows)


def outcome_cells(candidate: "Candidate") -> tuple[str, str, str, str]:
    """Of a row that shows a design: area, throughput, reward, and why it has none."""
    throughput = [each.metrics.throughput_per_s for each in candidate.measurements.values()]
    return (
        f"{candidate.area_mm2:.2f}",
        " ".join(f"{value:,.0f}" for value in throughput) or "-",
        "-" if candidate.reason else f"{candidate.reward:.3f}",
        candidate.reason or "",
    )
