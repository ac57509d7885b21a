"""Memory that placements lack. `P` placements, `G` groups, `D` devices."""

import numpy as np
import numpy.typing as npt

from apollo.arch.jit import kernel

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@kernel
def overflow(
    # Placements:
    placements: Ints,  # [P, G]
    # Groups:
    memory_bytes: Ints,  # [G]
    allowed: Bools,  # [G, D]
    # Devices:
    capacity_bytes: Ints,  # [D]
    # Out:
    overflow_bytes_out: Ints,  # [P]
) -> None:
    """Writes the bytes over capacity, and all bytes, one at least, of groups on a wrong device."""
    groups, devices = allowed.shape
    used = np.zeros(devices, dtype=np.int64)
    for number in range(len(placements)):
        used[:] = 0
        lacking = 0
        for group in range(groups):
            device = placements[number, group]
            if allowed[group, device]:
                used[device] += memory_bytes[group]
            else:
                lacking += max(1, memory_bytes[group])
        for device in range(devices):
            lacking += max(0, used[device] - capacity_bytes[device])
        overflow_bytes_out[number] = lacking
