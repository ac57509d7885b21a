"""A program as text, one instruction a line, under a heading where the layer changes.

# layer 3: block1/depthwise
00012  CONVOLVE          rows=14 columns=14 in_channels=64 …  | PARAM>=3 ACT>=1

Operands that have their usual value, which is their least but for those with a sign, are left
out. The name of a layer is quoted as in JSON where it is empty, begins with a quotation mark,
or has what does not print, or blanks at its ends.
"""

import json
from collections.abc import Iterator
from enum import IntFlag
from functools import cache

from apollo.arch.isa import SPECIFICATIONS, Engine, Field, Opcode
from apollo.arch.operands import Axis, ComputeFlag, TransferFlag
from apollo.arch.program import Program


def flags_of(opcode: Opcode) -> type[IntFlag]:
    """The flags that an opcode knows."""
    return TransferFlag if opcode <= Opcode.STORE else ComputeFlag


def operand_text(opcode: Opcode, field: Field, value: int) -> str:
    """One operand, as `name=value`."""
    name = field.name
    if name == "flags":
        flags = flags_of(opcode)
        names = [flag.name.lower() for flag in flags if flag and value & flag and flag.name]
        return f"flags={'+'.join(names) or 'none'}"
    if "split" in name:
        return f"{name}={Axis(value).name.lower()}"
    return f"{name}={value}"


def heading(number: int, name: str) -> str:
    """The line above the instructions of a layer."""
    is_plain = name and name.isprintable() and name == name.strip() and name[0] != '"'
    return f"# layer {number}: {name if is_plain else json.dumps(name)}"


def instruction_text(program: Program, number: int) -> str:
    """One instruction: number, opcode, operands, and behind the bar its waits."""
    opcode = Opcode(int(program.opcode[number]))
    values = program.operand[number].tolist()
    operands = " ".join(
        operand_text(opcode, field, values[field.slot])
        for field, usual in _usual_values(opcode)
        if values[field.slot] != usual
    )
    waits = " ".join(
        f"{engine.name}>={wait}"
        for engine, wait in zip(Engine, program.wait[number].tolist(), strict=True)
        if wait
    )
    text = f"{number:05d}  {opcode.name:<16}  {operands}".rstrip()
    return text + (f"  | {waits}" if waits else "")


@cache
def _usual_values(opcode: Opcode) -> tuple[tuple[Field, int], ...]:
    return tuple((field, field.usual) for field in SPECIFICATIONS[opcode].fields)


def listing(program: Program) -> Iterator[str]:
    """The lines of a program, a heading where the layer changes; empty layers come last."""
    unnamed = dict(enumerate(program.layer_names))
    layer = -1
    for number in range(len(program)):
        if int(program.layer[number]) != layer:
            layer = int(program.layer[number])
            unnamed.pop(layer, None)
            yield heading(layer, program.layer_names[layer])
        yield instruction_text(program, number)
    yield from (heading(number, name) for number, name in unnamed.items())
