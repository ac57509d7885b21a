"""Everything that is published of the exploration study: small tables, figures, the claims.

All of it is made from the rows of finished runs, as far as there are any.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from apollo.search.report.convergence import write_html
from apollo.search.report.files import whole_file
from apollo.search.report.table import write_csv, write_parquet
from apollo.search.reproduce.claims import Claim, findings_of
from apollo.search.reproduce.document import claims_text, facts_text, ratios_text
from apollo.search.reproduce.evidence import Evidence, Finding, task_text
from apollo.search.reproduce.figures.course import BEST, FEASIBLE, course_figure
from apollo.search.reproduce.figures.diversity import diversity_figure
from apollo.search.reproduce.figures.maps import map_figure
from apollo.search.reproduce.figures.places import map_rows
from apollo.search.reproduce.figures.violins import violin_figure
from apollo.search.reproduce.optimum import load_optimum, quests_of
from apollo.search.reproduce.plan import SINGLE, Plan
from apollo.search.reproduce.provenance import provenance, write_json
from apollo.search.reproduce.questions import term_rows, unbound_rows
from apollo.search.reproduce.rows import load_rows
from apollo.search.reproduce.summary import course_rows, finished_runs, run_rows
from apollo.search.robust import SAMPLES

if TYPE_CHECKING:
    import pandas as pd

MAPPED_SEED = 0
CLAIMS = "claims.md"


@dataclass(frozen=True)
class Publication:
    """What became of the published statements, and the files."""

    findings: tuple[tuple[Claim, Finding], ...]
    files: tuple[Path, ...]


def publish(plan: Plan, folder: Path, target: Path, draws: int = SAMPLES) -> Publication:
    """Write tables, figures and the claims of what is finished.

    Raises `ValueError` when no run is finished.
    """
    runs = run_rows(plan, folder)
    if runs.empty:
        raise ValueError(f"No run in '{folder}' is finished, so there is nothing to publish.")
    target.mkdir(parents=True, exist_ok=True)
    evidence = Evidence(runs, course_rows(plan, folder))
    tables = {
        "runs": runs,
        "course": evidence.course,
        "optima": optimum_rows(plan, folder),
        "unbound": unbound_rows(plan, folder),
        "terms": term_rows(plan, folder, draws),
    }
    files = [_table(table, target / f"{name}.csv") for name, table in tables.items()]
    files += _figures(evidence, target)
    files += _maps(plan, folder, target)
    findings = findings_of(evidence)
    claims, origin = target / CLAIMS, target / "provenance.json"
    with whole_file(claims) as part:
        texts = (claims_text(findings), ratios_text(evidence), facts_text(tables))
        part.write_text("\n".join(texts), encoding="utf-8")
    seeds = sorted(runs.seed.unique().tolist())
    write_json(provenance(**plan.identity(), runs=len(runs), seeds=seeds), origin)
    return Publication(tuple(findings), (*files, claims, origin))


def optimum_rows(plan: Plan, folder: Path) -> "pd.DataFrame":
    """A row an enumerated optimum, with its design."""
    import pandas as pd

    found = [load_optimum(folder, quest) for quest in quests_of(plan)]
    return pd.DataFrame(
        [
            asdict(each) | {"certain": each.is_certain} | plan.space.values_at(each.point)
            for each in found
            if each is not None
        ]
    )


def _table(table: "pd.DataFrame", path: Path) -> Path:
    write_csv(table, path)
    return path


def _figures(evidence: Evidence, target: Path) -> Iterator[Path]:
    tasks = evidence.searches[["networks", "objective"]].drop_duplicates()
    for networks, objective in tasks.itertuples(index=False):
        name = f"{networks}-{objective}"
        course, runs = evidence.course, evidence.runs
        figures = {
            "violins": violin_figure(runs, networks, objective),
            "convergence": course_figure(course, networks, objective, BEST),
            "feasible": course_figure(course, networks, objective, FEASIBLE),
            "diversity": diversity_figure(runs, networks, objective),
        }
        for kind, figure in figures.items():
            yield _page(figure, target / f"{kind}-{name}.html")


def _maps(plan: Plan, folder: Path, target: Path) -> Iterator[Path]:
    """Maps of runs with one seed: all of the single network, others of the largest budget."""
    logs: dict[tuple[Any, ...], dict[str, pd.DataFrame]] = {}
    for run in finished_runs(plan, folder):
        is_shown = run.networks == SINGLE or run.budget_mm2 == max(plan.budgets_mm2)
        is_search = run.source is None and run.budget_mm2 is not None
        if run.seed == MAPPED_SEED and is_search and is_shown:
            logs.setdefault(run.task, {})[run.optimizer] = load_rows(folder, run)
    for (networks, objective, budget_mm2), of_task in logs.items():
        rows = map_rows(of_task, plan.space)
        name = f"map-{networks}-{objective}-{budget_mm2:g}mm2"
        title = f"Explored points: {task_text((networks, objective, budget_mm2))}"
        write_parquet(rows, target / f"{name}.parquet")
        yield target / f"{name}.parquet"
        yield _page(map_figure(rows, title), target / f"{name}.html")


def _page(figure: Any, path: Path) -> Path:
    write_html(figure, path)
    return path
