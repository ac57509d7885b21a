"""The actions of a run, for the energy of a design (`arch/energy.py`)."""

import numpy as np

from apollo.arch.accelerator import Accelerator
from apollo.arch.energy import Action
from apollo.simulator.kernels import activity as kernel
from apollo.simulator.timeline import STREAMS, Timeline

_ACTIONS = {
    Action.MAC: kernel.MACS,
    Action.VECTOR_OP: kernel.VECTOR_OPS,
    Action.REQUANTISE: kernel.REQUANTISATIONS,
    Action.PE_MEMORY_READ_BYTE: kernel.PE_READS,
    Action.PE_MEMORY_WRITE_BYTE: kernel.PE_WRITES,
    Action.CORE_MEMORY_READ_BYTE: kernel.CORE_READS,
    Action.CORE_MEMORY_WRITE_BYTE: kernel.CORE_WRITES,
    Action.ACCUMULATOR_READ_BYTE: kernel.ACCUMULATOR_READS,
    Action.ACCUMULATOR_WRITE_BYTE: kernel.ACCUMULATOR_WRITES,
    Action.WEIGHT_SHIFT_BYTE: kernel.WEIGHT_SHIFTS,
    Action.STAGING_BYTE: kernel.STAGED,
    Action.ACTIVATION_BUS_BYTE: kernel.ACTIVATION_BUS,
    Action.PARAMETER_BUS_BYTE: kernel.PARAMETER_BUS,
    Action.INSTRUCTION_BYTE: kernel.INSTRUCTIONS,
}


def actions_of(timeline: Timeline, accelerator: Accelerator) -> dict[Action, int]:
    """How often each action happened in a run; bytes off the chip in whole bursts."""
    program = timeline.program
    counts = np.zeros(kernel.COUNTS, np.int64)
    kernel.activity(
        program.opcode,
        program.operand,
        accelerator.pes,
        accelerator.cores,
        accelerator.lanes,
        accelerator.array_rows,
        counts,
    )
    actions = {action: int(counts[row]) for action, row in _ACTIONS.items()}
    moved = dict(zip(STREAMS, timeline.channel_bytes.tolist(), strict=True))
    actions[Action.HOST_BYTE] = sum(moved[stream] for stream in accelerator.host_streams)
    actions[Action.DRAM_BYTE] = sum(moved.values()) - actions[Action.HOST_BYTE]
    return actions
