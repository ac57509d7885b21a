"""How results look: the same facts as a table for people and as JSON, with units in the names."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from apollo.console import print_table, size_text

if TYPE_CHECKING:
    from apollo.arch.accelerator import Accelerator
    from apollo.arch.program import Program

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
