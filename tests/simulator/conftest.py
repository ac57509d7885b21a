from collections.abc import Callable
from functools import partial

import pytest

from apollo.arch.accelerator import Accelerator
from apollo.arch.program import Program
from apollo.simulator import engine, reference
from apollo.simulator.timeline import Timeline

Simulate = Callable[[Program, Accelerator], Timeline]


@pytest.fixture(
    params=[reference.simulate, engine.simulate, partial(engine.simulate, skip=False)],
    ids=["reference", "kernel", "kernel_without_skips"],
)
def simulate(request: pytest.FixtureRequest) -> Simulate:
    """Every implementation of the machine."""
    implementation: Simulate = request.param
    return implementation
