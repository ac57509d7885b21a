"""Latency of one sample, for every placement of a batch; objectives.py says what it is.

`P` placements, `G` groups, `V` nodes in topological order, `E` edges by source and by target.
A device of number `accelerators` or more is a CPU, whose nodes never wait for each other.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from apollo.arch.jit import bare_inlined, bare_kernel

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
    free_ns: Ints  # [accelerators] finish of the last piece
    head: Ints  # [accelerators] the first node of an accelerator that has not run, or NONE
    next: Ints  # [V] the one behind it, in topological order, or NONE
    counts: Ints  # [3]


NOT_YET, NONE = -1, -1
PIECES, READY, FIRST_LEFT = 0, 1, 2  # entries of `counts`


@bare_inlined
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


@bare_inlined
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


@bare_inlined
def _run_piece(n: Nodes, s: State, device: int, piece: int) -> None:
    """The marked nodes of an accelerator as one: inputs in, all of them, outputs out."""
    start, work = s.free_ns[device], 0
    node = s.head[device]
    while node != NONE:
        if s.piece[node] == piece:
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
        node = s.next[node]
    s.free_ns[device] = start + work
    _end_piece(n, s, device, piece)


@bare_inlined
def _end_piece(n: Nodes, s: State, device: int, piece: int) -> None:
    """Its outputs are there, and only the other nodes are left."""
    node, last = s.head[device], NONE
    while node != NONE:
        after = s.next[node]
        if s.piece[node] == piece:
            s.finish_ns[node] = s.free_ns[device]
            _arrive(n, s, node)
            if last == NONE:
                s.head[device] = after
            else:
                s.next[last] = after
        else:
            last = node
        node = after


@bare_inlined
def _mark_rest(s: State, device: int) -> int:
    """All nodes of an accelerator that are left become a piece; its number."""
    s.counts[PIECES] += 1
    node = s.head[device]
    while node != NONE:
        s.piece[node] = s.counts[PIECES]
        node = s.next[node]
    return s.counts[PIECES]


@bare_inlined
def _mark_part(n: Nodes, s: State, device: int) -> int:
    """Those that wait for no other device become a piece; its number."""
    s.counts[PIECES] += 1
    piece = s.counts[PIECES]
    node = s.head[device]
    while node != NONE:
        waits = False
        for edge in range(n.first_input[node], n.first_input[node + 1]):
            source = n.source[edge]
            waits |= s.finish_ns[source] == NOT_YET and s.piece[source] != piece
        if not waits:
            s.piece[node] = piece
        node = s.next[node]
    return piece


@bare_inlined
def _prepare(n: Nodes, s: State, placement: Ints) -> None:
    """Nodes on their devices, nothing run."""
    accelerators, nodes = len(s.waits), len(n.group)
    for device in range(accelerators):
        s.waits[device], s.free_ns[device], s.head[device] = 0, 0, NONE
    s.counts[READY], s.counts[FIRST_LEFT] = 0, 0
    for node in range(nodes - 1, -1, -1):
        device = min(placement[n.group[node]], accelerators)
        s.device[node] = device
        s.finish_ns[node] = NOT_YET
        if device < accelerators:
            s.next[node], s.head[device] = s.head[device], node
            for edge in range(n.first_input[node], n.first_input[node + 1]):
                s.waits[device] += placement[n.group[n.source[edge]]] != device
            continue
        s.missing[node] = n.first_input[node + 1] - n.first_input[node]
        if s.missing[node] == 0:
            s.ready[s.counts[READY]] = node
            s.counts[READY] += 1


@bare_inlined
def _run_all(n: Nodes, s: State) -> int:
    """Runs everything; how many pieces beyond one were needed, over all accelerators."""
    extra = 0
    while True:
        _run_cpu(n, s)
        ran, left = False, False
        for device in range(len(s.waits)):
            if s.head[device] == NONE:
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


@bare_kernel
def latency(
    # Placements:
    placements: Ints,  # [P, G]
    # Graph:
    n: Nodes,
    # Scratch:
    s: State,
    # Out:
    latency_ns_out: Ints,  # [P]
    extra_pieces_out: Ints,  # [P]
) -> None:
    """Writes the latency of every placement, and how many times an accelerator had to be split."""
    for number in range(len(placements)):
        _prepare(n, s, placements[number])
        extra_pieces_out[number] = _run_all(n, s)
        latest = 0
        for node in range(len(n.group)):
            latest = max(latest, s.finish_ns[node])
        latency_ns_out[number] = latest
