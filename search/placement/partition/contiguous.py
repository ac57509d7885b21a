"""Contiguous splits of least max-load: the paper's dynamic program, over all ideals or a line.

Over all ideals the split is the best of all whose parts can be run one after another. Over those
of one topological order it is the best of that order: at once, and often nearly as good; its
max-load is the bound with which the other one leaves parts out.
"""

import math

import numpy as np

from apollo.search.placement.partition.graph import PartitionGraph
from apollo.search.placement.partition.ideals import (
    LIMIT,
    Ideals,
    all_ideals,
    linear_ideals,
    precedence,
)
from apollo.search.placement.partition.kernels.chain import (
    NEVER,
    NONE,
    Chains,
    Covers,
    Groups,
    Part,
    best_chain,
)
from apollo.search.placement.partition.leaves import merge_leaves
from apollo.search.placement.partition.outputs import outputs_of
from apollo.search.placement.problem import Ints


def place_linear(graph: PartitionGraph) -> Ints:
    """[G] The best split along one topological order, for max-load.

    Raises `ValueError` when none fits in memory.
    """
    merged, number = merge_leaves(graph)
    found = _place(merged, linear_ideals(precedence(merged)), NEVER - 1)
    if found is None:
        raise ValueError(f"No split of '{graph.name}' along its order fits on its devices.")
    return found[0][number]


def place_contiguous(graph: PartitionGraph, limit: int = LIMIT) -> Ints:
    """[G] The best contiguous split, for max-load.

    Raises `ValueError` when there are more ideals than the limit or no split fits in memory.
    """
    merged, number = merge_leaves(graph)
    flow = precedence(merged)
    ideals = all_ideals(flow, limit)
    along = _place(merged, linear_ideals(flow), NEVER - 1)
    better = _place(merged, ideals, along[1] - 1 if along else NEVER - 1)
    if not (found := better or along):
        raise ValueError(f"No contiguous split of '{graph.name}' fits on its devices.")
    return found[0][number]


def _place(graph: PartitionGraph, ideals: Ideals, bound_ns: int) -> tuple[Ints, int] | None:
    """The best split and its max-load, if one is within the bound."""
    shape = (len(ideals.first) - 1, graph.accelerators + 1, graph.cpus + 1)
    chains = Chains(*(np.full(shape, blank, dtype=np.int64) for blank in (NEVER, 0, 0)))
    chains.best_ns[0, 0, 0] = 0
    groups, covers = _groups_of(graph), Covers(ideals.first, ideals.group, ideals.above)
    left_ns, room_ns = ideals.left_of(groups.accelerator_ns), _room_ns(graph, bound_ns)
    part = _no_part(shape[0], graph.groups, len(groups.owner))
    best_chain(covers, groups, left_ns, graph.accelerator_bytes, bound_ns, room_ns, part, chains)
    load_ns = int(chains.best_ns[-1].min())
    if load_ns > bound_ns:
        return None
    used, cores = (int(count) for count in np.argwhere(chains.best_ns[-1] == load_ns)[0])
    placement: Ints = np.zeros(graph.groups, dtype=np.int64)
    ideal = shape[0] - 1
    while ideal:
        base, is_cpu = (
            int(column[ideal, used, cores]) for column in (chains.before, chains.by_cpu)
        )
        device = graph.accelerators + cores - 1 if is_cpu else used - 1
        placement[sorted(ideals.members(ideal) - ideals.members(base))] = device
        ideal, used, cores = base, used - 1 + is_cpu, cores - is_cpu
    return placement, load_ns


def _no_part(ideals: int, groups: int, outputs: int) -> Part:
    lengths = (outputs, 5, ideals, groups + 1, groups + 1)
    reading, total, seen, *way = (np.zeros(length, dtype=np.int64) for length in lengths)
    return Part(np.zeros(groups, dtype=np.bool_), reading, total, seen + NONE, *way)


def _room_ns(graph: PartitionGraph, bound_ns: int) -> Ints:
    """[K + 1, L + 1] Time on accelerators for which the devices not used have room at most."""
    accelerator_ns, cpu_ns = graph.of_groups(graph.accelerator_ns), graph.of_groups(graph.cpu_ns)
    pairs = zip(accelerator_ns.tolist(), cpu_ns.tolist(), strict=True)
    ratios = [fast / slow if slow else math.inf for fast, slow in pairs if fast]
    total_ns = int(accelerator_ns.sum())
    accelerator_room = min(bound_ns, total_ns)
    ratio = max(ratios, default=0.0)
    cpu_room = total_ns if math.isinf(ratio) else math.ceil(min(ratio * bound_ns, total_ns))
    room = [
        [unused * accelerator_room + idle * cpu_room for idle in range(graph.cpus, -1, -1)]
        for unused in range(graph.accelerators, -1, -1)
    ]
    return np.array(room, dtype=np.int64)


def _groups_of(graph: PartitionGraph) -> Groups:
    outputs = outputs_of(graph)
    by_owner = np.argsort(outputs.owner, kind="stable")
    counts = np.diff(outputs.first)
    output_of_reader = np.repeat(np.argsort(by_owner), counts)
    by_reader = np.argsort(outputs.reader, kind="stable")
    counted = np.arange(graph.groups + 1)
    return Groups(
        accelerator_ns=graph.of_groups(graph.accelerator_ns),
        cpu_ns=graph.of_groups(graph.cpu_ns),
        size_bytes=graph.of_groups(graph.size_bytes),
        supported=graph.supported,
        first_owned=np.searchsorted(outputs.owner[by_owner], counted),
        transfer_ns=outputs.transfer_ns[by_owner],
        readers=counts[by_owner],
        owner=outputs.owner[by_owner],
        first_read=np.searchsorted(outputs.reader[by_reader], counted),
        read=output_of_reader[by_reader],
    )
