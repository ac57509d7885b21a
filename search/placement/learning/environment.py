"""Placement as an environment of Gymnasium, for agents that others bring.

Needs the extra `environment`. It observes and rewards what the policy of this folder does.
"""

from typing import Any, SupportsFloat, SupportsInt

import gymnasium
import jax
import numpy as np
from gymnasium import spaces

from apollo.search.placement.learning.inputs import Inputs, inputs_of
from apollo.search.placement.learning.observation import (
    FEATURES,
    Incumbent,
    State,
    advance,
    devices_of,
    follow,
    mask,
    observe,
    start,
)
from apollo.search.placement.learning.reward import on_one_device, reference_cost, rewards
from apollo.search.placement.learning.shape import GROUP_FEATURES
from apollo.search.placement.problem import PlacementProblem

Observation = dict[str, Any]  # of arrays
Info = dict[str, Any]

_MOST = 100.0  # of a feature: they are shares and logarithms of ratios


class PlacementEnvironment(gymnasium.Env[Observation, Any]):
    """One placement an episode, a group a step, in the order of the `G` groups.

    Observation: `group` [F], features of the next group that no placement changes; `devices`
        [D, C], what is known of each of the `D` devices as the place of it; `position` [G], 1 for
        the next group; `action_mask` [D], 1 for devices that can run it and have room for it. At
        the end all are 0. docs/placement_learning.md says what the features are.
    Action: the device of the next group, in 0..D-1.
    Reward: 0 until the last group is placed, then `reward.rewards` of the placement:
        -sqrt(cost / cost of the best single device), less where memory is lacking.
    Termination: after the last group, or at an action that is no device that can run the group,
        with the reward `MISPLACED`. An action that the mask excludes for lack of memory is no
        error: the placement will be infeasible.

    The best single device is the placement that the features compare with. Every info has the
    `action_mask` too; the last one has `feasible`, `cost`, `overflow_bytes` and `placement`, or
    `feasible` and `reason`. Nothing is random but what the agent does.
    """

    metadata: dict[str, Any] = {"render_modes": []}  # noqa: RUF012 - Gymnasium declares it so
    MISPLACED = -10.0  # the reward of an invalid placement of GO

    def __init__(self, problem: PlacementProblem) -> None:
        """Simulate the placements on a single device: rewards are relative to the best."""
        self.problem = problem
        placements = on_one_device(problem)
        costs = problem.costs(placements)
        self.reference = reference_cost(costs)
        best = placements[int(np.lexsort((costs.cost, costs.overflow_bytes))[0])]
        self._groups, self._devices = problem.groups.compute_ns.shape
        self._inputs = inputs_of(problem)
        self._followed: Incumbent = _follow(self._inputs, devices_of(self._inputs, best))
        self._state: State = start(self._inputs)
        self._placement: list[int] = []
        self.observation_space = spaces.Dict(
            {
                "group": spaces.Box(-_MOST, _MOST, (GROUP_FEATURES,), np.float32),
                "devices": spaces.Box(-_MOST, _MOST, (self._devices, FEATURES), np.float32),
                "position": spaces.MultiBinary(self._groups),
                "action_mask": spaces.MultiBinary(self._devices),
            }
        )
        self.action_space = spaces.Discrete(self._devices)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, Info]:
        """Begin a placement; there are no options."""
        super().reset(seed=seed)
        self._state, self._placement = start(self._inputs), []
        observation = self._observation()
        return observation, {"action_mask": observation["action_mask"]}

    def step(self, action: SupportsInt) -> tuple[Observation, SupportsFloat, bool, bool, Info]:
        """Place the next group.

        Raises `ValueError` when the episode has ended.
        """
        group, device = len(self._placement), int(action)
        if group == self._groups:
            raise ValueError("All groups are placed: reset the environment for another placement.")
        if not (0 <= device < self._devices and self.problem.groups.allowed[group, device]):
            return self._refused(device)
        self._placement.append(device)
        self._state = _advance(self._inputs, self._state, np.int32(group), np.int32(device))
        observation = self._observation()
        info: Info = {"action_mask": observation["action_mask"]}
        if len(self._placement) < self._groups:
            return observation, 0.0, False, False, info
        placement = np.array(self._placement, np.int64)
        costs = self.problem.costs(placement[None, :])
        info["cost"] = float(costs.cost[0])
        info["overflow_bytes"] = int(costs.overflow_bytes[0])
        info |= {"feasible": info["overflow_bytes"] == 0, "placement": placement}
        memory = int(self.problem.memory_bytes.sum())
        return observation, float(rewards(costs, self.reference, memory)[0]), True, False, info

    def _refused(self, device: int) -> tuple[Observation, SupportsFloat, bool, bool, Info]:
        group = len(self._placement)
        name = self.problem.groups.names[group]
        able = [
            f"{number} ({self.problem.device_names[number]})"
            for number in np.flatnonzero(self.problem.groups.allowed[group])
        ]
        reason = f"'{name}' must go to a device that can run it, {', '.join(able)}, not {device}."
        self._placement += [0] * (self._groups - group)  # the episode is over
        observation = self._observation()
        info: Info = {"action_mask": observation["action_mask"], "feasible": False}
        return observation, self.MISPLACED, True, False, info | {"reason": reason}

    def _observation(self) -> Observation:
        group, inputs = len(self._placement), self._inputs
        observation: Observation = {
            "group": np.zeros(GROUP_FEATURES, np.float32),
            "devices": np.zeros((self._devices, FEATURES), np.float32),
            "position": np.zeros(self._groups, np.int8),
            "action_mask": np.zeros(self._devices, np.int8),
        }
        if group < self._groups:
            devices, allowed = _see(inputs, self._state, np.int32(group), self._followed)
            observation["group"][:] = inputs.groups[group]
            observation["devices"][:] = np.asarray(devices)[: self._devices]
            observation["position"][group] = 1
            observation["action_mask"][:] = np.asarray(allowed)[: self._devices]
        return observation


@jax.jit
def _see(
    inputs: Inputs, state: State, group: jax.Array, followed: Incumbent
) -> tuple[jax.Array, jax.Array]:
    return observe(inputs, state, group, followed), mask(inputs, state, group)


_advance = jax.jit(advance)
_follow = jax.jit(follow)
