"""The step time of placed graphs, event by event (docs/placement.md, P1 to P9).

`N` operators, `E` edges, `T` transfers at most (one an edge), `G` groups, `D` devices, `C`
channels, `P` placements. Only devices, channels and the earliest arrival have a next event, so it
is found by looking at all of them; ready operators wait in a heap a device, transfers in a list a
channel.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from apollo.arch.jit import bare_inlined, bare_kernel

Ints = npt.NDArray[np.int64]

NEVER = 1 << 62
NONE = -1


class Work(NamedTuple):
    """The graph and the cluster."""

    first: Ints  # [N + 1] edges of a producer
    consumer: Ints  # [E]
    sent_bytes: Ints  # [E]
    first_input: Ints  # [N + 1] edges of a consumer
    producer: Ints  # [E]
    group: Ints  # [N]
    parameter_bytes: Ints  # [N]
    output_bytes: Ints  # [N]
    rank: Ints  # [N] 0..N-1; decides among those that were ready at once, or alone
    operator_of_rank: Ints  # [N]
    is_fifo: int  # 1 where what was ready first starts first
    rank_bits: int  # that hold every rank: a shift is quicker than a division by N
    duration_ns: Ints  # [N, D] 0 where the device cannot run the operator
    channel: Ints  # [D, D]
    bytes_per_us: Ints  # [D, D]
    overhead_ns: Ints  # [D, D]
    latency_ns: Ints  # [D, D]
    memory_bytes: Ints  # [D]


class Run(NamedTuple):
    """A placement, and what happens; the last run's times remain to be read."""

    device: Ints  # [N]
    start_ns: Ints  # [N]
    finish_ns: Ints  # [N]
    missing: Ints  # [N] inputs that an operator waits for
    uses: Ints  # [N, D] what still needs a tensor on a device
    copy_bytes: Ints  # [N, D] of a tensor's copy
    ready: Ints  # [D, N] a heap a device: time, or 0, and the rank in the lowest bits
    is_ready: Ints  # [D] how many
    running: Ints  # [D] operator, or NONE
    until_ns: Ints  # [D] when it ends, or NEVER
    ended: Ints  # [D] operators that end now, in order
    used_bytes: Ints  # [D]
    peak_bytes: Ints  # [D]
    transfers: Ints  # [4] how many transfers there are, how many are under way to arrive; the order
    operator: Ints  # [T] whose tensor it is
    target: Ints  # [T] device
    leaves_from_ns: Ints  # [T] when it starts on its channel
    left_ns: Ints  # [T] when it leaves it
    following: Ints  # [T] the next of its channel's queue, or NONE
    head: Ints  # [C] first of the queue, which the channel carries while it is busy, or NONE
    tail: Ints  # [C]
    leaves_ns: Ints  # [C] when the channel's transfer leaves it, or NEVER where it is idle
    arriving: Ints  # [T] a heap: time * T + transfer


_COUNT, _ARRIVING = 0, 1


@bare_inlined
def _push(heap: Ints, count: int, key: int) -> None:
    """Add a key to a heap of `count`."""
    at = count
    while at > 0 and heap[(at - 1) >> 1] > key:
        heap[at] = heap[(at - 1) >> 1]
        at = (at - 1) >> 1
    heap[at] = key


@bare_inlined
def _pop(heap: Ints, count: int) -> int:
    """Take the least key of a heap of `count`."""
    least, last, end, at = heap[0], heap[count - 1], count - 1, 0
    while 2 * at + 1 < end:
        child = 2 * at + 1
        if child + 1 < end and heap[child + 1] < heap[child]:
            child += 1
        if heap[child] >= last:
            break
        heap[at] = heap[child]
        at = child
    heap[at] = last
    return int(least)


@bare_inlined
def _provide(w: Work, r: Run, operator: int, now_ns: int) -> None:
    """One more input of an operator is there."""
    r.missing[operator] -= 1
    if r.missing[operator] <= 0:
        device = r.device[operator]
        key = (w.is_fifo * now_ns << w.rank_bits) + w.rank[operator]
        _push(r.ready[device], r.is_ready[device], key)
        r.is_ready[device] += 1


