"""A program on a machine, one instruction after the other.

The order of the program is one that the machine may take, and any other gives the same values,
because conflicting instructions are ordered (M32): a program in which they are not is refused.
"""

from collections.abc import Callable, Iterable

from apollo.arch.accelerator import Accelerator
from apollo.arch.extents import capacities, extents_of, instruction_error, refuse_misfit
from apollo.arch.isa import Opcode
from apollo.arch.operands import Window
from apollo.arch.program import Program
from apollo.arch.touched import Memory, Operands
from apollo.simulator.functional import (
    sparse,
    standard,
    systolic,
    tables,
    transfers,
    vectors,
    windows,
)
from apollo.simulator.functional.machine import (
    Bytes,
    InstructionError,
    Machine,
    make_machine,
    write,
)
from apollo.simulator.functional.order import refuse_races
from apollo.simulator.functional.shares import Write

_SPARSE_PAIR_BYTES = 4
_ALL = slice(None)

# Change the machine at once.
DIRECT: dict[Opcode, Callable[[Machine, Operands], None]] = {
    Opcode.LOAD_PARAMETERS: transfers.load_parameters,
    Opcode.LOAD_ACTIVATIONS: transfers.load_activations,
    Opcode.MOVE: transfers.move,
    Opcode.STORE: transfers.store,
    Opcode.SHIFT_WEIGHTS: systolic.shift_weights,
    Opcode.MATMUL: systolic.matmul,
    Opcode.DRAIN: systolic.drain,
}
# Give what is to be written when all cores have read.
LOCKSTEP: dict[Opcode, Callable[[Machine, Operands], Iterable[Write]]] = {
    Opcode.CONVOLVE: windows.convolve,
    Opcode.DEPTHWISE: windows.depthwise,
    Opcode.POOL_MAX: windows.pool_max,
    Opcode.POOL_AVERAGE: windows.pool_average,
    Opcode.ADD: vectors.add,
    Opcode.MULTIPLY: vectors.multiply,
    Opcode.LOOKUP: tables.lookup,
    Opcode.COPY: vectors.copy,
    Opcode.SOFTMAX: tables.softmax,
    Opcode.NORMALIZE: tables.normalize,
    Opcode.STANDARDIZE: standard.standardize,
}


def execute(
    program: Program, accelerator: Accelerator, dram: Bytes, before: Machine | None = None
) -> Machine:
    """The machine after the program, from memories of zeros or from what `before` left in them.

    `dram` [bytes] is copied. Raises `ValueError`, one sentence that names the instruction, when
    it does not fit the design or the image (`refuse_misfit`), when its data contradict it (a
    store of what no PE has, a wrong number of bytes moved, non-zeros beyond the window), or when
    two instructions race (`refuse_races`).
    """
    refuse_misfit(program, accelerator, len(dram))
    machine = make_machine(accelerator, dram, _used(program, accelerator), before)
    for number in range(len(program)):
        try:
            step(machine, program, number)
        except InstructionError as refusal:
            raise instruction_error(program, number, str(refusal)) from None
    refuse_races(program, accelerator, machine.walked_bytes)
    return machine


def step(machine: Machine, program: Program, number: int) -> None:
    """Run one instruction."""
    opcode = Opcode(int(program.opcode[number]))
    operands: Operands = program.operand[number].tolist()
    if opcode in DIRECT:
        DIRECT[opcode](machine, operands)
        return
    if opcode == Opcode.CONVOLVE_SPARSE:
        writes: Iterable[Write] = sparse.convolve_sparse(machine, operands, number)
    else:
        writes = LOCKSTEP[opcode](machine, operands)
    for address, values, width in list(writes):
        write(machine.pe_memory, _ALL, address, values, width)


def _used(program: Program, accelerator: Accelerator) -> dict[Memory, int]:
    """Bytes of each memory up to the last that the program touches."""
    used = dict.fromkeys(Memory, 0)
    rows = zip(program.opcode.tolist(), program.operand.tolist(), strict=True)
    for code, operands in rows:
        for extent in extents_of(Opcode(code), operands, accelerator):
            used[extent.memory] = max(used[extent.memory], extent.end)
            if code == Opcode.CONVOLVE_SPARSE and extent.memory == Memory.CORE:
                reach = extent.end + _SPARSE_PAIR_BYTES * operands[Window.PAIRS]
                used[Memory.CORE] = max(used[Memory.CORE], reach)
    room = capacities(accelerator)
    return {memory: min(size, room[memory]) for memory, size in used.items()}
