"""The page of the reproduction: tables in Markdown, written between marks of a file."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from apollo.search.report.files import whole_file
from apollo.search.reproduce.claims import Claim
from apollo.search.reproduce.evidence import NAMES, Evidence, Finding

if TYPE_CHECKING:
    import pandas as pd

BEGIN, END = "<!-- reproduced -->", "<!-- end -->"


def claims_text(findings: Sequence[tuple[Claim, Finding]]) -> str:
    """A row a published statement: its figures, ours, the verdict, why."""
    rows = [
        (claim.statement, claim.published, _lines(found.ours), found.verdict, _lines(found.why))
        for claim, found in findings
    ]
    return markdown(("published statement", "published", "ours", "verdict", "why"), rows)


def _lines(text: str) -> str:
    """A line a part, within a cell."""
    return text.replace("; ", "<br>")


def ratios_text(evidence: Evidence) -> str:
    """Medians of the final rewards by task and strategy, and their regret to the optimum."""
    rows = []
    for task, runs in evidence.searches.groupby(
        ["networks", "objective", "budget_mm2"], sort=False
    ):
        cells = []
        for optimizer in NAMES:
            of_one = runs[runs.optimizer == optimizer]
            regret = of_one.regret.median() if len(of_one) else None
            lost = "" if regret is None or regret != regret else f" (-{regret:.1%})"
            cells.append(f"{of_one.reward.median():.3f}{lost}" if len(of_one) else "")
        optimum = runs.optimum.dropna()
        known = f"{optimum.iloc[0]:.3f}" if len(optimum) else ""
        networks, objective, budget_mm2 = task
        rows.append((networks, objective, f"{budget_mm2:g}", *cells, known))
    columns = ("networks", "objective", "budget, mm²", *NAMES.values(), "optimum")
    return markdown(columns, rows)


def facts_text(tables: "Mapping[str, pd.DataFrame]") -> str:
    """Where the unconstrained optima lie, and how the best designs move with the area's terms."""
    unbound, terms = tables["unbound"], tables["terms"]
    texts = [_optima(tables["optima"])] if len(tables["optima"]) else []
    if len(unbound):
        budgets = [name for name in map(str, unbound) if name.startswith("binds_")]
        rows = [
            (
                *(row["objective"], f"{row['reward']:.3f}", f"{row['area_mm2']:.2f}"),
                *("yes" if row[name] else "no" for name in budgets),
            )
            for row in unbound.to_dict("records")
        ]
        names = [name.removeprefix("binds_").replace("mm2", " mm² binds") for name in budgets]
        texts.append(markdown(("objective, no budget", "reward", "area, mm²", *names), rows))
    if len(terms):
        texts.append(_terms(terms))
    return "\n".join(texts)


def _optima(optima: "pd.DataFrame") -> str:
    """How many designs were looked at for every optimum, and whether it is certain."""
    columns = ("networks", "objective", "budget, mm²", "large designs", "more measured")
    rows = [
        (
            *(row["networks"], row["objective"], f"{row['budget_mm2']:g}"),
            *(f"{row['designs']:,}", f"{row['measured']:,}", f"{row['reward']:.4f}"),
            *(f"{row['area_mm2']:.2f}", "yes" if row["certain"] else f"below {row['bound']:.4f}"),
        )
        for row in optima.to_dict("records")
    ]
    return markdown((*columns, "optimum", "area, mm²", "certain"), rows)


def _terms(terms: "pd.DataFrame") -> str:
    """For every variation the area of the best design; of draws the middle nine tenths."""
    rows = []
    names = ["objective", "budget_mm2", "term"]
    for (objective, budget_mm2, term), group in terms.groupby(names, sort=False, dropna=False):
        budget = "none" if budget_mm2 != budget_mm2 else f"{budget_mm2:g}"
        if term == "draw":
            low, high = group.area_mm2.quantile([0.05, 0.95])
            moves = f"{low:.2f} to {high:.2f} in nine tenths, {group.point.nunique()} designs"
        else:
            pairs = zip(group.value, group.area_mm2, strict=True)
            moves = ", ".join(f"{value:g}: {area:.2f}" for value, area in pairs)
        rows.append((objective, budget, term, moves))
    return markdown(("objective", "budget, mm²", "term", "area of the best design, mm²"), rows)


def markdown(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A table, with an empty line behind it."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "".join("| " + " | ".join(map(str, line)) + " |\n" for line in lines) + "\n"


def around(page: Path) -> tuple[str, str]:
    """What stands before and behind the marks of a page.

    Raises `ValueError` when it lacks them, or is no text.
    """
    try:
        old = page.read_text(encoding="utf-8") if page.is_file() else ""
    except UnicodeDecodeError:
        raise ValueError(f"The page '{page}' must be a text in UTF-8.") from None
    before, begin, rest = old.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"The page '{page}' must have the marks {BEGIN} and {END}.")
    return before, after


def fill(page: Path, text: str) -> None:
    """Put text between the marks of a page.

    Raises `ValueError` when it lacks them.
    """
    before, after = around(page)
    with whole_file(page) as part:
        part.write_text(f"{before}{BEGIN}\n\n{text}\n{END}{after}", encoding="utf-8")
