"""What studies are of, how far they came, and what they were made with."""

from collections.abc import Sequence
from typing import Any

from apollo.search.report.section import Table
from apollo.search.report.source import Source

_MOST_CHARACTERS = 160
MERGED = "merged"


def studies_table(sources: Sequence[Source]) -> Table:
    """A row a study: how far it came."""
    rows = []
    for source in sources:
        row, best, trials = source.row, source.best, source.trials
        rows.append(
            (
                *(row.name, row.optimizer, row.seed, len(trials), len(source.feasible)),
                len({trial.index for trial in trials}),
                None if best is None else best.reward,
                None if best is None else best.number,
                source.evaluations.used,
                round(sum(trial.seconds for trial in trials), 1),
            )
        )
    columns = ("study", "optimizer", "seed", "trials", "feasible", "designs", "best reward")
    return Table((*columns, "at trial", "evaluations", "evaluation seconds"), rows, "studies")


def provenance_table(sources: Sequence[Source]) -> Table:
    """A row an option, a column a study: everything that the trials depend on."""
    flat = [_flat(source) for source in sources]
    names = list(dict.fromkeys(name for each in flat for name in each))
    rows = [(name, *(_text(each.get(name)) for each in flat)) for name in names]
    shown = [row for row in rows if any(row[1:])]
    return Table(("option", *(source.name for source in sources)), shown, "provenance")


def _flat(source: Source) -> dict[str, Any]:
    flat = source.row.flat() | {"created": source.row.created}
    for number, part in enumerate(flat.pop(MERGED, ())):
        made_of = f"{part['study']}: {part['optimizer']}, seed {part['seed']}"
        flat[f"made of, {number + 1}"] = f"{made_of}, {part['trials']} trials"
    return flat


def _text(value: Any) -> str:
    if value in (None, [], {}):
        return ""
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text if len(text) <= _MOST_CHARACTERS else f"{text[: _MOST_CHARACTERS - 1]}…"


def tiles(sources: Sequence[Source]) -> list[tuple[str, str]]:
    """The most important figures, as a number and what it is."""
    trials = sum(len(source.trials) for source in sources)
    feasible = sum(len(source.feasible) for source in sources)
    found = [(f"{trials:,}", "trials")]
    found.append((f"{100 * feasible / trials:.1f} %" if trials else "-", "of them feasible"))
    bests = [source.best for source in sources]
    best = max((b for b in bests if b is not None), key=lambda b: b.reward, default=None)
    if best is None:
        return [*found, ("none", "design found")]
    found.append((f"{best.reward:.3f}", "best reward"))
    for name, title, digits in (("speedup", "its speed-up", 2), ("area_mm2", "its area, mm²", 2)):
        if name in best.metrics:
            found.append((f"{best.metrics[name]:.{digits}f}", title))
    return found
