"""Smaller tiles of parameters change nothing but tiles; they are kept where that is sooner."""

import numpy as np
import pytest

from apollo.arch.accelerator import load_design
from apollo.compiler.kernels.parameters import FREE
from apollo.compiler.kernels.retiling import retile
from apollo.compiler.kernels.workspace import workspace
from apollo.compiler.lower import lower
from apollo.compiler.mapping import Mapper, units_of
from apollo.compiler.pipeline import compile_network
from apollo.compiler.tables import MAPS, Map
from apollo.workloads.catalogue import load_model

# What tiles are, what follows from them, and where partial sums go.
_OF_TILES = {
    Map.TILE_CHANNELS,
    Map.CHANNEL_TILES,
    Map.TILE_INPUTS,
    Map.INPUT_TILES,
    Map.TILE_BYTES,
    Map.LOAD_BYTES,
    Map.STEPS,
    Map.PARTIAL_BYTES,
    Map.PARTIAL_ADDRESS,
    Map.INSTRUCTION_BYTES,
    Map.CYCLES,
}
NETWORK = lower(load_model("mobilenet_v1_1.0_128", 1).graph)
DESIGN = load_design("edge_tpu_v1")


def _retiled(share: int, forced: np.ndarray | None = None) -> tuple[int, np.ndarray, np.ndarray]:
    """Nests with smaller tiles, the mapping as found and with them."""
    units = units_of(DESIGN)
    if forced is None:
        forced = np.full((len(NETWORK.nests), MAPS), FREE)
    found = Mapper(DESIGN, units, 4).cheapest(NETWORK, forced, thorough=False)
    finer, space = found.mapping.copy(), workspace(len(NETWORK.tensors), 1, NETWORK.pairs, forced)
    nowhere = np.zeros_like(found.places)
    count = retile(NETWORK.nests, NETWORK.tensors, units, share, space, nowhere, finer)
    return count, found.mapping, finer


@pytest.mark.parametrize("share", [8, 16])
def test_only_tiles_change_and_are_no_larger_than_asked_for(share: int) -> None:
    count, before, after = _retiled(share)
    changed = (before != after).any(axis=1)
    assert count == changed.sum() > 0
    rest = [column for column in Map if column not in _OF_TILES]
    assert (before[:, rest] == after[:, rest]).all()
    weights = after[:, Map.TILE_CHANNELS] * (after[:, Map.TILE_INPUTS] + 8)
    assert (weights[changed] * share <= DESIGN.core_memory_bytes).all()


def test_what_somebody_has_fixed_stays() -> None:
    forced = np.full((len(NETWORK.nests), MAPS), FREE)
    _, before, after = _retiled(8)
    layer = int((before != after).any(axis=1).nonzero()[0][0])
    forced[layer, Map.TILE_CHANNELS] = before[layer, Map.TILE_CHANNELS]
    _, before, after = _retiled(8, forced)
    assert (before[layer] == after[layer]).all()


def test_more_stays_where_that_is_sooner() -> None:
    plain = Mapper(DESIGN, units_of(DESIGN), 4)
    forced = np.full((len(NETWORK.nests), MAPS), FREE)
    quick = plain.cheapest(NETWORK, forced, thorough=False)
    mapping = compile_network(NETWORK, DESIGN).mapping
    kept = (mapping[:, Map.RESIDENT] * mapping[:, Map.CORE_BYTES]).sum()
    assert kept > (quick.mapping[:, Map.RESIDENT] * quick.mapping[:, Map.CORE_BYTES]).sum()
