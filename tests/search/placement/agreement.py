"""Whether the kernel and the reference say the same of a placed graph."""

from collections.abc import Sequence

import numpy as np

from apollo.search.placement.instance import Instance
from apollo.search.placement.step import Simulator
from tests.search.placement.reference import reference_of


def assert_agree(instance: Instance, placement: Sequence[int]) -> None:
    reference = reference_of(instance, placement)
    step = Simulator(instance).run(np.array(placement, np.int64))
    operators = range(len(instance.graph.names))
    assert step.device.tolist() == reference.device
    assert step.start_ns.tolist() == [reference.start_ns[o] for o in operators]
    assert step.finish_ns.tolist() == [reference.finish_ns[o] for o in operators]
    transfers = zip(
        step.transfers.operator.tolist(),
        step.transfers.target.tolist(),
        step.transfers.start_ns.tolist(),
        step.transfers.left_ns.tolist(),
        strict=True,
    )
    wanted = [(sent.operator, sent.target, sent.start_ns, sent.left_ns) for sent in reference.sent]
    assert list(transfers) == wanted
    assert step.step_ns == reference.step_ns
    assert step.peak_bytes.tolist() == [reference.peak_bytes[d] for d in reference.devices]
    assert step.overflow_bytes == reference.overflow_bytes
