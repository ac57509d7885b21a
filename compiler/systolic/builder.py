"""Instructions in program order, with waits from what they touch.

An instruction names the bytes (or accumulator rows, or weight buffers) that it reads and writes;
the builder makes it wait for every earlier instruction of another engine that it must not
overtake (M32). Drains may be deferred: program order on the MOVE engine is a decision.
"""

from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from apollo.arch.isa import BYTES_OF, ENGINE_OF, ENGINES, SPECIFICATIONS, USUAL, Opcode
from apollo.arch.program import Program
from apollo.compiler.errors import DoesNotFit
from apollo.compiler.systolic.hazards import Access, Hazards

_SLOTS = {
    opcode: {field.name: int(field.slot) for field in specification.fields}
    for opcode, specification in SPECIFICATIONS.items()
}
_USUAL: dict[Opcode, list[int]] = {opcode: USUAL[opcode].tolist() for opcode in Opcode}


@dataclass(frozen=True)
class Instruction:
    """One instruction without its waits."""

    opcode: Opcode
    layer: int
    accesses: tuple[Access, ...]
    operands: dict[str, int]


@dataclass(frozen=True)
class Deferred:
    """A drain that may wait for a better place in the order of its engine, or what follows it."""

    instruction: Instruction
    ready: int = 0  # estimated cycle from which it could run
    cycles: int = 0


@dataclass
class Builder:
    """Grows a program."""

    layer_names: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Start empty."""
        self._numbers = {name: number for number, name in enumerate(self.layer_names)}
        self._opcodes: list[int] = []
        self._layers: list[int] = []
        self._waits: list[list[int]] = []
        self._operands: list[list[int]] = []
        self._emitted = [0] * ENGINES
        self._hazards = Hazards()
        self._sections: dict[str, int] = {}  # the last one of a layer
        self._expected: Counter[int] = Counter()  # bytes of instructions, by heading
        self.deferred: deque[Deferred] = deque()

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
        self.append(Instruction(opcode, layer, tuple(accesses), operands))

    def append(self, instruction: Instruction) -> None:
        """As `add`."""
        needed = 0
        for place, deferred in enumerate(self.deferred, 1):
            if _depends(instruction, deferred.instruction):
                needed = place
        for _ in range(needed):
            self.release()
        self._put(instruction)

    def defer(
        self, opcode: Opcode, layer: int, accesses: Sequence[Access], **operands: int
    ) -> None:
        """As `add`, but behind the deferred ones, if there are any."""
        self.deferred.append(Deferred(Instruction(opcode, layer, tuple(accesses), operands)))

    def release_until(self, start: int, end: int) -> int:
        """Append deferred drains that, one after the other from `start`, are done by `end`.

        Returns the estimated end of the last one. Stores that follow them go with them.
        """
        while self.deferred:
            first = self.deferred[0]
            done = max(start, first.ready) + first.cycles
            if first.cycles and done > end:
                break
            self.release()
            start = max(start, done) if first.cycles else start
        return start

    def release(self) -> Deferred:
        """Append the oldest deferred instruction."""
        deferred = self.deferred.popleft()
        self._put(deferred.instruction)
        return deferred

    def _put(self, instruction: Instruction) -> None:
        engine = int(ENGINE_OF[instruction.opcode])
        self._waits.append(self._hazards.waits(instruction.accesses, engine))
        self._emitted[engine] += 1
        for access in instruction.accesses:
            self._hazards.note(access, engine, self._emitted[engine])
        row, slots = _USUAL[instruction.opcode].copy(), _SLOTS[instruction.opcode]
        for name, value in instruction.operands.items():
            row[slots[name]] = value
        self._opcodes.append(int(instruction.opcode))
        self._layers.append(instruction.layer)
        self._operands.append(row)

    def program(self, instruction_memory_bytes: int) -> Program:
        """All of it, the deferred too.

        Raises `DoesNotFit` when the instructions of a layer exceed the instruction memory (M12).
        """
        while self.deferred:
            self.release()
        opcodes, layers = np.array(self._opcodes), np.array(self._layers)
        sizes = np.bincount(layers, BYTES_OF[opcodes], len(self.layer_names)).astype(int)
        largest = int(np.argmax(sizes))
        if sizes[largest] > instruction_memory_bytes:
            raise DoesNotFit(
                "instruction_memory",
                self.layer_names[largest],
                int(sizes[largest]),
                instruction_memory_bytes,
            )
        return Program(
            opcodes,
            layers,
            np.array(self._waits),
            np.array(self._operands),
            tuple(self.layer_names),
        )


def _numbered(name: str, number: int) -> str:
    return name if number == 1 else f"{name} #{number}"


def _depends(later: Instruction, earlier: Instruction) -> bool:
    for access in later.accesses:
        for other in earlier.accesses:
            if access.memory == other.memory and access.conflicts(other):
                return True
    return False
