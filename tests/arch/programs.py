"""Random valid programs over every opcode: each operand anywhere in its field."""

from collections.abc import Callable, Sequence

import numpy as np
from hypothesis import strategies as st

from apollo.arch.isa import ENGINE_OF, ENGINES, FLAGS_OF, LEAST, MOST, SPECIFICATIONS, Opcode
from apollo.arch.operands import Window
from apollo.arch.program import Program

NAMES = (
    "stem",
    "",
    "  blanks ",
    '"quoted"',
    "zwei\nZeilen\u2028",
    "# layer 0: \u00e9t\u00e9",
    "\0",
)
FAR = 9000  # further back than a wait of 13 bits reaches


def random_program(seed: int, opcodes: Sequence[int]) -> Program:
    """A valid program of these opcodes; operands are often at the ends of their fields."""
    random = np.random.default_rng(seed)
    opcode = np.array(opcodes, np.int64)
    count = len(opcode)
    least, most = LEAST[opcode], MOST[opcode]
    operand = np.choose(
        random.integers(0, 4, least.shape),
        [least, most, *random.integers(least, most + 1, (2, *least.shape))],
    )
    operand[:, Window.FLAGS] &= FLAGS_OF[opcode]
    engine = ENGINE_OF[opcode]
    earlier = np.zeros((count + 1, ENGINES), np.int64)
    np.cumsum(engine[:, None] == np.arange(ENGINES), axis=0, out=earlier[1:])
    back = random.integers(0, random.integers(1, FAR), (count, ENGINES))
    wait = np.where(random.random((count, ENGINES)) < 0.6, np.maximum(earlier[:-1] - back, 0), 0)
    wait[np.arange(count), engine] = 0
    layer = np.sort(random.integers(0, len(NAMES), count))
    return Program(opcode, layer, wait, operand, NAMES)


def programs() -> st.SearchStrategy[Program]:
    """Programs of up to 40 instructions."""
    opcodes = st.lists(st.sampled_from(list(Opcode)), max_size=40)
    return st.builds(random_program, st.integers(0, 2**32), opcodes)


def assert_same_program(left: Program, right: Program) -> None:
    """Every column and name is equal."""
    assert left.layer_names == right.layer_names
    for column in ("opcode", "layer", "wait", "operand"):
        np.testing.assert_array_equal(getattr(left, column), getattr(right, column))


def encoded_by_hand(program: Program) -> bytes:
    """M31 written out with Python's integers, an instruction and a bit at a time."""
    code = b""
    for number, opcode in enumerate(map(Opcode, program.opcode.tolist())):
        specification = SPECIFICATIONS[opcode]
        fields = [(int(opcode), 5)]
        for engine in range(ENGINES):
            if engine != specification.engine:
                oldest = max(0, number - 8191)  # instructions that have surely retired
                implied = int((program.engine[:oldest] == engine).sum())
                fields.append((max(int(program.wait[number, engine]), implied), 13))
        for field in specification.fields:
            fields.append((int(program.operand[number, field.slot]), field.bits))
        value, place = 0, 0
        for field_value, bits in fields:
            value |= (field_value % (1 << bits)) << place
            place += bits
        size = next(size for size in (32, 48, 64) if place <= 8 * size)
        code += value.to_bytes(size, "little")
    return code


def refusal_of(function: Callable[..., object], *arguments: object) -> str:
    """The sentence with which these arguments are refused, or that they are accepted."""
    try:
        function(*arguments)
    except ValueError as refusal:
        return str(refusal)
    return "accepted"
