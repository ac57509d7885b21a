"""The published statements of the exploration study, each a function of our rows.

Yazdanbakhsh et al., "Apollo: Transferable Architecture Exploration", 2021, and its published
summary. The baseline optimizer there is Vizier's.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import cast

from apollo.search.reproduce.evidence import Evidence, Finding, Task, Verdict, judged, task_text
from apollo.search.reproduce.plan import EVOLUTIONARY, P3BO, RANDOM, TRANSFER, VIZIER

FEW_FEASIBLE = 0.1
AS_GOOD = 0.98  # of another's median
GREATEST_LEAD, GREATEST_TRANSFER = 0.246, 0.25


@dataclass(frozen=True)
class Claim:
    """A published statement and how it is judged."""

    statement: str
    published: str  # its figures
    judge: Callable[[Evidence], Finding]


def few_points_are_feasible(evidence: Evidence) -> Finding:
    """Of random points."""

    def share(task: Task) -> float:
        return evidence.median(task, RANDOM, "feasible")

    return judged(
        evidence, (RANDOM,), lambda t: share(t) < FEW_FEASIBLE, lambda t: f"{share(t):.1%} feasible"
    )


def random_evolution_p3bo(evidence: Evidence) -> Finding:
    """The order of the final rewards."""
    names = (RANDOM, EVOLUTIONARY, P3BO)

    def medians(task: Task) -> list[float]:
        return [evidence.median(task, name) for name in names]

    def holds(task: Task) -> bool:
        random, evolution, p3bo = medians(task)
        return random < evolution < p3bo

    return judged(
        evidence, names, holds, lambda t: " / ".join(f"{reward:.3f}" for reward in medians(t))
    )


def vizier_is_as_good(evidence: Evidence) -> Finding:
    """As P3BO, under the largest budget, of which the run was that was published."""

    def ratio(task: Task) -> float:
        return evidence.median(task, VIZIER) / evidence.median(task, P3BO)

    return judged(
        evidence,
        (VIZIER, P3BO),
        lambda t: ratio(t) >= AS_GOOD,
        lambda t: f"{ratio(t):.3f}",
        of_largest=True,
    )


def vizier_is_stuck_late(evidence: Evidence) -> Finding:
    """Its share of feasible points falls in the last quarter, below that of evolution."""

    def shares(task: Task) -> tuple[float, float, float]:
        late = evidence.median(task, VIZIER, "late_feasible")
        whole = evidence.median(task, VIZIER, "feasible")
        return whole, late, evidence.median(task, EVOLUTIONARY, "late_feasible")

    def holds(task: Task) -> bool:
        whole, late, evolution = shares(task)
        return late < min(whole, evolution)

    def figures(task: Task) -> str:
        whole, late, evolution = shares(task)
        return f"{whole:.0%} of all, {late:.0%} late (evolutionary {evolution:.0%})"

    return judged(evidence, (VIZIER, EVOLUTIONARY), holds, figures)


def evolution_is_feasible_early(evidence: Evidence) -> Finding:
    """More of its first eighth is feasible than of random points, and twice as many."""

    def shares(task: Task) -> tuple[float, float]:
        first, second = (evidence.early_feasible(task, name) for name in (EVOLUTIONARY, RANDOM))
        return first, second

    def holds(task: Task) -> bool:
        evolution, random = shares(task)
        return evolution > 2 * random

    def figures(task: Task) -> str:
        return "{:.0%} of the first eighth (random {:.0%})".format(*shares(task))

    return judged(evidence, (EVOLUTIONARY, RANDOM), holds, figures)


def evolution_finds_many_maxima(evidence: Evidence) -> Finding:
    """More different designs within 5 % of its best than P3BO and random search."""
    names = (EVOLUTIONARY, P3BO, RANDOM)

    def maxima(task: Task) -> list[float]:
        return [evidence.median(task, name, "maxima") for name in names]

    def holds(task: Task) -> bool:
        evolution, *others = maxima(task)
        return evolution > max(others)

    return judged(
        evidence, names, holds, lambda t: "{:g} (P3BO {:g}, random {:g})".format(*maxima(t))
    )


def p3bo_and_evolution_are_robust(evidence: Evidence) -> Finding:
    """Their runs differ less than those of random search."""
    names = (P3BO, EVOLUTIONARY, RANDOM)

    def spreads(task: Task) -> list[float]:
        return [evidence.spread(task, name) for name in names]

    def holds(task: Task) -> bool:
        p3bo, evolution, random = spreads(task)
        return max(p3bo, evolution) < random

    def figures(task: Task) -> str:
        return "range {:.1%}, {:.1%} (random {:.1%})".format(*spreads(task))

    return judged(evidence, names, holds, figures)


def p3bo_is_best(evidence: Evidence) -> Finding:
    """By median, of all that ran on a task."""

    def lead(task: Task) -> float:
        others = [name for name in (RANDOM, EVOLUTIONARY, VIZIER) if len(evidence.of(task, name))]
        best = max(evidence.median(task, name) for name in others)
        return evidence.median(task, P3BO) / best

    return judged(
        evidence, (P3BO, RANDOM), lambda t: lead(t) >= 1, lambda t: f"{lead(t):.3f} times"
    )


def lead_grows_as_budgets_tighten(evidence: Evidence) -> Finding:
    """Of P3BO over Vizier, or where that did not run over evolution."""
    rival = VIZIER if evidence.tasks(P3BO, VIZIER) else EVOLUTIONARY
    tasks = evidence.tasks(P3BO, rival)
    growing, texts = [], []
    for (networks, objective), group in groupby(tasks, key=lambda task: task[:2]):
        by_budget = sorted(group, key=lambda task: -task[2])
        if len(by_budget) < 2:
            continue
        leads = [evidence.median(t, P3BO) / evidence.median(t, rival) for t in by_budget]
        growing.append(all(a < b for a, b in pairwise(leads)))
        ratios = ", ".join(f"{lead:.3f}" for lead in leads)
        budgets = ", ".join(f"{task[2]:g}" for task in by_budget)
        texts.append(f"{networks}, {objective}: {ratios} at {budgets} mm²")
    return _all_or_some(growing, texts, f"over {rival}")


def greatest_lead(evidence: Evidence) -> Finding:
    """Of P3BO over Vizier, by median, of all tasks."""
    tasks = evidence.tasks(P3BO, VIZIER)
    if not tasks:
        return Finding(Verdict.OPEN, why="No task has runs of P3BO and Vizier.")
    leads = {t: evidence.median(t, P3BO) / evidence.median(t, VIZIER) - 1 for t in tasks}
    task = max(leads, key=lambda each: leads[each])
    verdict = Verdict.CONFIRMED if leads[task] >= GREATEST_LEAD else Verdict.REFUTED
    return Finding(verdict, f"{leads[task]:+.1%} ({task_text(task)})")


def transfer_helps(evidence: Evidence) -> Finding:
    """Runs that begin with what others found against the same without, by median."""
    gains = _transfers(evidence)
    texts = []
    for (task, optimizer), gain in gains.items():
        early = evidence.early_gain(task, optimizer)
        soon = "" if early is None else f"{early:+.1%} after a sixteenth of the trials, "
        texts.append(f"{task_text(task)}, {optimizer}: {soon}{gain:+.1%} at the end")
    return _all_or_some([gain > 0 for gain in gains.values()], texts, "")


def greatest_transfer(evidence: Evidence) -> Finding:
    """Of the same gains the greatest at the end."""
    gains = _transfers(evidence)
    if not gains:
        return Finding(Verdict.OPEN, why="The runs are not there.")
    (task, optimizer), gain = max(gains.items(), key=lambda each: each[1])
    verdict = Verdict.CONFIRMED if gain >= GREATEST_TRANSFER else Verdict.REFUTED
    return Finding(verdict, f"{gain:+.1%} ({task_text(task)}, {optimizer})")


def _transfers(evidence: Evidence) -> dict[tuple[Task, str], float]:
    """What the final reward gains, as a share, by task and optimizer."""
    with_source = evidence.runs[evidence.runs.part == TRANSFER]
    names = ["networks", "objective", "budget_mm2", "optimizer"]
    gains = {}
    for key, runs in with_source.groupby(names, sort=False):
        networks, objective, budget_mm2, optimizer = cast(tuple[str, str, float, str], key)
        task = (networks, objective, budget_mm2)
        without = evidence.of(task, optimizer)
        if len(without):
            gains[task, optimizer] = float(runs.reward.median() / without.median()) - 1
    return gains


def _all_or_some(holds: Sequence[bool], texts: Sequence[str], why: str) -> Finding:
    if not holds:
        return Finding(Verdict.OPEN, why="The runs are not there.")
    verdict = Verdict.CONFIRMED if all(holds) else Verdict.PARTLY if any(holds) else Verdict.REFUTED
    return Finding(verdict, "; ".join(texts), why)


CLAIMS = (
    Claim("Random search finds very few feasible points.", "", few_points_are_feasible),
    Claim(
        "Final rewards: random < evolutionary < P3BO.", "0.96 / 1.10 / 1.13", random_evolution_p3bo
    ),
    Claim("Vizier's best of one run is that of P3BO.", "1.14 / 1.13 = 1.009", vizier_is_as_good),
    Claim("Vizier gets stuck in infeasible regions late.", "", vizier_is_stuck_late),
    Claim("Evolution finds feasible points early.", "", evolution_is_feasible_early),
    Claim("Evolution finds many different maxima.", "", evolution_finds_many_maxima),
    Claim("P3BO and evolution are the most robust of ten runs.", "", p3bo_and_evolution_are_robust),
    Claim("P3BO is the best, also at 5.8 and 4.8 mm².", "1.25 at 5.8 mm²", p3bo_is_best),
    Claim("P3BO's lead grows as the budget tightens.", "", lead_grows_as_budgets_tighten),
    Claim("P3BO is up to 24.6 % better than the baseline optimizer.", "+24.6 %", greatest_lead),
    Claim("Transfer makes searches better.", "", transfer_helps),
    Claim("Transfer is up to 25 % better.", "+25 %", greatest_transfer),
)


def findings_of(evidence: Evidence) -> list[tuple[Claim, Finding]]:
    """Every statement with what became of it."""
    return [(claim, claim.judge(evidence)) for claim in CLAIMS]
