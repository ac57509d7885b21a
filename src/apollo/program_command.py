"""`apollo assemble`, `disassemble` and programs as input: files of `apollo.arch.program_file`."""

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from apollo import console, measurement_view, views
from apollo.console import guarded
from apollo.options import Json

if TYPE_CHECKING:
    from apollo.arch.accelerator import Accelerator
    from apollo.arch.program import Program
    from apollo.simulator.timeline import Timeline

_MOST_BURSTS = 1 << 32  # minutes
_NETWORK_SUFFIXES = (".onnx", ".tflite")
_HAS_SUFFIX = re.compile(r"\.[A-Za-z]\w*$")  # a width, as in mobilenet_v1_0.25_128, is none


@guarded
def assemble(
    listing: Annotated[Path, typer.Argument(help="Text, as `disassemble` prints it.")],
    file: Annotated[Path, typer.Option("-o", "--file", help="Program file to write.")],
    json: Json = False,
) -> None:
    """Write the program that a listing shows as a program file."""
    from apollo.arch.program_file import load_program

    program = load_program(listing)
    if file.exists() and os.path.samefile(listing, file):
        raise ValueError(f"'{file}' is the listing itself; -o must name another file.")
    sentence = save(program, file)
    console.tell(sentence, {"file": str(file), "instructions": len(program)}, json)


@guarded
def disassemble(
    file: Annotated[Path, typer.Argument(help="Program file.")],
    json: Json = False,
) -> None:
    """Print a program file as a listing, an instruction a line."""
    from apollo.arch.listing import listing
    from apollo.arch.program_file import read_program

    program = read_program(file)
    if json:
        console.print_json(views.program_json(program))
    else:
        for line in listing(program):
            typer.echo(line)


def save(program: "Program", file: Path) -> str:
    """Write a program file; a sentence that says so."""
    from apollo.arch.program_file import write_program

    write_program(program, file)
    size = int(program.encoded_bytes.sum())
    return f"{len(program):,} instructions ({size:,} B) written to '{file}'."


def is_program(argument: str) -> bool:
    """Whether an argument means a program and not a network.

    A path does, one with a folder or suffix, unless the suffix is that of a network; so does any
    file that begins as program files do.
    """
    from apollo.arch.program_file import is_program_file

    path = Path(argument)
    if path.is_file() and is_program_file(path):
        return True
    is_path = len(path.parts) > 1 or _HAS_SUFFIX.search(path.name) is not None
    return is_path and path.suffix.lower() not in _NETWORK_SUFFIXES


def run_program(
    argument: str, design: str, batch: int, sparsity: float | None = None
) -> "tuple[Timeline, Accelerator]":
    """The run of a program file or listing on a design.

    Raises `ValueError`, one sentence, when there is none or when it is not for this design.
    """
    from apollo.arch.accelerator import load_design
    from apollo.arch.extents import refuse_misfit
    from apollo.arch.program_file import load_program
    from apollo.simulator.engine import simulate

    if batch != 1:
        raise ValueError(f"--batch {batch} is for networks; a program has its batch in it.")
    if sparsity is not None:
        raise ValueError("--sparsity is for networks; a program has its weights in it.")
    accelerator = load_design(design)
    program = load_program(Path(argument))
    refuse_misfit(program, accelerator)
    _refuse_endless(program, accelerator.burst_bytes)
    return simulate(program, accelerator), accelerator


def _refuse_endless(program: "Program", burst_bytes: int) -> None:
    """Raises `ValueError` for a program that would keep the simulator busy for hours."""
    import numpy as np

    from apollo.arch.isa import Opcode
    from apollo.arch.operands import Load

    transfers = program.operand[(program.opcode <= Opcode.STORE) & (program.opcode != Opcode.MOVE)]
    bursts = -(-transfers[:, Load.SEGMENT_BYTES].astype(np.float64) // burst_bytes)
    total = float((transfers[:, Load.SEGMENTS] * bursts).sum())
    if total > _MOST_BURSTS:
        raise ValueError(
            f"The program moves {total:.3g} bursts to and from memory, of which at most "
            f"{_MOST_BURSTS:,} are simulated."
        )


def show_run(argument: str, design: str, batch: int, sparsity: float | None, json: bool) -> None:
    """Run a program file or listing on a design and print what comes of it."""
    timeline, accelerator = run_program(argument, design, batch, sparsity)
    facts = run_json(argument, timeline, accelerator)
    if json:
        console.print_json(facts)
    else:
        print_run(facts, accelerator)


def run_json(argument: str, timeline: "Timeline", accelerator: "Accelerator") -> dict[str, Any]:
    """Everything that the run of a program says."""
    from apollo.arch.isa import Engine
    from apollo.simulator.stalls import StallCause, stall_cycles
    from apollo.simulator.timeline import STREAMS

    program, cycles = timeline.program, timeline.latency_cycles
    stalls = stall_cycles(timeline)
    return {
        "program": argument,
        "design": accelerator.name,
        "instructions": len(program),
        "instruction_bytes": int(program.encoded_bytes.sum()),
        "by_opcode": program.instructions_by_opcode(),
        "cycles": cycles,
        "latency_ms": cycles / (accelerator.clock_mhz * 1000),
        "dram_bytes": dict(zip(STREAMS, timeline.channel_bytes.tolist(), strict=True)),
        "busy_cycles": {e.name: cycles - int(stalls[e].sum()) for e in Engine},
        "stall_cycles": {e.name: {c.name: int(stalls[e, c]) for c in StallCause} for e in Engine},
        "layers": _layers(timeline, accelerator),
    }


def _layers(timeline: "Timeline", accelerator: "Accelerator") -> list[dict[str, Any]]:
    import numpy as np

    from apollo.simulator.metrics import layer_rows

    unknown = np.zeros(len(timeline.program.layer_names), np.int64)  # multiply-accumulates
    return [
        {
            "layer": row.layer,
            "cycles": row.cycles,
            "compute_cycles": row.compute_cycles,
            "bound_by": row.bound_by,
        }
        for row in layer_rows(timeline, accelerator, unknown)
    ]


def print_run(facts: dict[str, Any], accelerator: "Accelerator") -> None:
    """The run of a program: totals, bytes, engines, layers; `facts` are those of `run_json`."""
    console.print_table(
        "Run",
        ("metric ", "value"),
        (
            ("program", facts["program"]),
            ("design", f"{accelerator.name}, {accelerator.clock_mhz} MHz"),
            ("cycles", f"{facts['cycles']:,}"),
            ("latency, ms", f"{facts['latency_ms']:.3f}"),
            ("instructions", f"{facts['instructions']:,}"),
            *((f"bytes, {name}", f"{size:,}") for name, size in facts["dram_bytes"].items()),
        ),
    )
    measurement_view.print_engines(facts["busy_cycles"], facts["stall_cycles"])
    console.print_table(
        "Layers",
        ("layer ", "cycles", "compute", "bound by "),
        (
            (row["layer"], f"{row['cycles']:,}", f"{row['compute_cycles']:,}", row["bound_by"])
            for row in facts["layers"]
        ),
    )
