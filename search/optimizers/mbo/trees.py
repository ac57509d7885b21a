"""Regression trees on small integers, grown and asked by Numba: forests and boosting.

A node tries the cuts of some features and takes the one that lowers the sum of squares most; an
*extra* tree tries one random cut of each (P. Geurts et al., "Extremely randomized trees", 2006).
A forest (L. Breiman, 2001) is the mean of trees, boosting (J. H. Friedman, 2001) a sum of trees
of which each learns, of a part of the points, what those before it left.

Letters: `N` points, `D` features, `T` trees, `M` nodes of a tree, at most 2 N.
"""

import numpy as np
import numpy.typing as npt

from apollo.arch.jit import kernel

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

LEAF = -1
_SUBSAMPLE = 0.7  # of the points that a tree of boosting learns
_MODULUS = 2147483647  # of the random numbers: Lehmer's, as D. H. Knuth gives them


@kernel
def grow_trees(
    # Learned:
    codes: Ints,  # [N, D] from 0
    targets: Floats,  # [N]
    # How:
    depth: int,
    least: int,  # points of a leaf
    tried: int,  # features at a node
    is_extra: bool,
    rate: float,  # of boosting; 0 for a forest
    seed: int,
    # Out:
    feature_out: Ints,  # [T, M] or LEAF
    cut_out: Ints,  # [T, M] the greatest code that goes left
    child_out: Ints,  # [T, M] the left one; the right one follows it
    value_out: Floats,  # [T, M]
) -> None:
    """Grow every tree; in boosting each learns what those before it left of the targets."""
    points, trees = len(codes), len(feature_out)
    state = np.array([seed % (_MODULUS - 1) + 1])
    left = targets.copy()
    for tree in range(trees):
        rows = np.arange(points)
        if rate > 0:
            rows = _sample(rows, max(int(_SUBSAMPLE * points), 1), state)
        columns = (feature_out[tree], cut_out[tree], child_out[tree], value_out[tree])
        _grow(codes, left, rows, (depth, least, tried, is_extra), state, columns)
        if rate > 0:
            for point in range(points):
                node = _leaf(codes[point], columns)
                left[point] -= rate * value_out[tree, node]


@kernel
def ask_trees(
    codes: Ints,  # [N, D]
    feature: Ints,  # [T, M]
    cut: Ints,  # [T, M]
    child: Ints,  # [T, M]
    value: Floats,  # [T, M]
    sum_out: Floats,  # [N] of the values of all trees
) -> None:
    """Add up what every tree says of every point."""
    for tree in range(len(feature)):
        columns = (feature[tree], cut[tree], child[tree], value[tree])
        for point in range(len(codes)):
            sum_out[point] += value[tree, _leaf(codes[point], columns)]


@kernel
def _draw(bound: int, state: Ints) -> int:
    """A number below `bound`."""
    state[0] = state[0] * 48271 % _MODULUS
    return int(state[0] % bound)


@kernel
def _sample(rows: Ints, count: int, state: Ints) -> Ints:
    """So many of the rows, shuffled."""
    for place in range(count):
        other = place + _draw(len(rows) - place, state)
        rows[place], rows[other] = rows[other], rows[place]
    return rows[:count]


@kernel
def _leaf(code, columns):  # type: ignore[no-untyped-def]
    """The leaf that a point falls into."""
    feature, cut, child, _ = columns
    node = 0
    while feature[node] != LEAF:
        node = child[node] + (1 if code[feature[node]] > cut[node] else 0)
    return node


@kernel
def _grow(codes, targets, rows, how, state, columns):  # type: ignore[no-untyped-def]
    """One tree on `rows`, which are sorted by leaf while it grows."""
    depth, least, tried, is_extra = how
    feature_out, cut_out, child_out, value_out = columns
    first = np.zeros(len(feature_out), dtype=np.int64)  # of a node's rows
    end = np.zeros(len(feature_out), dtype=np.int64)
    level = np.zeros(len(feature_out), dtype=np.int64)
    end[0] = len(rows)
    nodes, node = 1, 0
    while node < nodes:
        own = rows[first[node] : end[node]]
        total = 0.0
        for row in own:
            total += targets[row]
        feature_out[node] = LEAF
        value_out[node] = total / len(own)
        if level[node] < depth and len(own) >= 2 * least:
            feature, cut = _best_cut(codes, targets, own, (least, tried, is_extra), state)
            if feature != LEAF:
                middle = first[node] + _partition(codes, own, feature, cut)
                feature_out[node], cut_out[node], child_out[node] = feature, cut, nodes
                first[nodes], end[nodes] = first[node], middle
                first[nodes + 1], end[nodes + 1] = middle, end[node]
                level[nodes] = level[nodes + 1] = level[node] + 1
                nodes += 2
        node += 1


@kernel
def _best_cut(codes, targets, own, how, state):  # type: ignore[no-untyped-def]
    """The feature and the cut with the least sum of squares, or LEAF."""
    least, tried, is_extra = how
    features = np.arange(codes.shape[1])
    best, best_feature, best_cut = -1.0, LEAF, 0
    seen = 0
    for place in range(len(features)):
        other = place + _draw(len(features) - place, state)
        features[place], features[other] = features[other], features[place]
        feature = features[place]
        low = high = codes[own[0], feature]
        for row in own:
            low, high = min(low, codes[row, feature]), max(high, codes[row, feature])
        if low == high:
            continue  # no cut: another feature takes its turn
        counts = np.zeros(high - low + 1, dtype=np.int64)
        sums = np.zeros(high - low + 1)
        total = 0.0
        for row in own:
            counts[codes[row, feature] - low] += 1
            sums[codes[row, feature] - low] += targets[row]
            total += targets[row]
        only = _draw(high - low, state) if is_extra else -1
        count, partial = 0, 0.0
        for code in range(high - low):
            count += counts[code]
            partial += sums[code]
            rest = len(own) - count
            if (is_extra and code != only) or count < least or rest < least:
                continue
            gain = partial * partial / count + (total - partial) ** 2 / rest
            gain -= total * total / len(own)
            if gain > best and gain > 1e-12:
                best, best_feature, best_cut = gain, feature, code + low
        seen += 1
        if seen == tried:
            break
    return best_feature, best_cut


@kernel
def _partition(codes, own, feature, cut):  # type: ignore[no-untyped-def]
    """Sort rows in place, those that go left first; how many those are."""
    left = 0
    for place in range(len(own)):
        if codes[own[place], feature] <= cut:
            own[place], own[left] = own[left], own[place]
            left += 1
    return left
