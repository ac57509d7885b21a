"""Instructions as a test writes them: sizes, and waits by the name of the engine."""

from collections.abc import Callable

from apollo.arch.isa import Engine, Opcode
from tests.instructions import Instruction


def after(**engines: int) -> tuple[int, ...]:
    return tuple(engines.get(unit.name, 0) for unit in Engine)


def transfer(opcode: Opcode) -> Callable[..., Instruction]:
    def build(size: int, segments: int = 1, **wait: int) -> Instruction:
        return Instruction(opcode, {"segments": segments, "segment_bytes": size}, after(**wait))

    return build


load_parameters = transfer(Opcode.LOAD_PARAMETERS)
load_activations = transfer(Opcode.LOAD_ACTIVATIONS)
store = transfer(Opcode.STORE)


def move(size: int, **wait: int) -> Instruction:
    return Instruction(Opcode.MOVE, {"bytes": size}, after(**wait))


def window(
    opcode: Opcode, p: int, ci: int, co: int, taps: int = 1, flags: int = 0, **wait: int
) -> Instruction:
    """A convolution, matrix multiply or pool of one row of positions."""
    sizes = {"columns": p, "in_channels": ci, "out_channels": co, "kernel_rows": taps}
    return Instruction(opcode, sizes | {"flags": flags}, after(**wait))


def sparse(p: int, co: int, pairs: int, flags: int = 0, **wait: int) -> Instruction:
    sizes = {"columns": p, "out_channels": co, "pairs": pairs, "flags": flags}
    return Instruction(Opcode.CONVOLVE_SPARSE, sizes, after(**wait))


def vector(
    opcode: Opcode, p: int, co: int, passes: int = 1, flags: int = 0, **wait: int
) -> Instruction:
    sizes = {"columns": p, "out_channels": co, "passes": passes, "flags": flags}
    return Instruction(opcode, sizes, after(**wait))


def tile(cycles: int, **wait: int) -> Instruction:
    """A compute instruction of so many cycles, on lanes."""
    return vector(Opcode.COPY, cycles - 8, 1, **wait)


def shift(flags: int = 0, **wait: int) -> Instruction:
    return Instruction(Opcode.SHIFT_WEIGHTS, {"flags": flags}, after(**wait))


def matmul(p: int, k: int = 1, flags: int = 0, **wait: int) -> Instruction:
    sizes = {"columns": p, "in_channels": k, "flags": flags}
    return Instruction(Opcode.MATMUL, sizes, after(**wait))


def drain(p: int, co: int, flags: int = 0, **wait: int) -> Instruction:
    sizes = {"columns": p, "out_channels": co, "flags": flags}
    return Instruction(Opcode.DRAIN, sizes, after(**wait))
