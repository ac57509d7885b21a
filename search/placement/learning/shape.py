"""Features of groups that no placement changes: their share of the whole and their place in it."""

import numpy as np

from apollo.search.placement.problem import Floats, GroupGraph, Ints, PlacementProblem

GROUP_FEATURES = 14
_LEAST = 1e-4  # a share below is as good as none


def group_features(problem: PlacementProblem) -> Floats:
    """[G, F] of every group."""
    groups = problem.groups
    count = len(groups.names)
    times = np.where(groups.allowed, groups.compute_ns, np.nan)
    fastest, slowest = np.nanmin(times, axis=1), np.nanmax(times, axis=1)
    sent = np.bincount(groups.source, groups.edge_bytes, count)
    read = np.bincount(groups.target, groups.edge_bytes, count)
    up, down = _longest_ways(groups, fastest)
    longest = max(float((up + down - fastest).max()), 1.0)
    position = np.arange(count) / max(1, count - 1)
    memory = groups.memory_bytes / max(1.0, float(problem.memory_bytes.mean()))
    columns = [
        _relative(fastest),
        np.log(np.maximum(slowest, 1.0) / np.maximum(fastest, 1.0)),
        _relative(groups.output_bytes),
        _relative(sent),
        _relative(read),
        _relative(groups.memory_bytes),
        np.log10(memory + _LEAST) / 4,
        np.log1p(np.bincount(groups.source, minlength=count)) - 1,
        np.log1p(np.bincount(groups.target, minlength=count)) - 1,
        up / longest,
        down / longest,
        (up + down - fastest) / longest,
        position,
        np.cos(np.pi * position),
    ]
    return np.stack(columns, axis=1)


def _relative(column: Floats | Ints) -> Floats:
    """Logarithm of each entry beside the mean, in about -2..2."""
    mean = max(float(column.mean()), 1e-9)
    relative: Floats = np.log(column / mean + 0.01) / 2
    return relative


def _longest_ways(groups: GroupGraph, time: Floats) -> tuple[Floats, Floats]:
    """[G] Longest way by compute from a start through the group, and from the group to an end.

    Along edges that go forward in the order of the groups.
    """
    up, down = time.copy(), time.copy()
    forward = groups.source < groups.target
    source, target = groups.source[forward], groups.target[forward]
    for edge in np.argsort(target, kind="stable"):
        one, two = source[edge], target[edge]
        up[two] = max(up[two], up[one] + time[two])
    for edge in np.argsort(-source, kind="stable"):
        one, two = source[edge], target[edge]
        down[one] = max(down[one], down[two] + time[one])
    return up, down
