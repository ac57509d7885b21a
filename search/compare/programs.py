"""Two programs, and their runs on a design."""

import numpy as np

from apollo.arch.accelerator import Accelerator
from apollo.arch.listing import instruction_text
from apollo.arch.program import Program
from apollo.search.compare.difference import Cell, Section, amounts, facts, in_order
from apollo.search.compare.runs import compare_instructions, compare_stalls, numbered
from apollo.simulator.metrics import layer_rows, metrics_of
from apollo.simulator.timeline import Timeline

_SHOWN = 8  # instructions


def compare_programs(first: Timeline, second: Timeline, accelerator: Accelerator) -> list[Section]:
    """Instructions, cycles by layer, stalls and energy, from the run of each on a design."""
    runs = [metrics_of(run, run, accelerator, 0) for run in (first, second)]
    cycles, bounds = [], []
    for run in (first, second):
        unknown = np.zeros(len(run.program.layer_names), np.int64)  # multiply-accumulates
        rows = layer_rows(run, accelerator, unknown)
        names = numbered(row.layer for row in rows)
        cycles.append({name: row.cycles for name, row in zip(names, rows, strict=True)})
        bounds.append({name: row.bound_by for name, row in zip(names, rows, strict=True)})
    return [
        facts("totals", _totals(first), _totals(second)),
        *compare_instructions(first.program, second.program),
        in_order("instructions", *_differing(first.program, second.program)),
        amounts("cycles of a layer", *cycles),
        facts("bound of a layer", *bounds),
        *compare_stalls(*runs),
        amounts("energy, µJ", *(run.energy_uj_by_component for run in runs)),
        amounts("DRAM bytes", *(run.dram_bytes for run in runs)),
    ]


def _totals(run: Timeline) -> dict[str, Cell]:
    return {
        "instructions": len(run.program),
        "instruction bytes": int(run.program.encoded_bytes.sum()),
        "layers": len(run.program.layer_names),
        "cycles": run.latency_cycles,
    }


def _differing(first: Program, second: Program) -> tuple[dict[str, Cell], dict[str, Cell]]:
    """The first instructions that are not the same, by number."""
    left, right = dict[str, Cell](), dict[str, Cell]()
    for number in range(max(len(first), len(second))):
        texts = [
            instruction_text(program, number).partition("  ")[2] if number < len(program) else None
            for program in (first, second)
        ]
        if texts[0] != texts[1]:
            left[f"{number:05d}"], right[f"{number:05d}"] = texts
            if len(left) == _SHOWN:
                break
    return left, right
