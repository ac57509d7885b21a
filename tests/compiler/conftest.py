import pytest

from apollo.arch.accelerator import lane_presets
from apollo.compiler.errors import DoesNotFit
from apollo.compiler.pipeline import compile_network
from tests.compiler.checks import QUICK, SLOW, corner_designs, network, random_designs


def _compiled(names, designs):
    found = []
    for design in designs:
        for name in names:
            try:
                found.append(compile_network(network(name), design))
            except DoesNotFit:
                continue
    return found


@pytest.fixture(scope="session", params=["few", pytest.param("many", marks=pytest.mark.slow)])
def compiled_networks(request):
    """Networks on the ends of the space, presets and random designs, where they fit."""
    few = request.param == "few"
    designs = corner_designs() + lane_presets()
    return _compiled(QUICK if few else SLOW, designs + random_designs(12 if few else 150, seed=7))
