"""The best designs side by side, and the presets: what they are and what they reach."""

from collections.abc import Mapping, Sequence
from typing import Any

from apollo.search.report.section import Table
from apollo.search.report.source import Source
from apollo.search.report.theme import words
from apollo.search.trial import best_of

_BEST = 5
# Of the many metrics of a network those that people ask for; a table has all of the others too.
_OF_NETWORK = (
    *("latency_ms", "warm_latency_ms", "throughput_per_s", "energy_uj", "power_w"),
    *("utilisation", "dram_utilisation"),
)


def best_table(source: Source, file: str) -> Table | None:
    """A column a design, a row a parameter or metric; None where there is no design at all."""
    columns = _stored(source) or _of_trials(source)
    if not columns:
        return None
    names = list(dict.fromkeys(name for values in columns.values() for name in values))
    rows = [(_title(name), *(values.get(name) for values in columns.values())) for name in names]
    shown = [row for row in rows if any(value is not None for value in row[1:])]
    return Table(("", *columns), shown, file)


def _stored(source: Source) -> dict[str, dict[str, Any]]:
    """The designs of which the study holds details, with all that differs among them."""
    designs = source.designs
    if not any(not design.is_preset for design in designs):
        return {}
    differing = [n for n in designs[0].machine if len({str(d.machine[n]) for d in designs}) > 1]
    return {
        source.title_of(design): {
            "reward": design.reward or None,
            **_chosen(design.metrics, source),
            **{name: design.machine[name] for name in differing},
            "infeasible for": words(design.resource) if design.resource else None,
        }
        for design in designs
    }


def _of_trials(source: Source) -> dict[str, dict[str, Any]]:
    return {
        f"trial {trial.number}": {
            "reward": trial.reward,
            **_chosen(trial.metrics, source),
            **trial.parameters,
        }
        for trial in best_of(source.trials, _BEST)
    }


def _chosen(metrics: Mapping[str, float], source: Source) -> dict[str, float]:
    networks: Sequence[str] = source.row.options.get("networks", ())
    names = [name for name in metrics if "." not in name]
    names += [f"{network}.{name}" for network in networks for name in _OF_NETWORK]
    return {name: metrics[name] for name in names if name in metrics}


def _title(name: str) -> str:
    network, dot, metric = name.rpartition(".")
    return f"{network}: {words(metric)}" if dot and not metric.isdigit() else words(name)
