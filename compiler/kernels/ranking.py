"""The best continuations of a nest: what each is worth, and the few that are kept."""

import numpy as np
import numpy.typing as npt

from apollo.arch.jit import bare_inlined, bare_kernel
from apollo.compiler.kernels.clock import BUSY, PASSED, PRICE_BITS, Time
from apollo.compiler.kernels.rows import copy_row
from apollo.compiler.kernels.workspace import KEY, SCORE, STATE

Ints = npt.NDArray[np.int64]

IMPOSSIBLE = 1 << 60  # a score


@bare_inlined
def weigh(done: int, moved: int, is_last: bool) -> int:
    """The score of being done and of having moved all at some time."""
    return 18 * done if is_last else max(done, moved) * 16 + done + moved


@bare_inlined
def cost_of(ring: int, busy: int, price: Ints) -> int:
    """What following inferences take because of bytes of parameters and of computing."""
    return ring * price[PASSED] + busy * price[BUSY] >> PRICE_BITS


@bare_inlined
def score_of(t: Ints, ahead: Ints, stored: int, price: Ints, is_last: bool) -> int:
    """When the network may end at the earliest; among equals, the more that is done.

    What passes through core memory has a price: the less it is, the more can stay there.
    """
    done = max(t[Time.END], t[Time.STORED]) + ahead[0]
    # What is stored will be read again.
    moved = t[Time.CHANNEL] + ahead[1] + stored
    return weigh(done, moved, is_last) + cost_of(t[Time.RING], t[Time.BUSY], price)


@bare_inlined
def limit_of(key: int, entries: int, best: Ints) -> int:
    """The score below which a continuation is entered among the best."""
    worst = IMPOSSIBLE if entries < len(best) else 0
    for i in range(entries):
        if best[i, KEY] == key:
            return best[i, SCORE]
        worst = max(worst, best[i, SCORE])
    return worst


@bare_kernel
def insert(
    # The continuation:
    key: int,
    score: int,
    state: int,
    m: Ints,
    t: Ints,
    # The best so far:
    entries: int,
    best: Ints,
    best_map: Ints,
    best_time: Ints,
) -> int:
    """Enter a continuation among the best, one a key; how many there are."""
    slot = -1
    for i in range(entries):
        if best[i, KEY] == key:
            slot = i
            break
    if slot < 0 and entries < len(best):
        slot = entries
        entries += 1
        best[slot, SCORE] = IMPOSSIBLE
    if slot < 0:
        slot = 0
        for i in range(1, entries):
            if best[i, SCORE] > best[slot, SCORE]:
                slot = i
    if score < best[slot, SCORE]:
        best[slot, KEY], best[slot, SCORE], best[slot, STATE] = key, score, state
        copy_row(m, best_map[slot])
        copy_row(t, best_time[slot])
    return entries
