"""How results look: the same facts as a table for people and as JSON, with units in the names."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from apollo.console import print_table, size_text

if TYPE_CHECKING:
    from apollo.arch.accelerator import Accelerator
    from apollo.arch.program import Program
    from apollo.search.store import StudyRow, StudySummary
    from apollo.search.trial import Trial

DESIGN_COLUMNS = ("PEs", "cores", "lanes", "PE memory", "core memory", "DRAM GB/s", "MHz")


def design_cells(design: "Accelerator") -> tuple[str, ...]:
    """The cells of `DESIGN_COLUMNS`."""
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
        ("design ", *DESIGN_COLUMNS, "peak TOPS", "area mm²"),
        (
            (
                design.name,
                *design_cells(design),
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
