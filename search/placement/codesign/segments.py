"""What chips run one behind the other where a placement interleaves them.

A chip can run without waiting what reads nothing of other chips that has not arrived yet. So an
operator's round is the greatest of its inputs' rounds, one more for an input from another chip, and
a *segment* is what a chip runs in a round: one program, begun when all that it reads is there. No
two segments wait for each other, as edges between chips lead to later rounds.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from apollo.search.placement.codesign.owners import owners_of, representatives
from apollo.search.placement.graph import OperatorGraph
from apollo.search.placement.graphs.draft import HELD
from apollo.search.placement.problem import Ints
from apollo.workloads.graph import Graph


@dataclass(frozen=True)
class Segment:
    """Operators of the network that a chip runs as one program."""

    device: int
    round: int
    operators: tuple[str, ...]


def segments_of(graph: OperatorGraph, placement: Ints) -> list[Segment]:
    """The segments of a placement [G], by rounds and devices; each operator is in one.

    Raises `ValueError`, one sentence, when the graph is of no network, or places parts of one of
    its operators on several devices.
    """
    network = graph.network
    if network is None:
        raise ValueError(f"Operator graph '{graph.name}' is of no network that could be cut.")
    devices = _devices(graph, network, placement)
    rounds: dict[str, int] = {}
    found: dict[tuple[int, int], list[str]] = {}
    for item in network.operators:
        producers = [network.producer(name) for name in item.inputs]
        rounds[item.name] = max(
            (
                rounds[producer.name] + (devices[producer.name] != devices[item.name])
                for producer in producers
                if producer is not None
            ),
            default=0,
        )
        place = rounds[item.name], devices[item.name]
        found.setdefault(place, []).append(item.name)
    return [
        Segment(device, number, tuple(found[number, device])) for number, device in sorted(found)
    ]


def _devices(graph: OperatorGraph, network: Graph, placement: Ints) -> Mapping[str, int]:
    """The device of every operator of the network, by name."""
    devices: dict[str, int] = {}
    for number, owner in enumerate(owners_of(graph)):
        if owner is None or graph.kinds[number] in HELD:
            continue
        device = int(placement[graph.group[number]])
        if devices.setdefault(owner.operator, device) != device:
            raise ValueError(
                f"Operator graph '{graph.name}': parts of operator '{owner.operator}' are on "
                f"several devices, and a chip must run it as a whole."
            )
    stands = representatives(network, devices)
    return {
        item.name: devices[stands[item.name]] if item.name in stands else 0
        for item in network.operators
    }
