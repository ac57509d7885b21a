"""`apollo explain`: why a network does not fit a design, or what bounds it where it does."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import typer

from apollo import console
from apollo.console import guarded
from apollo.measurement_view import print_layers
from apollo.network_option import (
    Batch,
    Network,
    Partial,
    Shapes,
    Sparsity,
    left_out_json,
    open_network,
    open_workload,
    tell_left_out,
    tell_sparsity,
)
from apollo.options import Design, Json

if TYPE_CHECKING:
    from apollo.compiler.errors import Term
    from apollo.search.explain import Bounded, Refused, Step
    from apollo.search.levers import Change, Lever
    from apollo.search.workload import Workload

_WHERE = {
    "compute": "computing",
    "param": "waiting for parameters",
    "act": "waiting for activations from DRAM",
    "move": "waiting for moves between PEs",
    "store": "waiting for stores",
    "fetch": "waiting for instructions",
    "end": "done, the last transfers run",
}


@guarded
def explain(
    network: Network,
    design: Design = "edge_tpu_v1",
    batch: Batch = 1,
    shape: Shapes = None,
    partial: Partial = False,
    sparsity: Sparsity = None,
    json: Json = False,
) -> None:
    """Say why a network does not fit a design and what would help, or what bounds it."""
    from apollo.arch.accelerator import load_design
    from apollo.search.explain import Refused
    from apollo.search.explain import explain as run

    model = open_network(network, batch, shape, partial)

    def load(images: int) -> "Workload":
        return open_workload(network, images, shape, partial, sparsity)

    explanation = run(load, batch, load_design(design))
    if json:
        facts = (
            refused_json(explanation)
            if isinstance(explanation, Refused)
            else bounded_json(explanation)
        )
        console.print_json({"network": model.graph.name} | facts | left_out_json(model))
        return
    tell_left_out(model)
    tell_sparsity(model, sparsity)
    if isinstance(explanation, Refused):
        print_refused(explanation)
    else:
        print_bounded(model.graph.name, explanation)


def refused_json(refused: "Refused") -> dict[str, Any]:
    """A refusal with its terms and levers."""
    refusal = refused.refusal
    return {
        "design": refused.accelerator.name,
        "batch": refused.batch,
        "feasible": False,
        "layer": refusal.layer,
        "resource": refusal.resource,
        "demand": refusal.demand,
        "bound": refusal.bound,
        "unit": refusal.unit,
        "reason": str(refusal),
        "terms": [asdict(term) | {"total": term.total} for term in refused.terms],
        "levers": [[asdict(change) for change in lever.changes] for lever in refused.levers],
        "compilations": refused.attempts,
    }


def print_refused(refused: "Refused") -> None:
    """Which layer, which resource, demand and bound, terms, levers."""
    refusal = refused.refusal
    typer.echo(f"{refusal}\n")
    if refused.terms:
        print_terms(refused.terms, refusal.bound)
    if not refused.levers:
        typer.echo("No values of the memories and units, and no smaller batch, make it fit.")
        return
    title = "What makes it fit, each tried"
    if len(refused.levers[0].changes) > 1:
        title = "No single change makes it fit; together these do, each tried"
    console.print_table(
        title,
        ("change ", "from", "to", "note "),
        [row for lever in refused.levers for row in _lever_rows(lever)],
    )
    typer.echo(
        f"Each is the least of its kind: a step less was tried and fails "
        f"({refused.attempts} compilations)."
    )


def print_terms(terms: "tuple[Term, ...]", bound: int) -> None:
    """What a demand is made of, and its sum beside the bound."""
    rows = [
        (term.what, f"{term.bytes:,}", str(term.times), f"{term.total:,}", term.shape)
        for term in terms
    ]
    total = sum(term.total for term in terms)
    rows.append(("demand", "", "", f"{total:,}", f"{total - bound:,} more than {bound:,}"))
    console.print_table("The demand", ("term ", "bytes", "times", "total", "of "), rows)


def _lever_rows(lever: "Lever") -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for number, change in enumerate(lever.changes):
        note = "" if change.is_searched else "outside the searched space"
        name = change.parameter if number == 0 else f"  and {change.parameter}"
        rows.append((name, _value(change, change.before), _value(change, change.after), note))
    return rows


def _value(change: "Change", value: int) -> str:
    from apollo.compiler.tables import Form
    from apollo.search.levers import FORM

    return Form(value).name.lower() if change.parameter == FORM else f"{value:,}"


def bounded_json(bounded: "Bounded") -> dict[str, Any]:
    """What bounds a network on a design."""
    from apollo.search.explain import WORST_LAYERS

    metrics, design = bounded.measurement.metrics, bounded.accelerator
    worst = sorted(bounded.measurement.layers(), key=lambda row: -row.cycles)[:WORST_LAYERS]
    high = bounded.measurement.high_water()
    return {
        "design": design.name,
        "batch": bounded.batch,
        "feasible": True,
        "warm_cycles": metrics.warm_cycles,
        "warm_latency_ms": metrics.warm_latency_ms,
        "time_shares": bounded.shares,
        "utilisation": metrics.utilisation,
        "dram_utilisation": metrics.dram_utilisation,
        "memories": {
            name: {"used": used, "bound": getattr(design, name)} for name, used in high.items()
        },
        "worst_layers": [asdict(row) for row in worst],
        "steps": [asdict(step) for step in bounded.steps],
    }


def print_bounded(network: str, bounded: "Bounded") -> None:
    """Where the time goes, headroom, worst layers, what the next step of each parameter brings."""
    from apollo.search.explain import WORST_LAYERS

    metrics, design = bounded.measurement.metrics, bounded.accelerator
    typer.echo(
        f"{network} fits {design.name}: {metrics.warm_latency_ms:.3f} ms a following inference "
        f"of batch {bounded.batch}.\n"
    )
    console.print_table(
        "Where the time of the compute engines goes",
        ("what ", "share"),
        ((_WHERE[name], f"{share:.1%}") for name, share in bounded.shares.items()),
    )
    memories = [
        (name.removesuffix("_bytes").replace("_", " "), f"{used:,}", f"{bound:,}", used / bound)
        for name, used in bounded.measurement.high_water().items()
        for bound in (getattr(design, name),)
    ]
    rows = [(name, used, bound, f"{1 - share:.1%}") for name, used, bound, share in memories]
    for name, share in (
        ("multipliers", metrics.utilisation),
        ("DRAM bandwidth", metrics.dram_utilisation),
    ):
        rows.append((name, f"{share:.1%}", "100.0%", f"{1 - share:.1%}"))
    console.print_table("Headroom", ("resource ", "used", "of", "left"), rows)
    worst = sorted(bounded.measurement.layers(), key=lambda row: -row.cycles)[:WORST_LAYERS]
    print_layers("The layers that take longest", worst)
    console.print_table(
        "The next larger value of each parameter alone, run",
        ("parameter ", "from", "to", "latency", "area", "note "),
        map(_step_row, bounded.steps),
    )


def _step_row(step: "Step") -> tuple[str, ...]:
    values = (step.parameter, f"{step.before:,}", f"{step.after:,}")
    if step.reason is not None:
        return (*values, "-", "-", step.reason)
    return (*values, f"{step.latency_ratio - 1:+.1%}", f"{step.area_ratio - 1:+.1%}", "")
