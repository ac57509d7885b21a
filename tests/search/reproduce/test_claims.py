"""Verdicts on rows made by hand."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import pytest

from apollo.search.reproduce.claims import CLAIMS, findings_of
from apollo.search.reproduce.document import BEGIN, END, claims_text, facts_text, fill, ratios_text
from apollo.search.reproduce.evidence import Evidence, Verdict

BUDGETS = (6.8, 5.8, 4.8)
RANDOM, EVOLUTION, P3BO, VIZIER = "random", "evolutionary", "adaptive_p3bo", "bayesian"
# As published: rewards of three runs by budget; P3BO leads by more under tighter budgets.
AS_PUBLISHED = {
    RANDOM: {6.8: (0.80, 0.96, 1.00), 5.8: (0.70, 0.90, 0.95), 4.8: (0.5, 0.8, 0.9)},
    EVOLUTION: {6.8: (1.09, 1.10, 1.11), 5.8: (1.18, 1.19, 1.20), 4.8: (1.0, 1.02, 1.03)},
    VIZIER: {6.8: (1.00, 1.11, 1.14), 5.8: (0.90, 1.10, 1.14), 4.8: (0.8, 0.84, 1.0)},
    P3BO: {6.8: (1.12, 1.13, 1.13), 5.8: (1.24, 1.25, 1.25), 4.8: (1.04, 1.05, 1.06)},
}
FEASIBLE = {RANDOM: (0.02, 0.02), EVOLUTION: (0.4, 0.5), VIZIER: (0.3, 0.1), P3BO: (0.5, 0.6)}
MAXIMA = {RANDOM: 1, EVOLUTION: 30, VIZIER: 3, P3BO: 9}


def evidence(
    rewards: Mapping[str, Mapping[float, tuple[float, ...]]], gain: float = 0.3
) -> Evidence:
    runs, course = [], []
    for optimizer, by_budget in rewards.items():
        whole, late = FEASIBLE[optimizer]
        for budget_mm2, found in by_budget.items():
            task = {"networks": "single", "objective": "speedup", "budget_mm2": budget_mm2}
            task |= {"optimizer": optimizer, "source": None}
            for seed, reward in enumerate(found):
                shares = {"feasible": whole, "late_feasible": late, "maxima": MAXIMA[optimizer]}
                known = {"reward": reward, "optimum": 1.3, "regret": 1 - reward / 1.3}
                runs.append({"part": "single", "seed": seed, **task, **shares, **known})
            shown = {"feasible_50": whole, "best_50": found[0]}
            course += [{**task, "trial": t, **shown} for t in (100, 800)]
    if gain:
        row = {"part": "transfer", "networks": "single", "objective": "speedup", "seed": 0}
        row |= {"budget_mm2": 4.8, "optimizer": EVOLUTION, "source": "s", "reward": 1.02 + gain}
        runs.append(row)
        begun = {**task, "optimizer": EVOLUTION, "source": "s", "best_50": 1.2, "feasible_50": 1.0}
        course += [{**begun, "trial": t} for t in (100, 800)]
    return Evidence(pd.DataFrame(runs), pd.DataFrame(course))


def verdicts(found: Evidence) -> dict[str, Verdict]:
    return {claim.statement: finding.verdict for claim, finding in findings_of(found)}


def test_rows_as_published_confirm_everything() -> None:
    assert set(verdicts(evidence(AS_PUBLISHED)).values()) == {Verdict.CONFIRMED}


def test_every_statement_is_refuted_by_rows_that_contradict_it() -> None:
    """Rewards turned round, shares equal, maxima equal, transfer worse."""
    found = evidence(
        {
            RANDOM: AS_PUBLISHED[P3BO],
            EVOLUTION: AS_PUBLISHED[RANDOM],
            VIZIER: {6.8: (0.8, 0.85, 0.9), 5.8: (0.7, 0.8, 0.9), 4.8: (0.7, 0.8, 0.9)},
            P3BO: {6.8: (0.1, 0.9, 1.0), 5.8: (0.1, 0.8, 1.0), 4.8: (0.1, 0.7, 1.0)},
        },
        gain=-0.5,
    )
    found.runs["feasible"] = found.runs["late_feasible"] = 0.5
    found.runs["maxima"] = 4
    found.course["feasible_50"] = 0.5
    assert set(verdicts(found).values()) == {Verdict.REFUTED}


def test_a_small_gain_by_transfer_helps_and_is_not_the_published_one() -> None:
    found = verdicts(evidence(AS_PUBLISHED, gain=0.1))
    assert found["Transfer makes searches better."] is Verdict.CONFIRMED
    assert found["Transfer is up to 25 % better."] is Verdict.REFUTED


def test_equal_medians_are_no_order() -> None:
    rewards = {**AS_PUBLISHED, P3BO: AS_PUBLISHED[EVOLUTION]}
    found = verdicts(evidence(rewards))
    assert found["Final rewards: random < evolutionary < P3BO."] is Verdict.REFUTED


def test_some_tasks_confirm_it_partly_and_are_named() -> None:
    rewards = {**AS_PUBLISHED, P3BO: {**AS_PUBLISHED[P3BO], 4.8: (0.9, 0.9, 0.9)}}
    found = {claim.statement: finding for claim, finding in findings_of(evidence(rewards))}
    order = found["Final rewards: random < evolutionary < P3BO."]
    assert order.verdict is Verdict.PARTLY
    assert order.why == "does not hold on 1 of 3 tasks: single, speed-up, 4.8 mm²"
    assert "single, speed-up, 6.8 mm²: 0.960 / 1.100 / 1.130" in order.ours


def test_without_runs_nothing_is_judged() -> None:
    found = evidence({RANDOM: AS_PUBLISHED[RANDOM]}, gain=0)
    open_ones = [name for name, verdict in verdicts(found).items() if verdict is Verdict.OPEN]
    assert len(open_ones) == len(CLAIMS) - 1


def test_a_lead_is_over_evolution_where_vizier_did_not_run() -> None:
    rewards = {name: AS_PUBLISHED[name] for name in (RANDOM, EVOLUTION, P3BO)}
    found = {claim.statement: finding for claim, finding in findings_of(evidence(rewards))}
    lead = found["P3BO's lead grows as the budget tightens."]
    assert lead.why == "over evolutionary"
    assert lead.ours == "single, speedup: 1.027, 1.050, 1.029 at 6.8, 5.8, 4.8 mm²"
    assert lead.verdict is Verdict.REFUTED
    assert found["Vizier's best of one run is that of P3BO."].verdict is Verdict.OPEN


def test_tables_have_a_row_a_statement_and_a_row_a_task() -> None:
    found = evidence(AS_PUBLISHED)
    text = claims_text(findings_of(found))
    assert len(text.strip().splitlines()) == 2 + len(CLAIMS)
    lines = ratios_text(found).strip().splitlines()
    assert len(lines) == 2 + len(BUDGETS)
    assert (
        "| 0.960 (-26.2%) | 1.100 (-15.4%) | 1.130 (-13.1%) | 1.110 (-14.6%) | 1.300 |" in lines[2]
    )


def test_a_page_is_filled_between_its_marks(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n", encoding="utf-8")
    fill(page, "new\n")
    assert page.read_text(encoding="utf-8") == f"before\n{BEGIN}\n\nnew\n\n{END}\nafter\n"
    page.write_text("no marks", encoding="utf-8")
    with pytest.raises(ValueError, match=rf"must have the marks {BEGIN} and {END}\.$"):
        fill(page, "new")


def test_facts_say_what_is_certain_and_what_binds() -> None:
    optimum = {"networks": "single", "objective": "speedup", "budget_mm2": 6.8, "designs": 1234}
    optimum |= {"measured": 5, "reward": 1.5, "area_mm2": 6.7, "bound": 1.6, "certain": False}
    unbound = {"objective": "speedup", "reward": 2.0, "area_mm2": 9.5, "binds_6.8mm2": True}
    term = {"objective": "speedup", "budget_mm2": None, "area_mm2": 3.0, "point": 7}
    terms = [{**term, "term": "fixed_mm2", "value": 1.0}, {**term, "term": "draw", "value": 0.0}]
    tables = {"optima": [optimum], "unbound": [unbound], "terms": terms}
    text = facts_text({name: pd.DataFrame(rows) for name, rows in tables.items()})
    assert "| single | speedup | 6.8 | 1,234 | 5 | 1.5000 | 6.70 | below 1.6000 |" in text
    assert "| speedup | 2.000 | 9.50 | yes |" in text
    assert "| speedup | none | fixed_mm2 | 1: 3.00 |" in text
    assert "| speedup | none | draw | 3.00 to 3.00 in nine tenths, 1 designs |" in text
    empty = dict.fromkeys(tables, pd.DataFrame())
    assert facts_text(empty) == ""
