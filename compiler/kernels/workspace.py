"""What the search for a mapping remembers: columns that are made once for a network and a width."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from apollo.compiler.kernels.candidates import CHOICES, FORMS
from apollo.compiler.kernels.clock import PRICES, TIMES, WORK
from apollo.compiler.kernels.parameters import FREE
from apollo.compiler.kernels.parts import VARIANTS
from apollo.compiler.tables import MAPS, PLACES, Resource

Ints = npt.NDArray[np.int64]

_CONTINUATIONS = 2  # kept for each state: some find no room in the end
_BLOCKS = 4  # of a nest in PE memory: source, second, destination, partial sums
KEY, SCORE, STATE = range(3)  # of an entry among the best


class Workspace(NamedTuple):
    """`B` states, `K` best continuations, `C` candidates of a nest."""

    pairs: Ints  # [P, PAIR_COLUMNS] of the network's weights
    forced: Ints  # [L, MAPS] or FREE
    is_forced: Ints  # [L] whether anything of a nest is
    places: Ints  # [2, B, T, PLACES] before a nest of even or odd number
    maps: Ints  # [L, B, MAPS]
    times: Ints  # [L, B, TIMES]
    parents: Ints  # [L, B] state of the nest before
    ahead: Ints  # [L, 2] least cycles of all nests behind: of computing, of the channel
    price: Ints  # [PRICES] of `clock.look_ahead`
    candidates: Ints  # [C, MAPS]
    works: Ints  # [C, WORK]
    best: Ints  # [K, 3]
    best_map: Ints  # [K, MAPS]
    best_time: Ints  # [K, TIMES]
    live: Ints  # [T] tensors that are in use
    taken: Ints  # [T + blocks, 2] first byte and end in PE memory
    map: Ints  # [MAPS] scratch
    time: Ints  # [TIMES]
    work: Ints  # [WORK]
    demand: Ints  # [RESOURCES] least amounts that were refused


def workspace(tensors: int, width: int, pairs: Ints, forced: Ints) -> Workspace:
    """Empty columns for a search that keeps `width` states."""
    best = _CONTINUATIONS * width
    candidates = FORMS * CHOICES * (VARIANTS + width) + 1
    layers = len(forced)
    return Workspace(
        pairs,
        forced,
        (forced != FREE).any(axis=1).astype(np.int64),
        np.zeros((2, width, tensors, PLACES), np.int64),
        np.empty((layers, width, MAPS), np.int64),
        np.empty((layers, width, TIMES), np.int64),
        np.zeros((layers, width), np.int64),
        np.empty((layers, 2), np.int64),
        np.empty(PRICES, np.int64),
        np.zeros((candidates, MAPS), np.int64),
        np.empty((candidates, WORK), np.int64),
        np.empty((best, 3), np.int64),
        np.empty((best, MAPS), np.int64),
        np.empty((best, TIMES), np.int64),
        np.empty(tensors, np.int64),
        np.empty((tensors + _BLOCKS, 2), np.int64),
        np.zeros(MAPS, np.int64),
        np.zeros(TIMES, np.int64),
        np.zeros(WORK, np.int64),
        np.zeros(len(Resource), np.int64),
    )
