"""Text to program: the inverse of `listing`.

    # layer 0: stem
    00000  LOAD_PARAMETERS   segments=1 segment_bytes=864 dram_address=0 destination=0
    00001  CONVOLVE          positions=49 … flags=accumulate+partial …  | PARAM>=1

A line is a comment, a layer heading, or an instruction: an optional number, the opcode, every
operand of the opcode by name, and the waits behind a bar. Blank lines are skipped.
"""

import re
from collections.abc import Iterable

import numpy as np

from apollo.arch.isa import (
    ENGINES,
    OPERANDS,
    SPECIFICATIONS,
    ComputeFlag,
    Engine,
    Opcode,
    Program,
    Transfer,
)
from apollo.arch.text import suggestion

_HEADING = re.compile(r"# layer (\d+): (.*)")
_INSTRUCTION = re.compile(r"(?:\d+\s+)?(?P<opcode>\w+)(?P<operands>[^|]*)(?:\|(?P<waits>.*))?")
_LARGEST = 2**63 - 1


def assemble(lines: str | Iterable[str]) -> Program:
    """The program that a listing shows.

    Raises `ValueError` that names the line, or the instruction that breaks M3.
    """
    names: dict[int, str] = {}
    layer = 0
    rows: list[tuple[int, int, list[int], list[int]]] = []
    for number, line in enumerate(lines.splitlines() if isinstance(lines, str) else lines, 1):
        text = line.strip()
        if heading := _HEADING.fullmatch(text):
            layer = int(heading[1])
            names[layer] = heading[2]
        elif text and not text.startswith("#"):
            names.setdefault(layer, "program")
            opcode, operands, waits = _instruction(text, f"Line {number}")
            rows.append((opcode, layer, waits, operands))
    if missing := set(range(len(names))) - names.keys():
        raise ValueError(f"There is no heading of layer {min(missing)}, but of a later one.")
    return Program(
        opcode=np.array([row[0] for row in rows], np.int64),
        layer=np.array([row[1] for row in rows], np.int64),
        wait=np.array([row[2] for row in rows], np.int64).reshape(-1, ENGINES),
        operand=np.array([row[3] for row in rows], np.int64).reshape(-1, OPERANDS),
        layer_names=tuple(name for _, name in sorted(names.items())),
    )


def _instruction(text: str, where: str) -> tuple[Opcode, list[int], list[int]]:
    """Opcode, operands [F] and waits [E] of one line."""
    parts = _INSTRUCTION.fullmatch(text)
    if parts is None:
        raise ValueError(f"{where}: '{text}' is not an instruction.")
    name = parts["opcode"]
    if name not in Opcode.__members__:
        known = suggestion(name, Opcode.__members__)
        raise ValueError(f"{where}: there is no opcode '{name}'.{known}")
    opcode = Opcode[name]
    return opcode, _operands(opcode, parts["operands"], where), _waits(parts["waits"] or "", where)


def _operands(opcode: Opcode, text: str, where: str) -> list[int]:
    slots = {slot.name.lower(): int(slot) for slot in SPECIFICATIONS[opcode].operands}
    given: dict[str, int] = {}
    for word in text.split():
        name, _, value = word.partition("=")
        if name not in slots:
            known = suggestion(name, slots)
            raise ValueError(f"{where}: {opcode.name} has no operand '{name}'.{known}")
        if name in given:
            raise ValueError(f"{where}: operand '{name}' is given twice.")
        given[name] = _flags(value, where) if name == "flags" else _number(word, value, where)
    if missing := [name for name in slots if name not in given]:
        raise ValueError(f"{where}: {opcode.name} lacks {', '.join(missing)}.")
    operands = [0] * OPERANDS
    if opcode is Opcode.MOVE:
        operands[Transfer.SEGMENTS] = 1
    for name, number in given.items():
        operands[slots[name]] = number
    return operands


def _flags(text: str, where: str) -> int:
    flags = ComputeFlag.NONE
    for name in text.split("+"):
        if name.upper() not in ComputeFlag.__members__ and name != "none":
            raise ValueError(f"{where}: there is no flag '{name}'.")
        flags |= ComputeFlag[name.upper()]
    return int(flags)


def _waits(text: str, where: str) -> list[int]:
    waits = [0] * ENGINES
    for word in text.split():
        name, bound, value = word.partition(">=")
        if name not in Engine.__members__ or not bound:
            raise ValueError(f"{where}: '{word}' is not a wait such as 'PARAM>=1'.")
        waits[Engine[name]] = _number(word, value, where)
    return waits


def _number(word: str, text: str, where: str) -> int:
    if not re.fullmatch(r"\d+", text, re.ASCII) or int(text) > _LARGEST:
        raise ValueError(f"{where}: '{word}' must end with a number of at most 63 bits.")
    return int(text)
