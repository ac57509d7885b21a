"""A program as text, one instruction a line.

0012  CONVOLVE          positions=196 in_channels=64 …  | PARAM>=3 ACT>=1
"""

from collections.abc import Iterator

from apollo.arch.isa import SPECIFICATIONS, ComputeFlag, Engine, Opcode, Program

_FLAGS = "flags"


def _operand(name: str, value: int) -> str:
    if name != _FLAGS:
        return f"{name}={value}"
    names = [flag.name.lower() for flag in ComputeFlag if flag and value & flag and flag.name]
    return f"{name}={'+'.join(names) or 'none'}"


def instruction_text(program: Program, number: int) -> str:
    """One instruction: number, opcode, operands, and behind the bar its waits."""
    opcode = Opcode(int(program.opcode[number]))
    operands = " ".join(
        _operand(slot.name.lower(), int(program.operand[number, slot]))
        for slot in SPECIFICATIONS[opcode].operands
    )
    waits = " ".join(
        f"{engine.name}>={int(program.wait[number, engine])}"
        for engine in Engine
        if program.wait[number, engine]
    )
    return f"{number:05d}  {opcode.name:<16}  {operands}" + (f"  | {waits}" if waits else "")


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
