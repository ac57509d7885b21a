"""What environments of Gymnasium are played through with, whatever they are of."""

from collections.abc import Callable, Iterable
from typing import Any

import gymnasium
import numpy as np


def played(
    environment: "gymnasium.Env[Any, Any]", actions: Iterable[int]
) -> tuple[Any, float, bool, bool, dict[str, Any]]:
    """What the last of these actions answers, from the beginning of an episode."""
    environment.reset(seed=0)
    *_, last = (environment.step(action) for action in actions)
    return last


def assert_several_at_once(make: Callable[[], "gymnasium.Env[Any, Any]"], steps: int) -> None:
    """Two side by side end alike after so many steps, each the first that is allowed."""
    vector = gymnasium.vector.SyncVectorEnv([make] * 2)
    observation, _ = vector.reset(seed=0)
    for _ in range(steps):
        actions = [int(np.flatnonzero(mask)[0]) for mask in observation["action_mask"]]
        observation, rewards, terminated, _, infos = vector.step(np.array(actions))
    assert terminated.all()
    assert rewards.shape == (2,)
    assert infos["feasible"].tolist() == [infos["feasible"][0]] * 2
    vector.close()
