"""Instructions as a test writes them: sizes, and waits by the name of the engine."""

from collections.abc import Callable

from apollo.arch.isa import Engine, Opcode
from tests.strategies import Instruction


def after(**engines: int) -> tuple[int, ...]:
    return tuple(engines.get(unit.name, 0) for unit in Engine)


def transfer(opcode: Opcode) -> Callable[..., Instruction]:
    def build(size: int, segments: int = 1, **wait: int) -> Instruction:
        return Instruction(opcode, (segments, size), after(**wait))

    return build


load_parameters = transfer(Opcode.LOAD_PARAMETERS)
load_activations = transfer(Opcode.LOAD_ACTIVATIONS)
move = transfer(Opcode.MOVE)
store = transfer(Opcode.STORE)


def compute(
    opcode: Opcode, p: int, ci: int, co: int, taps: int = 1, flags: int = 0, **wait: int
) -> Instruction:
    return Instruction(opcode, (p, ci, co, taps, flags), after(**wait))


def tile(cycles: int, **wait: int) -> Instruction:
    """A compute instruction of so many cycles."""
    return compute(Opcode.COPY, cycles - 8, 1, 64, **wait)
