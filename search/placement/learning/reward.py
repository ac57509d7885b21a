"""What a placement is worth: minus the square root of its cost, as in the published systems.

    reward = -sqrt(cost / reference) - (PENALTY · (1 + lacking) where memory is lacking)

After A. Mirhoseini et al., "Device placement optimization with reinforcement learning" (2017): the
square root makes gains count when placements are bad and when they are good. The reference is the
cost of the best single device, so rewards of all problems are alike. `lacking` is the share of all
memory that is lacking: among placements that do not fit, one that lacks less is better.
"""

import numpy as np

from apollo.search.placement.problem import Costs, Floats, Ints, PlacementProblem

PENALTY = 2.0


def rewards(costs: Costs, reference: float, memory_bytes: int) -> Floats:
    """[P] Of placements; `memory_bytes` are those of all devices together."""
    lacking = costs.overflow_bytes / max(1, memory_bytes)
    penalty = np.where(costs.overflow_bytes > 0, PENALTY * (1 + lacking), 0.0)
    reward: Floats = -np.sqrt(np.maximum(costs.cost, 0.0) / reference) - penalty
    return reward


def on_one_device(problem: PlacementProblem) -> Ints:
    """[D, G] For every device all groups there, but for those that cannot: on their fastest."""
    groups = problem.groups
    count, devices = groups.compute_ns.shape
    fastest = np.where(groups.allowed, groups.compute_ns, np.iinfo(np.int64).max).argmin(axis=1)
    wanted = np.broadcast_to(np.arange(devices)[:, None], (devices, count))
    return np.where(groups.allowed.T, wanted, fastest[None, :])


def reference_cost(costs: Costs) -> float:
    """The least cost of those that fit, or of all where none does."""
    ranked = costs.ranked
    least = float(ranked.min()) if np.isfinite(ranked).any() else float(costs.cost.min())
    return max(least, 1e-12)
