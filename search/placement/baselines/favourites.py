"""Favourite children, by the linear program of SCT.

C. Hanen, A. Munier, "An approximation algorithm for scheduling dependent tasks on m processors with
small communication delays" (ETFA 1995), as Baechi solves it (Jeon et al., SoCC 2020, section 3.3).
With x(i,j) = 0 where j is the favourite child of i, s the starts, p the durations, c the transfers:

    minimise w with  s(i) + p(i) <= w
                     s(i) + p(i) + c(i,j) x(i,j) <= s(j)         for every edge
                     sum over the consumers j of i of x(i,j) >= consumers of i - 1
                     sum over the producers i of j of x(i,j) >= producers of j - 1
                     0 <= x <= 1

The relaxation is rounded: j is the favourite child of i where x(i,j) is below 0.1.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import sparse
from scipy.optimize import linprog

from apollo.search.placement.baselines.earliest_first import Favourites
from apollo.search.placement.baselines.plan import Plan
from apollo.search.placement.problem import Floats, Ints

_Entry = tuple[Ints, Ints | int, Floats | float]  # rows, columns, values
_BELOW = 0.1  # Baechi's threshold


class _Edges(NamedTuple):
    source: Ints  # [E]
    target: Ints  # [E]
    transfer_ns: Floats  # [E]


def favourites(plan: Plan) -> Favourites:
    """The favourite child of every operator that has one."""
    edges = _edges(plan)
    if len(edges.source) == 0:
        return {}
    share = _relaxed(plan, edges)
    chosen = np.flatnonzero(share < _BELOW)
    pairs = zip(edges.source[chosen].tolist(), edges.target[chosen].tolist(), strict=True)
    found: Favourites = {}
    taken: set[int] = set()
    for one, two in pairs:  # 0.1 leaves one of each, but for what the solver tolerates
        if one not in found and two not in taken:
            found[one] = two
            taken.add(two)
    return found


def _edges(plan: Plan) -> _Edges:
    rows = [
        (one, two, plan.mean_transfer_ns(size))
        for two in plan.operators
        for one, size in zip(plan.producers[two], plan.input_bytes[two], strict=True)
    ]
    columns = np.array(rows, float).reshape(-1, 3).T
    return _Edges(columns[0].astype(np.int64), columns[1].astype(np.int64), columns[2])


def _relaxed(plan: Plan, edges: _Edges) -> Floats:
    """[E] x of the relaxation; the variables are s, x and w, times in the mean duration."""
    count, number = len(plan.operators), len(edges.source)
    mean = plan.mean_duration_ns()
    unit, operator, edge = float(mean.mean()), np.arange(count), np.arange(number)
    ends: list[_Entry] = [(operator, operator, 1.0), (operator, count + number, -1.0)]
    order: list[_Entry] = [(edge, edges.source, 1.0), (edge, edges.target, -1.0)]
    order += [(edge, count + edge, edges.transfer_ns / unit)]
    blocks = [
        _rows(count, number, count, ends),
        _rows(count, number, number, order),
        _rows(count, number, count, [(edges.source, count + edge, -1.0)]),
        _rows(count, number, count, [(edges.target, count + edge, -1.0)]),
    ]
    most = [
        -mean / unit,
        -mean[edges.source] / unit,
        1.0 - np.bincount(edges.source, minlength=count),
        1.0 - np.bincount(edges.target, minlength=count),
    ]
    cost = np.zeros(count + number + 1)
    cost[-1] = 1.0
    bounds = np.zeros((len(cost), 2))
    bounds[:, 1] = np.inf
    bounds[count : count + number, 1] = 1.0
    left, right = sparse.vstack(blocks).tocsr(), np.concatenate(most)
    solved = linprog(cost, left, right, bounds=bounds, method="highs")
    if solved.x is None:
        raise RuntimeError(f"HiGHS found no favourite children: {solved.message}")
    share: Floats = solved.x[count : count + number]
    return share


def _rows(count: int, number: int, rows: int, entries: Sequence[_Entry]) -> sparse.coo_array:
    """Rows of the program from (row, column, value)."""
    parts = [np.broadcast_arrays(*each) for each in entries]
    row, column, value = (np.concatenate(column) for column in zip(*parts, strict=True))
    return sparse.coo_array((value, (row, column)), shape=(rows, count + number + 1))
