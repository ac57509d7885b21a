"""A program as columns: the decoded form of the instructions that the machine fetches.

`I` instructions, `E` = 5 engines, `F` operand slots.
"""

from collections import Counter
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from apollo.arch.isa import BYTES_OF, ENGINE_OF, ENGINES, SPECIFICATIONS, Engine, Opcode
from apollo.arch.operands import OPERANDS
from apollo.arch.validity import (
    BELONGS,
    FLAG,
    FORWARD,
    KNOWN,
    NEGATIVE,
    NOTHING,
    OPERAND,
    OWN,
    first_fault,
)

Ints = npt.NDArray[np.int64]
Column = npt.NDArray[np.int32]

_SENTENCES = {
    KNOWN: "has an unknown opcode, {value}",
    BELONGS: "belongs to layer {value}, but there are {layers}",
    OWN: "waits for its own engine, {engine}, which is in order by itself",
    NEGATIVE: "waits for {value} of {engine}, which is below zero",
    FORWARD: "waits for an instruction that comes later: {value} of {engine}, of which {most} "
    "come before it",
    FLAG: "({opcode}) must have no other flags than {most}, not {value}",
    OPERAND: "({opcode}) must have {name} in {least}..{most}, not {value}",
}


@dataclass(frozen=True)
class Program:
    """An instruction stream.

    Columns are converted to 32 bits. Raises `ValueError`, naming the instruction, when it breaks
    M3 or an operand does not fit its field.
    """

    opcode: Column  # [I] Opcode
    layer: Column  # [I] index into layer_names
    wait: Column  # [I, E] instructions each other engine must have retired
    operand: Column  # [I, F] by the slots of the opcode's format
    layer_names: tuple[str, ...]

    def __post_init__(self) -> None:
        """Check shapes, opcodes, layers, operands and waits."""
        count = len(self.opcode)
        shapes = (self.layer.shape, self.wait.shape, self.operand.shape)
        if shapes != ((count,), (count, ENGINES), (count, OPERANDS)):
            raise ValueError(f"The columns of {count} instructions must not have shapes {shapes}.")
        for name in ("opcode", "layer", "wait", "operand"):
            object.__setattr__(self, name, narrow(getattr(self, name), name))
        columns = (self.opcode, self.layer, self.wait, self.operand)
        number, fault, place, most = first_fault(*columns, len(self.layer_names))
        if fault != NOTHING:
            raise ValueError(
                f"Instruction {number} of {count} {self._what(number, fault, place, most)} (M3)."
            )

    def _what(self, number: int, fault: int, place: int, most: int) -> str:
        opcode, layer = int(self.opcode[number]), int(self.layer[number])
        if fault in (KNOWN, BELONGS):
            value = opcode if fault == KNOWN else layer
            return _SENTENCES[fault].format(value=value, layers=len(self.layer_names))
        if fault in (OWN, NEGATIVE, FORWARD):
            value, engine = int(self.wait[number, place]), Engine(place).name
            return _SENTENCES[fault].format(value=value, engine=engine, most=most)
        fields = {int(field.slot): field for field in SPECIFICATIONS[Opcode(opcode)].fields}
        field = fields.get(place)
        return _SENTENCES[fault].format(
            opcode=Opcode(opcode).name,
            name=field.name if field else f"nothing in slot {place}",
            least=field.low if field else 0,
            value=int(self.operand[number, place]),
            most=most,
        )

    @property
    def engine(self) -> Ints:
        """The engine of each instruction, [I]."""
        return ENGINE_OF[self.opcode]

    @property
    def encoded_bytes(self) -> Ints:
        """The size of each instruction in bytes, [I]."""
        return BYTES_OF[self.opcode]

    def __len__(self) -> int:
        """Instructions."""
        return len(self.opcode)

    def instructions_by_opcode(self) -> dict[str, int]:
        """How often each opcode occurs, in order of opcode."""
        counts = Counter(self.opcode.tolist())
        return {opcode.name: counts[opcode] for opcode in Opcode if counts[opcode]}


def narrow(column: npt.NDArray[np.integer], name: str) -> Column:
    """A column in the 32 bits that `Program` keeps.

    Raises `ValueError`, naming the instruction, where a value needs more.
    """
    if column.dtype != np.int32:
        limits = np.iinfo(np.int32)
        outside = (column < limits.min) | (column > limits.max)
        if outside.any():
            number = int(np.argmax(outside.reshape(len(column), -1).any(axis=1)))
            value = int(column[outside][0])
            raise ValueError(
                f"Instruction {number} of {len(column)} must have 32-bit {name}s, not {value} (M3)."
            )
    return column.astype(np.int32, copy=False)
