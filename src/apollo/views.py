"""How results look: the same facts as a table for people and as JSON, with units in the names."""

import shlex
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import typer

from apollo.console import print_table, size_text
from apollo.measurement_view import print_layers

if TYPE_CHECKING:
    from apollo.arch.accelerator import Accelerator
    from apollo.arch.program import Program
    from apollo.search.explore import Candidate, Exploration
    from apollo.search.store import StudyRow, StudySummary
    from apollo.search.trial import Trial

WORST_LAYERS = 8

_DESIGN_COLUMNS = ("PEs", "cores", "lanes", "PE memory", "core memory", "DRAM GB/s", "MHz")


def _design_cells(design: "Accelerator") -> tuple[str, ...]:
    return (
        f"{design.pes_x}x{design.pes_y}",
        str(design.cores),
        str(design.lanes),
        size_text(design.pe_memory_bytes),
        size_text(design.core_memory_bytes),
        str(design.dram_gb_per_s),
        str(design.clock_mhz),
    )


def design_json(design: "Accelerator") -> dict[str, Any]:
    """Every field of a design, its peak and its area by component."""
    from apollo.arch.area import area_of

    area = area_of(design)
    return {
        **asdict(design),
        "peak_tops": design.peak_tops,
        "area_mm2": area.total_mm2,
        "area_by_component": asdict(area),
    }


def print_designs(designs: Sequence["Accelerator"]) -> None:
    """The designs with peak and area."""
    from apollo.arch.area import area_of

    print_table(
        "Designs",
        ("design ", *_DESIGN_COLUMNS, "peak TOPS", "area mm²"),
        (
            (
                design.name,
                *_design_cells(design),
                f"{design.peak_tops:.2f}",
                f"{area_of(design).total_mm2:.2f}",
            )
            for design in designs
        ),
    )


def program_json(program: "Program") -> dict[str, Any]:
    """Counts of a program and its instructions as text."""
    from apollo.arch.listing import instruction_text

    return {
        "instructions": len(program),
        "instruction_bytes": int(program.encoded_bytes.sum()),
        "by_opcode": program.instructions_by_opcode(),
        "listing": [instruction_text(program, number) for number in range(len(program))],
    }


def print_program(program: "Program") -> None:
    """Counts of a program."""
    counts = program.instructions_by_opcode()
    rows = [(name, str(count)) for name, count in counts.items()]
    rows.append(("total", f"{len(program)} ({int(program.encoded_bytes.sum()):,} B)"))
    print_table("Program (--listing shows every instruction)", ("opcode ", "instructions"), rows)


def nothing_feasible(exploration: "Exploration") -> str:
    """Why no trial of a study was feasible, in a sentence."""
    trials = exploration.result.trials
    causes = Counter(trial.resource or "?" for trial in trials)
    parts = ", ".join(f"{cause.replace('_', ' ')} {n}" for cause, n in causes.most_common())
    areas = [trial.metrics["area_mm2"] for trial in trials if "area_mm2" in trial.metrics]
    budget = exploration.task.max_area_mm2
    least = f"; the smallest design seen has {min(areas):.2f} mm²" if areas and budget else ""
    limit = "" if budget is None else f" under {budget:g} mm²"
    return (
        f"None of {len(trials)} trials is feasible{limit} (by cause: {parts}{least}); "
        f"the trials are saved in '{exploration.folder}'."
    )


def _candidate_json(candidate: "Candidate") -> dict[str, Any]:
    return {
        **design_json(candidate.accelerator),
        "reward": candidate.reward,
        "reason": candidate.reason,
        "networks": {
            name: asdict(measurement.metrics)
            for name, measurement in candidate.measurements.items()
        },
    }


def exploration_json(exploration: "Exploration") -> dict[str, Any]:
    """The study in short, the best design and the presets beside it."""
    result = exploration.result
    return {
        "study": exploration.study,
        "folder": str(exploration.folder),
        "trials": len(result.trials),
        "feasible": result.feasible,
        "baseline": exploration.task.baseline.name,
        "max_area_mm2": exploration.task.max_area_mm2,
        "best": _candidate_json(exploration.best) if exploration.best else None,
        "presets": [_candidate_json(candidate) for candidate in exploration.presets],
    }