@bare_inlined
def _release(w: Work, r: Run, operator: int, device: int) -> None:
    """One use less of a tensor on a device."""
    r.uses[operator, device] -= 1
    if r.uses[operator, device] == 0:
        is_own = r.device[operator] == device
        r.used_bytes[device] -= (
            w.output_bytes[operator] if is_own else r.copy_bytes[operator, device]
        )


@bare_inlined
def _take(r: Run, device: int, size_bytes: int) -> None:
    """Allocate on a device."""
    r.used_bytes[device] += size_bytes
    r.peak_bytes[device] = max(r.peak_bytes[device], r.used_bytes[device])


@bare_inlined
def _place(w: Work, r: Run, placement: Ints) -> bool:
    """Begin with a placement; False if a device cannot run its operators."""
    for device in range(len(r.running)):
        r.used_bytes[device] = 0
        r.is_ready[device] = 0
        r.running[device] = NONE
        r.until_ns[device] = NEVER
    for channel in range(len(r.head)):
        r.head[channel] = NONE
        r.leaves_ns[channel] = NEVER
    r.transfers[_COUNT] = 0
    r.transfers[_ARRIVING] = 0
    can = True
    for operator in range(len(r.device)):
        device = placement[w.group[operator]]
        r.device[operator] = device
        r.used_bytes[device] += w.parameter_bytes[operator]
        r.missing[operator] = w.first_input[operator + 1] - w.first_input[operator]
        can &= w.duration_ns[operator, device] > 0
    for device in range(len(r.peak_bytes)):
        r.peak_bytes[device] = r.used_bytes[device]
    return can


@bare_inlined
def _end(w: Work, r: Run, operator: int) -> None:
    """An operator ends: its inputs are free, its tensor has its uses."""
    device = r.device[operator]
    for edge in range(w.first_input[operator], w.first_input[operator + 1]):
        _release(w, r, w.producer[edge], device)
    for target in range(len(r.running)):
        r.uses[operator, target] = 0
        r.copy_bytes[operator, target] = 0
    for edge in range(w.first[operator], w.first[operator + 1]):
        target = r.device[w.consumer[edge]]
        if target != device and r.uses[operator, target] == 0:
            r.uses[operator, device] += 1  # the transfer
        r.uses[operator, target] += 1
        r.copy_bytes[operator, target] = max(r.copy_bytes[operator, target], w.sent_bytes[edge])
    if r.uses[operator, device] == 0:
        r.used_bytes[device] -= w.output_bytes[operator]


@bare_inlined
def _hand(w: Work, r: Run, operator: int, now_ns: int) -> None:
    """Give the tensor of an operator that has ended to those who read it."""
    device = r.device[operator]
    for target in range(len(r.running)):
        if target == device or r.uses[operator, target] == 0:
            continue
        transfer, channel = r.transfers[_COUNT], w.channel[device, target]
        r.transfers[_COUNT] += 1
        r.operator[transfer] = operator
        r.target[transfer] = target
        r.following[transfer] = NONE
        if r.head[channel] == NONE:
            r.head[channel] = transfer
        else:
            r.following[r.tail[channel]] = transfer
        r.tail[channel] = transfer
    for edge in range(w.first[operator], w.first[operator + 1]):
        if r.device[w.consumer[edge]] == device:
            _provide(w, r, w.consumer[edge], now_ns)


@bare_inlined
def _arrive(w: Work, r: Run, transfer: int, now_ns: int) -> None:
    """A tensor, or a word, arrives."""
    operator, target = r.operator[transfer], r.target[transfer]
    for edge in range(w.first[operator], w.first[operator + 1]):
        if r.device[w.consumer[edge]] == target:
            _provide(w, r, w.consumer[edge], now_ns)


