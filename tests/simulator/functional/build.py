"""Programs as tests write them, memories full of random bytes, and a machine to run them on.

A `Script` writes assembler text. Its instructions wait for all that came before them unless they
say otherwise; so a test may think of one instruction at a time.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from apollo.arch.accelerator import Accelerator
from apollo.arch.assembler import assemble
from apollo.arch.isa import SPECIFICATIONS, Engine, Opcode
from apollo.arch.operands import ComputeFlag, TransferFlag
from apollo.arch.program import Program
from apollo.simulator.functional import Machine, execute

MEMORY_BYTES = 1 << 16


def design(pes_x: int = 1, pes_y: int = 1, cores: int = 1, **fields: Any) -> Accelerator:
    """A small design, whose memories are large enough unless a test says otherwise."""
    small = dict(
        lanes=4,
        pe_memory_bytes=MEMORY_BYTES,
        core_memory_bytes=MEMORY_BYTES,
        activation_memory_bytes=1024,
        instruction_memory_bytes=8192,
        parameter_memory_bytes=2048,
        dram_gb_per_s=5,
    )
    return Accelerator("test", pes_x=pes_x, pes_y=pes_y, cores=cores, **(small | fields))


def systolic(rows: int, columns: int, **fields: Any) -> Accelerator:
    """A design with an array."""
    return design(array_rows=rows, array_columns=columns, accumulator_rows=64, **fields)


class Script:
    """Lines of assembler, and the counts of instructions that waits refer to."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.counts = dict.fromkeys(Engine, 0)

    def add(self, opcode: str, waits: Mapping[str, int] | None = None, **operands: Any) -> int:
        """Append an instruction; without `waits` it comes after everything. Returns its number."""
        engine = SPECIFICATIONS[Opcode[opcode]].engine
        if waits is None:
            waits = {unit.name: count for unit, count in self.counts.items() if unit != engine}
        words = [f"{name}={_text(name, opcode, value)}" for name, value in operands.items()]
        bar = " ".join(f"{name}>={count}" for name, count in waits.items() if count)
        self.lines.append(f"{opcode} {' '.join(words)}" + (f" | {bar}" if bar else ""))
        self.counts[engine] += 1
        return len(self.lines) - 1

    @property
    def program(self) -> Program:
        return assemble("\n".join(self.lines))


def _text(name: str, opcode: str, value: Any) -> str:
    if name == "flags" and not isinstance(value, str):
        known = TransferFlag if Opcode[opcode] <= Opcode.STORE else ComputeFlag
        names = [flag.name.lower() for flag in known if flag and flag & value]
        return "+".join(names) or "none"
    return value if isinstance(value, str) else str(int(value))


class Image:
    """DRAM under construction."""

    def __init__(self) -> None:
        self.bytes = bytearray()

    def put(self, values: np.ndarray) -> int:
        """Append an array; its address."""
        address = len(self.bytes)
        self.bytes += np.ascontiguousarray(values).tobytes()
        return address

    def room(self, size: int) -> int:
        return self.put(np.zeros(size, np.uint8))

    @property
    def array(self) -> np.ndarray:
        return np.frombuffer(bytes(self.bytes), np.uint8)


def fill_memories(
    script: Script, image: Image, chip: Accelerator, pe: np.ndarray, core: np.ndarray
) -> None:
    """Load bytes into every PE memory [N, B] and core memory [N, C, B], from address 0."""
    script.add(
        "LOAD_ACTIVATIONS",
        segment_bytes=pe.size,
        dram_address=image.put(pe),
        channels=pe.shape[1],
        box_channels=pe.shape[1],
        split_x="rows",
        split_y="rows",
        step_x=1,
        step_y=chip.pes_x,
        channel_pitch=1,
    )
    script.add(
        "LOAD_PARAMETERS",
        segment_bytes=core.size,
        dram_address=image.put(core),
        block_bytes=core.shape[2],
        step_core=1,
        step_x=chip.cores,
        step_y=chip.cores * chip.pes_x,
    )


def run_on(
    chip: Accelerator, pe: np.ndarray, core: np.ndarray, *instructions: Mapping[str, Any]
) -> Machine:
    """The machine after instructions that find these bytes in its memories."""
    script, image = Script(), Image()
    fill_memories(script, image, chip, pe, core)
    for instruction in instructions:
        script.add(**instruction)
    return execute(script.program, chip, image.array)


def random_memories(
    rng: np.random.Generator, chip: Accelerator, pe_bytes: int, core_bytes: int
) -> tuple[np.ndarray, np.ndarray]:
    pe = rng.integers(0, 256, (chip.pes, pe_bytes), dtype=np.uint8)
    core = rng.integers(0, 256, (chip.pes, chip.cores, core_bytes), dtype=np.uint8)
    return pe, core
