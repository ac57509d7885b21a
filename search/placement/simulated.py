"""What operators take on a design of an accelerator, by the simulator."""

from apollo.arch.cluster import Device
from apollo.search.placement.graph import OperatorGraph
from apollo.search.placement.problem import Ints


def simulated_ns(graph: OperatorGraph, device: Device) -> Ints:
    """[N] What every operator takes on a device that is a design; 0 where it cannot run it."""
    raise NotImplementedError