@bare_inlined
def _ends(w: Work, r: Run, now_ns: int) -> int:
    """Phases 1 and 2: operators and transfers end, tensors arrive; how many operators ended."""
    ended = 0
    for device in range(len(r.running)):
        if r.until_ns[device] == now_ns:
            operator, at = r.running[device], ended
            while at > 0 and r.ended[at - 1] > operator:
                r.ended[at] = r.ended[at - 1]
                at -= 1
            r.ended[at] = operator
            ended += 1
            r.running[device] = NONE
            r.until_ns[device] = NEVER
            _end(w, r, operator)
    for channel in range(len(r.head)):
        if r.leaves_ns[channel] == now_ns:
            transfer = r.head[channel]
            r.head[channel] = r.following[transfer]
            r.leaves_ns[channel] = NEVER
            operator = r.operator[transfer]
            device = r.device[operator]
            _release(w, r, operator, device)
            latency = w.latency_ns[device, r.target[transfer]]
            if latency == 0:
                _arrive(w, r, transfer, now_ns)
            else:
                key = (now_ns + latency) * len(r.operator) + transfer
                _push(r.arriving, r.transfers[_ARRIVING], key)
                r.transfers[_ARRIVING] += 1
    while r.transfers[_ARRIVING] > 0 and r.arriving[0] // len(r.operator) == now_ns:
        key = _pop(r.arriving, r.transfers[_ARRIVING])
        r.transfers[_ARRIVING] -= 1
        _arrive(w, r, key % len(r.operator), now_ns)
    return ended


@bare_inlined
def _starts(w: Work, r: Run, now_ns: int) -> int:
    """Phases 4 and 5: idle channels and devices start what waits.

    Returns when something happens next; NEVER where all has ended.
    """
    least = np.int64(NEVER)
    for channel in range(len(r.head)):
        transfer = r.head[channel]
        if transfer != NONE and r.leaves_ns[channel] == NEVER:
            operator, target = r.operator[transfer], r.target[transfer]
            device, size = r.device[operator], r.copy_bytes[operator, target]
            sending = -(-1000 * size // w.bytes_per_us[device, target])
            left = now_ns + max(1, w.overhead_ns[device, target] + sending)
            r.leaves_from_ns[transfer] = now_ns
            r.left_ns[transfer] = left
            r.leaves_ns[channel] = left
            _take(r, target, size)
        least = min(least, r.leaves_ns[channel])
    for device in range(len(r.running)):
        if r.running[device] == NONE and r.is_ready[device] > 0:
            key = _pop(r.ready[device], r.is_ready[device])
            operator = w.operator_of_rank[key & ((1 << w.rank_bits) - 1)]
            r.is_ready[device] -= 1
            r.running[device] = operator
            r.start_ns[operator] = now_ns
            r.finish_ns[operator] = now_ns + w.duration_ns[operator, device]
            r.until_ns[device] = r.finish_ns[operator]
            _take(r, device, w.output_bytes[operator])
        least = min(least, r.until_ns[device])
    if r.transfers[_ARRIVING] > 0:
        least = min(least, r.arriving[0] // len(r.operator))
    return int(least)


@bare_kernel
def step_times(
    # Graph, cluster:
    w: Work,
    # Placements:
    placements: Ints,
    # Scratch; the last placement's times and peaks remain:
    r: Run,
    # Out:
    step_ns_out: Ints,  # [P] NEVER where a device cannot run its operators
    overflow_bytes_out: Ints,  # [P]
) -> None:
    """Run every placement [P, G]."""
    for p in range(len(placements)):
        step_ns_out[p] = NEVER
        overflow_bytes_out[p] = 0
        if not _place(w, r, placements[p]):
            continue
        now = 0
        for operator in range(len(r.device)):
            if r.missing[operator] == 0:
                _provide(w, r, operator, 0)
        while now < NEVER:
            step_ns_out[p] = now
            ended = _ends(w, r, now)
            for index in range(ended):
                _hand(w, r, r.ended[index], now)
            now = _starts(w, r, now)
        for device in range(len(r.running)):
            overflow_bytes_out[p] += max(0, r.peak_bytes[device] - w.memory_bytes[device])
