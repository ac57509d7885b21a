"""When every instruction of a run started, finished and became visible."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from apollo.arch.accelerator import STREAMS as STREAMS
from apollo.arch.program import Program

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Timeline:
    """The result of simulating a program of `I` instructions."""

    program: Program
    visible: Ints  # [I] cycle in which the instruction had arrived
    start: Ints  # [I] cycle
    finish: Ints  # [I] cycle of retirement
    channel_bytes: Ints  # [4] by STREAMS: whole bursts on the stream's channel
    bus_bytes: Ints  # [E] by engine: useful bytes on its bus

    @property
    def latency_cycles(self) -> int:
        """Cycles until the last instruction has retired."""
        return int(self.finish.max(initial=0))
