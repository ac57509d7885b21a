"""Graphs whose best placement is known, to test those who place.

Work is in operations, on equal devices that do one a nanosecond and start operators at no cost; no
operator reads or writes memory that would take time. The proofs are one line each.
"""

from dataclasses import dataclass

import numpy as np

from apollo.search.placement.graph import OperatorGraph
from apollo.search.placement.graphs.draft import Draft, Tensor
from apollo.search.placement.problem import Ints

KIND = "FullyConnected"


@dataclass(frozen=True)
class Known:
    """A graph and its optimum.

    Attributes:
        graph: to place, every operator a group of its own.
        step_ns: the least time of a step.
        placement: [G] one that takes just that.

    """

    graph: OperatorGraph
    step_ns: int
    placement: Ints


def chain(length: int, seed: int, output_bytes: int = 1) -> Known:
    """One operator after the other: nothing can run at once, so one device is best."""
    draft = Draft("chain")
    reads: list[Tensor] = []
    work = np.random.default_rng(seed).integers(1, 1000, length)
    for number, operations in enumerate(work):
        reads = [_operator(draft, f"operator{number}", reads, int(operations), output_bytes)]
    return Known(draft.graph(), int(work.sum()), np.zeros(length, dtype=np.int64))


def chains(count: int, length: int, devices: int, seed: int, output_bytes: int = 1) -> Known:
    """Chains of equal work, as many for each device: all devices work all the time.

    Raises `ValueError` if the devices cannot have the same number of them.
    """
    if count % devices:
        raise ValueError(f"Chains must be a multiple of {devices} devices, not {count}.")
    generator, draft = np.random.default_rng(seed), Draft("chains")
    total = 1000 * length
    for number in range(count):
        reads: list[Tensor] = []
        for index, work in enumerate(_parts(generator, total, length)):
            label = f"chain{number}/operator{index}"
            reads = [_operator(draft, label, reads, work, output_bytes)]
    placement = np.repeat(np.arange(count) % devices, length)
    return Known(draft.graph(), total * count // devices, placement)


def loads(count: int, devices: int, seed: int) -> Known:
    """Operators that read nothing, cut from one equal load for each device, and shuffled.

    The devices work all the time. To find how is number partitioning.
    """
    generator, draft, total = np.random.default_rng(seed), Draft("loads"), 1000 * count
    shares = [
        (work, device)
        for device, part in enumerate(np.array_split(np.arange(count), devices))
        for work in _parts(generator, total, len(part))
    ]
    order = generator.permutation(count)
    for number, index in enumerate(order):
        _operator(draft, f"operator{number}", [], shares[index][0], 1)
    placement = np.array([shares[index][1] for index in order], dtype=np.int64)
    return Known(draft.graph(), total, placement)


def fork_join(branches: int, operations: int, transfer_ns: int) -> Known:
    """A fork, equal branches, and a join, on two devices; the ends do as much as a branch.

    Transfers run beside the work and do not wait, as none takes longer than a branch. Let `k`
    branches run where the fork does not. The join begins at the least of two terms: beside the fork
    at max((branches - k) * operations, 2 * transfer_ns + k * operations) after its end, the second
    part for k > 0; on the other device at transfer_ns + max((branches - k), k) * operations.

    Raises `ValueError` if a transfer takes longer than a branch.
    """
    if not 0 < transfer_ns <= operations:
        raise ValueError(f"A transfer must take 1 to {operations} ns, not {transfer_ns}.")
    draft = Draft("fork_join")
    fork = _operator(draft, "fork", [], operations, 1)
    reads = [
        _operator(draft, f"branch{number}", [fork], operations, 1) for number in range(branches)
    ]
    _operator(draft, "join", reads, operations, 1)

    def begins_ns(choice: tuple[int, int]) -> int:
        """When the join begins, after the fork's end."""
        away, join = choice
        here, there = (branches - away) * operations, away * operations
        if join:
            return transfer_ns + max(here, there)
        return max(here, there + 2 * transfer_ns if away else 0)

    choices = [(away, join) for away in range(branches + 1) for join in (0, 1)]
    away, join = min(choices, key=begins_ns)
    placement = np.array([0] + [1] * away + [0] * (branches - away) + [join], dtype=np.int64)
    return Known(draft.graph(), 2 * operations + begins_ns((away, join)), placement)


def _operator(
    draft: Draft, name: str, reads: list[Tensor], operations: int, output_bytes: int
) -> Tensor:
    return draft.add(name, KIND, reads, output_bytes, operations, traffic_bytes=0)


def _parts(generator: np.random.Generator, total: int, count: int) -> list[int]:
    """So many positive integers of that sum, at random."""
    cuts = np.sort(generator.choice(np.arange(1, total), count - 1, replace=False))
    return [int(part) for part in np.diff(np.concatenate(([0], cuts, [total])))]
