"""Text to program: the inverse of `listing`.

    # layer 0: stem
    00000  LOAD_PARAMETERS   segment_bytes=864 block_bytes=864
    00001  CONVOLVE          rows=7 columns=7 … flags=accumulate+partial …  | PARAM>=1

A line is a comment, a layer heading, or an instruction: an optional number, the opcode, operands by
name, and the waits behind a bar. An operand that is not given has its usual value. Blank lines
are skipped.
"""

import json
import re
from collections.abc import Iterable
from functools import cache

import numpy as np

from apollo.arch.isa import ENGINES, SPECIFICATIONS, USUAL, Engine, Field, Opcode
from apollo.arch.listing import flags_of
from apollo.arch.operands import OPERANDS, Axis
from apollo.arch.program import Program, narrow
from apollo.arch.text import suggestion

_HEADING = re.compile(r"# layer ([0-9]{1,18}): (.*)")
_INSTRUCTION = re.compile(r"(?:\d+\s+)?(?P<opcode>\w+)(?P<operands>[^|]*)(?:\|(?P<waits>.*))?")
_NUMBER = re.compile(r"-?[0-9]{1,19}")
_LARGEST = 2**63 - 1
_SHOWN = 60  # characters of a wrong line


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
            names[layer] = _layer_name(heading[2], f"Line {number}")
        elif text and not text.startswith("#"):
            names.setdefault(layer, "program")
            opcode, operands, waits = _instruction(text, f"Line {number}")
            rows.append((opcode, layer, waits, operands))
    if missing := set(range(len(names))) - names.keys():
        raise ValueError(f"There is no heading of layer {min(missing)}, but of a later one.")
    return Program(
        opcode=narrow(np.array([row[0] for row in rows], np.int64), "opcode"),
        layer=narrow(np.array([row[1] for row in rows], np.int64), "layer"),
        wait=narrow(np.array([row[2] for row in rows], np.int64).reshape(-1, ENGINES), "wait"),
        operand=narrow(
            np.array([row[3] for row in rows], np.int64).reshape(-1, OPERANDS), "operand"
        ),
        layer_names=tuple(name for _, name in sorted(names.items())),
    )


def _layer_name(text: str, where: str) -> str:
    if not text.startswith('"'):
        return text
    try:
        name: str = json.loads(text)
        name.encode("utf-8")
    except ValueError:
        raise ValueError(f"{where}: {text[:_SHOWN]!r} is not the name of a layer.") from None
    return name


def _instruction(text: str, where: str) -> tuple[Opcode, list[int], list[int]]:
    """Opcode, operands [F] and waits [E] of one line."""
    parts = _INSTRUCTION.fullmatch(text)
    if parts is None:
        raise ValueError(f"{where}: {text[:_SHOWN]!r} is not an instruction.")
    name = parts["opcode"]
    if name not in Opcode.__members__:
        known = suggestion(name, Opcode.__members__)
        raise ValueError(f"{where}: there is no opcode '{name[:_SHOWN]}'.{known}")
    opcode = Opcode[name]
    return opcode, _operands(opcode, parts["operands"], where), _waits(parts["waits"] or "", where)


def _operands(opcode: Opcode, text: str, where: str) -> list[int]:
    fields = _fields_of(opcode)
    given: dict[str, int] = {}
    for word in text.split():
        name, _, value = word.partition("=")
        if name not in fields:
            known = suggestion(name, fields)
            raise ValueError(f"{where}: {opcode.name} has no operand {name[:_SHOWN]!r}.{known}")
        if name in given:
            raise ValueError(f"{where}: operand '{name}' is given twice.")
        if name == "flags":
            given[name] = _flags(opcode, value, where)
        elif "split" in name:
            given[name] = _axis(word, value, where)
        else:
            given[name] = _number(word, value, where)
    operands: list[int] = USUAL[opcode].tolist()
    for name, number in given.items():
        operands[fields[name].slot] = number
    return operands


@cache
def _fields_of(opcode: Opcode) -> dict[str, Field]:
    return {field.name: field for field in SPECIFICATIONS[opcode].fields}


def _flags(opcode: Opcode, text: str, where: str) -> int:
    known = flags_of(opcode)
    flags = known(0)
    for name in text.split("+"):
        if name.upper() not in known.__members__:
            raise ValueError(f"{where}: {opcode.name} has no flag {name[:_SHOWN]!r}.")
        flags |= known[name.upper()]
    return int(flags)


def _axis(word: str, text: str, where: str) -> int:
    if text.upper() not in Axis.__members__:
        names = ", ".join(axis.name.lower() for axis in Axis)
        raise ValueError(f"{where}: {word[:_SHOWN]!r} must name one of {names}.")
    return Axis[text.upper()]


def _waits(text: str, where: str) -> list[int]:
    given: dict[Engine, int] = {}
    for word in text.split():
        name, bound, value = word.partition(">=")
        if name not in Engine.__members__ or not bound:
            raise ValueError(f"{where}: {word[:_SHOWN]!r} is not a wait such as 'PARAM>=1'.")
        if Engine[name] in given:
            raise ValueError(f"{where}: the wait for {name} is given twice.")
        given[Engine[name]] = _number(word, value, where)
    return [given.get(engine, 0) for engine in Engine]


def _number(word: str, text: str, where: str) -> int:
    if not _NUMBER.fullmatch(text) or abs(int(text)) > _LARGEST:
        raise ValueError(f"{where}: {word[:_SHOWN]!r} must end with a number of at most 63 bits.")
    return int(text)
