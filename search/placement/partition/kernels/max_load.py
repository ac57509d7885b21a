"""Pipelined max-load: the load of the busiest device, for every placement of a batch.

`P` placements, `G` groups, `D` devices of which the first `accelerators` communicate, `Q` outputs,
`R` readers of outputs. objectives.py says what a load is.
"""

import numpy as np
import numpy.typing as npt

from apollo.arch.jit import kernel

Ints = npt.NDArray[np.int64]


@kernel
def max_load(
    # Placements:
    placements: Ints,  # [P, G]
    # Groups:
    compute_ns: Ints,  # [G, D]
    # Outputs:
    owner: Ints,  # [Q]
    transfer_ns: Ints,  # [Q]
    first: Ints,  # [Q + 1]
    reader: Ints,  # [R]
    # Devices:
    accelerators: int,
    # Out:
    load_ns_out: Ints,  # [P]
) -> None:
    """Writes the highest load of a device under every placement."""
    groups, devices = compute_ns.shape
    load = np.zeros(devices, dtype=np.int64)
    sent = np.zeros(devices, dtype=np.int64)  # the last output, by number from 1, sent to a device
    stamp = 0
    for number in range(len(placements)):
        device = placements[number]
        load[:] = 0
        for group in range(groups):
            load[device[group]] += compute_ns[group, device[group]]
        for output in range(len(owner)):
            stamp += 1
            home = device[owner[output]]
            leaves = False
            for entry in range(first[output], first[output + 1]):
                to = device[reader[entry]]
                if to == home or sent[to] == stamp:
                    continue
                sent[to] = stamp
                leaves = True
                if to < accelerators:
                    load[to] += transfer_ns[output]
            if leaves and home < accelerators:
                load[home] += transfer_ns[output]
        load_ns_out[number] = load.max()
