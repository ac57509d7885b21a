"""A program as text, one instruction a line.

00012  CONVOLVE          rows=14 columns=14 in_channels=64 …  | PARAM>=3 ACT>=1

Operands that have their usual value, which is their least but for `low`, `high` and `fill`, are
left out.
"""

from collections.abc import Iterator
from enum import IntFlag

from apollo.arch.isa import SPECIFICATIONS, Engine, Field, Opcode
from apollo.arch.operands import Axis, ComputeFlag, TransferFlag
from apollo.arch.program import Program

_USUAL = {"fill": 0, "zero_point": 0, "low": -128, "high": 127}
_USUALLY_ZERO = ("first_row", "first_column", "first_channel")


def flags_of(opcode: Opcode) -> type[IntFlag]:
    """The flags that an opcode knows."""
    return TransferFlag if opcode <= Opcode.STORE else ComputeFlag


def usual(field: Field) -> int:
    """The value of an operand that a listing does not mention."""
    return 0 if field.name in _USUALLY_ZERO else _USUAL.get(field.name, field.low)


def operand_text(opcode: Opcode, field: Field, value: int) -> str:
    """One operand, as `name=value`."""
    if field.name == "flags":
        flags = flags_of(opcode)
        names = [flag.name.lower() for flag in flags if flag and value & flag and flag.name]
        return f"flags={'+'.join(names) or 'none'}"
    if "split" in field.name:
        return f"{field.name}={Axis(value).name.lower()}"
    return f"{field.name}={value}"


def instruction_text(program: Program, number: int) -> str:
    """One instruction: number, opcode, operands, and behind the bar its waits."""
    opcode = Opcode(int(program.opcode[number]))
    operands = " ".join(
        operand_text(opcode, field, value)
        for field in SPECIFICATIONS[opcode].fields
        if (value := int(program.operand[number, field.slot])) != usual(field)
    )
    waits = " ".join(
        f"{engine.name}>={int(program.wait[number, engine])}"
        for engine in Engine
        if program.wait[number, engine]
    )
    text = f"{number:05d}  {opcode.name:<16}  {operands}".rstrip()
    return text + (f"  | {waits}" if waits else "")


def listing(program: Program) -> Iterator[str]:
    """The lines of a program, a heading where the layer changes; empty layers come last."""
    unnamed = dict(enumerate(program.layer_names))
    layer = -1
    for number in range(len(program)):
        if int(program.layer[number]) != layer:
            layer = int(program.layer[number])
            unnamed.pop(layer, None)
            yield f"# layer {layer}: {program.layer_names[layer]}"
        yield instruction_text(program, number)
    yield from (f"# layer {number}: {name}" for number, name in unnamed.items())
