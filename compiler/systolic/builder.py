"""Instructions in program order, with waits from what they touch.

An instruction names the bytes (or accumulator rows, or weight buffers) that it reads and writes;
it waits for every earlier instruction of another engine that it must not overtake (M32). Drains
may be deferred: program order on the MOVE engine is a decision.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from apollo.arch.isa import BYTES_OF, ENGINE_OF, SPECIFICATIONS, USUAL, Opcode
from apollo.arch.operands import OPERANDS
from apollo.arch.program import Program
from apollo.compiler.errors import DoesNotFit
from apollo.compiler.systolic.hazards import Access, use_of, waits_of
from apollo.compiler.systolic.kernels.lines import (
    AT_ONCE,
    Count,
    Lines,
    Use,
    release,
    release_until,
    take,
)

_SLOTS = {
    opcode: {field.name: int(field.slot) for field in specification.fields}
    for opcode, specification in SPECIFICATIONS.items()
}
_USUAL: dict[Opcode, list[int]] = {opcode: USUAL[opcode].tolist() for opcode in Opcode}
_AT_FIRST = 1024  # instructions


@dataclass
class _Fresh:
    """Instructions that are not in the columns yet."""

    opcodes: list[int] = field(default_factory=list)
    layers: list[int] = field(default_factory=list)
    operands: list[list[int]] = field(default_factory=list)
    uses: list[tuple[int, ...]] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)  # number of uses, up to each
    ready: list[int] = field(default_factory=list)
    cycles: list[int] = field(default_factory=list)


@dataclass
class Builder:
    """Grows a program."""

    layer_names: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Start empty."""
        self._numbers = {name: number for number, name in enumerate(self.layer_names)}
        self._sections: dict[str, int] = {}  # the last one of a layer
        self._expected: Counter[int] = Counter()  # bytes of instructions, by heading
        self._fresh = _Fresh()
        self._lines = _empty(_AT_FIRST)

    def layer(self, name: str) -> int:
        """The number of a heading, a new one at its first appearance."""
        if name not in self._numbers:
            self._numbers[name] = len(self.layer_names)
            self.layer_names.append(name)
        return self._numbers[name]

    def section(self, name: str, size: int, capacity: int) -> int:
        """The heading for `size` more bytes of instructions of a layer.

        A further one, "name #2" and so on, where the last has no room for them in `capacity`: a
        controller replays sections (M12).
        """
        number = self._sections.get(name, 1)
        heading = self.layer(_numbered(name, number))
        if self._expected[heading] and self._expected[heading] + size > capacity:
            self._sections[name] = number + 1
            heading = self.layer(_numbered(name, number + 1))
        self._expected[heading] += size
        return heading

    def add(self, opcode: Opcode, layer: int, accesses: Sequence[Access], **operands: int) -> None:
        """Append an instruction; deferred ones that it depends on come first."""
        self._make(opcode, layer, accesses, operands, (AT_ONCE, 0))

    def defer(
        self,
        opcode: Opcode,
        layer: int,
        accesses: Sequence[Access],
        *,
        ready: int = 0,
        cycles: int = 0,
        **operands: int,
    ) -> None:
        """As `add`, but at a better place in the order of its engine, behind others that wait.

        A drain could run from the estimated cycle `ready` on; what follows a drain takes no cycles.
        """
        self._make(opcode, layer, accesses, operands, (ready, cycles))

    def _make(
        self,
        opcode: Opcode,
        layer: int,
        accesses: Sequence[Access],
        operands: dict[str, int],
        times: tuple[int, int],
    ) -> None:
        row, slots, fresh = _USUAL[opcode].copy(), _SLOTS[opcode], self._fresh
        for name, value in operands.items():
            row[slots[name]] = value
        fresh.opcodes.append(opcode)
        fresh.layers.append(layer)
        fresh.operands.append(row)
        fresh.uses.extend(map(use_of, accesses))
        fresh.ends.append(len(fresh.uses))
        fresh.ready.append(times[0])
        fresh.cycles.append(times[1])

    def release_until(self, start: int, end: int) -> int:
        """Append deferred drains that, one after the other from `start`, are done by `end`.

        Returns the estimated end of the last one. Stores that follow them go with them.
        """
        return release_until(self.lines(), start, end)

    @property
    def waiting(self) -> int:
        """Deferred instructions that are not in the program yet."""
        number = self.lines().number
        return int(number[Count.DEFERRED] - number[Count.RELEASED])

    def lines(self, instructions: int = 0, uses: int = 0) -> Lines:
        """The columns with all instructions so far, and room for so many more."""
        fresh, made = self._fresh, self._lines.number[Count.MADE]
        count, used = len(fresh.opcodes), self._lines.number[Count.USES]
        self._grow(made + count + instructions, used + len(fresh.uses) + uses)
        if not count:
            return self._lines
        s, new = self._lines, slice(made, made + count)
        s.opcode[new], s.layer[new], s.operand[new] = fresh.opcodes, fresh.layers, fresh.operands
        s.ready[new], s.cycles[new] = fresh.ready, fresh.cycles
        s.first_use[made + 1 : made + 1 + count] = used + np.array(fresh.ends)
        if fresh.uses:
            s.use[used : used + len(fresh.uses)] = fresh.uses
        s.number[Count.MADE] += count
        s.number[Count.USES] += len(fresh.uses)
        self._fresh = _Fresh()
        take(s, made)
        return s

    def _grow(self, instructions: int, uses: int) -> None:
        s = self._lines
        if instructions <= len(s.opcode) and uses <= len(s.use):
            return
        larger = _empty(max(2 * len(s.opcode), instructions), max(2 * len(s.use), uses))
        columns: Iterable[tuple[Any, Any]] = zip(s, larger, strict=True)
        for old, new in columns:
            new[: len(old)] = old
        self._lines = larger

    def program(self, instruction_memory_bytes: int) -> Program:
        """All of it, the deferred too.

        Raises `DoesNotFit` when the instructions of a layer exceed the instruction memory (M12).
        """
        s = self.lines()
        release(s, int(s.number[Count.DEFERRED]))
        order = s.order[: s.number[Count.EMITTED]]
        opcodes, layers = s.opcode[order], s.layer[order]
        sizes = np.bincount(layers, BYTES_OF[opcodes], len(self.layer_names)).astype(int)
        largest = int(np.argmax(sizes))
        if sizes[largest] > instruction_memory_bytes:
            raise DoesNotFit(
                "instruction_memory",
                self.layer_names[largest],
                int(sizes[largest]),
                instruction_memory_bytes,
            )
        waits = waits_of(s, ENGINE_OF.astype(np.int64))
        return Program(opcodes, layers, waits, s.operand[order], tuple(self.layer_names))


def _empty(instructions: int, uses: int = 2 * _AT_FIRST) -> Lines:
    narrow, wide = np.zeros((3, instructions), np.int32), np.zeros((4, instructions), np.int64)
    return Lines(
        opcode=narrow[0],
        layer=narrow[1],
        operand=np.zeros((instructions, OPERANDS), np.int32),
        first_use=np.zeros(instructions + 1, np.int64),
        use=np.zeros((uses, len(Use)), np.int64),
        ready=wide[0],
        cycles=wide[1],
        queue=wide[2],
        order=wide[3],
        number=np.zeros(len(Count), np.int64),
    )


def _numbered(name: str, number: int) -> str:
    return name if number == 1 else f"{name} #{number}"