def _candidate_row(name: str, candidate: "Candidate") -> tuple[str, ...]:
    throughput = [m.metrics.throughput_per_s for m in candidate.measurements.values()]
    return (
        name,
        *_design_cells(candidate.accelerator),
        f"{candidate.area_mm2:.2f}",
        " ".join(f"{value:,.0f}" for value in throughput) or "-",
        f"{candidate.reward:.3f}" if candidate.reason is None else "-",
        candidate.reason or "",
    )


def print_exploration(exploration: "Exploration") -> None:
    """The end of `explore`: best design, presets, worst layers, what to do next."""
    best, result, task = exploration.best, exploration.result, exploration.task
    if best is None:
        raise ValueError("An exploration without a feasible trial has no best design to print.")
    budget = "" if task.max_area_mm2 is None else f" under {task.max_area_mm2:g} mm²"
    print_table(
        f"Best of {len(result.trials)} trials ({result.feasible} feasible){budget}; the presets",
        ("design ", *_DESIGN_COLUMNS, "area mm²", "throughput 1/s", "reward", "note "),
        [_candidate_row("best", best)]
        + [_candidate_row(preset.accelerator.name, preset) for preset in exploration.presets],
    )
    typer.echo(
        f"Reward: geometric mean over {', '.join(task.networks)} of throughput per mm², "
        f"relative to {task.baseline.name}.\n"
    )
    print_table(
        "The best design in full",
        ("parameter ", "value"),
        (
            (name, f"{value:,}" if isinstance(value, int) else str(value))
            for name, value in asdict(best.accelerator).items()
            if name != "name" and value != ()
        ),
    )
    for name, measurement in best.measurements.items():
        worst = sorted(measurement.layers(), key=lambda row: -row.cycles)[:WORST_LAYERS]
        print_layers(f"{name} on the best design: the layers that take longest", worst)
    files = f"study.db, trials.csv, convergence.html, best.toml in '{exploration.folder}'"
    typer.echo(f"Written: {files}.")
    network = next(iter(task.networks))
    command = ("apollo", "simulate", network, "--design", str(exploration.folder / "best.toml"))
    typer.echo(f"Next: {shlex.join(command)}")


def summary_json(summary: "StudySummary") -> dict[str, Any]:
    """A study in short."""
    return {
        "study": summary.study.name,
        "optimizer": summary.study.optimizer,
        "seed": summary.study.seed,
        "trials": summary.trials,
        "feasible": summary.feasible,
        "best_reward": summary.best_reward,
        "created": summary.study.created,
    }


def print_summaries(summaries: Sequence["StudySummary"]) -> None:
    """Studies, one a line."""
    print_table(
        "Studies",
        ("study ", "optimizer ", "seed", "trials", "feasible", "best reward", "created "),
        (
            (
                summary.study.name,
                summary.study.optimizer,
                str(summary.study.seed),
                str(summary.trials),
                str(summary.feasible),
                f"{summary.best_reward:.4f}" if summary.feasible else "-",
                summary.study.created,
            )
            for summary in summaries
        ),
    )


def trial_json(trial: "Trial") -> dict[str, Any]:
    """A trial with its design and metrics."""
    return {
        "trial": trial.number,
        "index": trial.index,
        "reward": trial.reward,
        "parameters": dict(trial.parameters),
        "metrics": dict(trial.metrics),
    }


def print_trials(study: "StudyRow", trials: Sequence["Trial"]) -> None:
    """Trials, best first."""
    names = list(trials[0].parameters)
    print_table(
        f"Best designs of {study.name}",
        ("trial", "reward", "area mm²", *(name.replace("_bytes", " B") for name in names)),
        (
            (
                str(trial.number),
                f"{trial.reward:.4f}",
                f"{trial.metrics['area_mm2']:.2f}",
                *(f"{trial.parameters[name]:,}" for name in names),
            )
            for trial in trials
        ),
    )
