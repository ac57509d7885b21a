"""The two objectives in plain Python: slow, written from the text in partition/objectives.py."""

from collections import defaultdict

from apollo.search.placement.partition.graph import PartitionGraph

Placement = list[int]  # of nodes; a device from `accelerators` on is a CPU


def reference_max_load(graph: PartitionGraph, placement: Placement) -> int:
    """The load of the busiest device, in nanoseconds."""
    loads: dict[int, int] = defaultdict(int)
    for node, device in enumerate(placement):
        is_cpu = device >= graph.accelerators
        loads[device] += int((graph.cpu_ns if is_cpu else graph.accelerator_ns)[node])
    for device in set(placement):
        if device >= graph.accelerators:
            continue
        inside = {node for node, at in enumerate(placement) if at == device}
        loads[device] += _transfers_ns(graph, inside)
    return max(loads.values())


def reference_latency(graph: PartitionGraph, placement: Placement) -> tuple[int, int]:
    """The finish of one sample, in nanoseconds, and pieces beyond one of every accelerator."""
    finish: dict[int, int] = {}
    free: dict[int, int] = defaultdict(int)
    left, extra = set(range(len(placement))), 0
    while left:
        pieces = [
            piece for piece in _pieces(graph, placement, left) if not _waits(graph, piece, left)
        ]
        if not pieces:
            first = placement[min(left)]
            pieces = [_part(graph, {node for node in left if placement[node] == first}, left)]
            extra += 1
        for piece in pieces:
            device = placement[min(piece)]
            inputs = [source for source, target in _edges(graph) if target in piece]
            start = max((finish[source] for source in inputs if source not in piece), default=0)
            if device < graph.accelerators:
                work = sum(int(graph.accelerator_ns[node]) for node in piece)
                start = max(start, free[device])
                free[device] = end = start + work + _transfers_ns(graph, piece)
            else:
                end = start + sum(int(graph.cpu_ns[node]) for node in piece)
            finish.update(dict.fromkeys(piece, end))
            left -= piece
    return max(finish.values()), extra


def _edges(graph: PartitionGraph) -> list[tuple[int, int]]:
    return list(zip(graph.source.tolist(), graph.target.tolist(), strict=True))


def _transfers_ns(graph: PartitionGraph, inside: set[int]) -> int:
    """Outputs that cross the border of a set of nodes, each once a direction."""
    comes = {
        source for source, target in _edges(graph) if source not in inside and target in inside
    }
    goes = {source for source, target in _edges(graph) if source in inside and target not in inside}
    return sum(int(graph.output_ns[node]) for node in (*comes, *goes))


def _pieces(graph: PartitionGraph, placement: Placement, left: set[int]) -> list[set[int]]:
    """What is left as pieces of work: of an accelerator all, of CPUs every node by itself."""
    pieces: dict[tuple[int, int], set[int]] = defaultdict(set)
    for node in left:
        device = placement[node]
        pieces[device, node if device >= graph.accelerators else 0].add(node)
    return list(pieces.values())


def _waits(graph: PartitionGraph, piece: set[int], left: set[int]) -> bool:
    """Whether a piece of work reads what is left elsewhere."""
    return any(target in piece and source in left - piece for source, target in _edges(graph))


def _part(graph: PartitionGraph, piece: set[int], left: set[int]) -> set[int]:
    """The largest part of it that reads nothing that is left elsewhere."""
    while True:
        stuck = {node for node in piece if _waits(graph, {node}, left - (piece - {node}))}
        if not stuck:
            return piece
        piece = piece - stuck
