"""Latency of one sample, for every placement of a batch; objectives.py says what it is.

`P` placements, `G` groups, `V` nodes in topological order, `E` edges by source and by target.
A device of number `accelerators` or more is a CPU, whose nodes never wait for each other.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from apollo.arch.jit import inlined, kernel

Ints = npt.NDArray[np.int64]


class Nodes(NamedTuple):
    """The graph."""

    group: Ints  # [V]
    accelerator_ns: Ints  # [V]
    cpu_ns: Ints  # [V]
    output_ns: Ints  # [V]
    first_input: Ints  # [V + 1]
    source: Ints  # [E] by target
    first_reader: Ints  # [V + 1]
    target: Ints  # [E] by source


class State(NamedTuple):
    """How far a placement has come."""

    device: Ints  # [V]
    piece: Ints  # [V] number of the piece of work that a node runs in
    fetched: Ints  # [V] the last piece that fetched the output of a node
    finish_ns: Ints  # [V] the output is in the memory of the host, or NOT_YET
    missing: Ints  # [V] inputs of a node on a CPU that are not there yet
    ready: Ints  # [V] stack of nodes that a CPU can run
    waits: Ints  # [accelerators] inputs from elsewhere that are not there yet
    left: Ints  # [accelerators] nodes that have not run
    free_ns: Ints  # [accelerators] finish of the last piece
    member: Ints  # [V] nodes by device, in topological order
    first_member: Ints  # [accelerators + 2]
    counts: Ints  # [3]


NOT_YET = -1
PIECES, READY, FIRST_LEFT = 0, 1, 2  # entries of `counts`


@inlined
def _arrive(n: Nodes, s: State, node: int) -> None:
    """Its output is there: tell the readers elsewhere."""
    accelerators = len(s.waits)
    for edge in range(n.first_reader[node], n.first_reader[node + 1]):
        reader = n.target[edge]
        to = s.device[reader]
        if to < accelerators:
            if to != s.device[node]:
                s.waits[to] -= 1
            continue
        s.missing[reader] -= 1
        if s.missing[reader] == 0:
            s.ready[s.counts[READY]] = reader
            s.counts[READY] += 1


@inlined
def _run_cpu(n: Nodes, s: State) -> None:
    """All nodes that CPUs can run now."""
    while s.counts[READY] > 0:
        s.counts[READY] -= 1
        node = s.ready[s.counts[READY]]
        start = 0
        for edge in range(n.first_input[node], n.first_input[node + 1]):
            start = max(start, s.finish_ns[n.source[edge]])
        s.finish_ns[node] = start + n.cpu_ns[node]
        _arrive(n, s, node)


@inlined
def _run_piece(n: Nodes, s: State, device: int, piece: int) -> None:
    """The marked nodes of an accelerator as one: inputs in, all of them, outputs out."""
    start, work = s.free_ns[device], 0
    first, end = s.first_member[device], s.first_member[device + 1]
    for entry in range(first, end):
        node = s.member[entry]
        if s.piece[node] != piece:
            continue
        work += n.accelerator_ns[node]
        for edge in range(n.first_input[node], n.first_input[node + 1]):
            source = n.source[edge]
            if s.piece[source] != piece and s.fetched[source] != piece:
                s.fetched[source] = piece
                start = max(start, s.finish_ns[source])
                work += n.output_ns[source]
        for edge in range(n.first_reader[node], n.first_reader[node + 1]):
            if s.piece[n.target[edge]] != piece:
                work += n.output_ns[node]
                break
    s.free_ns[device] = start + work
    for entry in range(first, end):
        node = s.member[entry]
        if s.piece[node] == piece:
            s.finish_ns[node] = start + work
            s.left[device] -= 1
            _arrive(n, s, node)


@inlined
def _mark_rest(s: State, device: int) -> int:
    """All nodes of an accelerator that have not run become a piece; its number."""
    s.counts[PIECES] += 1
    for entry in range(s.first_member[device], s.first_member[device + 1]):
        if s.finish_ns[s.member[entry]] == NOT_YET:
            s.piece[s.member[entry]] = s.counts[PIECES]
    return s.counts[PIECES]


@inlined
def _mark_part(n: Nodes, s: State, device: int) -> int:
    """The nodes that wait for no other device become a piece; its number."""
    s.counts[PIECES] += 1
    piece = s.counts[PIECES]
    for entry in range(s.first_member[device], s.first_member[device + 1]):
        node = s.member[entry]
        waits = s.finish_ns[node] != NOT_YET
        for edge in range(n.first_input[node], n.first_input[node + 1]):
            source = n.source[edge]
            waits |= s.finish_ns[source] == NOT_YET and s.piece[source] != piece
        if not waits:
            s.piece[node] = piece
    return piece


@inlined
def _prepare(n: Nodes, s: State, placement: Ints) -> None:
    """Nodes on their devices, nothing run."""
    accelerators, nodes = len(s.waits), len(n.group)
    s.waits[:], s.left[:], s.free_ns[:], s.first_member[:] = 0, 0, 0, 0
    s.finish_ns[:] = NOT_YET
    s.counts[READY], s.counts[FIRST_LEFT] = 0, 0
    for node in range(nodes):
        device = min(placement[n.group[node]], accelerators)
        s.device[node] = device
        s.first_member[device + 1] += 1
        if device < accelerators:
            s.left[device] += 1
        s.missing[node] = n.first_input[node + 1] - n.first_input[node]
        for edge in range(n.first_input[node], n.first_input[node + 1]):
            if device < accelerators and s.device[n.source[edge]] != device:
                s.waits[device] += 1
        if device == accelerators and s.missing[node] == 0:
            s.ready[s.counts[READY]] = node
            s.counts[READY] += 1
    for device in range(accelerators + 1):
        s.first_member[device + 1] += s.first_member[device]
    for node in range(nodes - 1, -1, -1):
        device = s.device[node]
        s.first_member[device + 1] -= 1
        s.member[s.first_member[device + 1]] = node
    for device in range(accelerators + 1):
        s.first_member[device] = s.first_member[device + 1]
    s.first_member[accelerators + 1] = nodes


@inlined
def _run_all(n: Nodes, s: State) -> int:
    """Runs everything; how many pieces beyond one were needed, over all accelerators."""
    accelerators, extra = len(s.waits), 0
    while True:
        _run_cpu(n, s)
        ran, left = False, False
        for device in range(accelerators):
            if s.left[device] == 0:
                continue
            left = True
            if s.waits[device] == 0:
                _run_piece(n, s, device, _mark_rest(s, device))
                ran = True
        if not left:
            return extra
        if ran:
            continue
        while s.finish_ns[s.counts[FIRST_LEFT]] != NOT_YET:
            s.counts[FIRST_LEFT] += 1
        device = s.device[s.counts[FIRST_LEFT]]
        _run_piece(n, s, device, _mark_part(n, s, device))
        extra += 1


@kernel
def latency(
    # Placements:
    placements: Ints,  # [P, G]
    # Graph:
    n: Nodes,
    # Devices:
    accelerators: int,
    # Out:
    latency_ns_out: Ints,  # [P]
    extra_pieces_out: Ints,  # [P]
) -> None:
    """Writes the latency of every placement, and how many times an accelerator had to be split."""
    nodes = len(n.group)
    s = State(
        np.zeros(nodes, dtype=np.int64),
        np.zeros(nodes, dtype=np.int64),
        np.zeros(nodes, dtype=np.int64),
        np.zeros(nodes, dtype=np.int64),
        np.zeros(nodes, dtype=np.int64),
        np.zeros(nodes, dtype=np.int64),
        np.zeros(accelerators, dtype=np.int64),
        np.zeros(accelerators, dtype=np.int64),
        np.zeros(accelerators, dtype=np.int64),
        np.zeros(nodes, dtype=np.int64),
        np.zeros(accelerators + 2, dtype=np.int64),
        np.zeros(3, dtype=np.int64),
    )
    for number in range(len(placements)):
        _prepare(n, s, placements[number])
        extra_pieces_out[number] = _run_all(n, s)
        latency_ns_out[number] = s.finish_ns.max()
