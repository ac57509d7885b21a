"""The search as an environment of Gymnasium, for agents that others bring.

Needs the extra `environment`. `DesignEnvironment` sets a parameter at a time; `WholeDesign` wraps
it so that an action is a whole design.
"""

from collections.abc import Mapping
from typing import Any, SupportsFloat, SupportsInt

import gymnasium
import numpy as np
import numpy.typing as npt
from gymnasium import spaces

from apollo.search.constraint import Constraint
from apollo.search.evaluate import EvaluatePoint, EvaluationCache
from apollo.search.problem import Problem
from apollo.search.task import Task
from apollo.search.trial import Evaluation, EvaluationKey

Observation = dict[str, Any]  # of arrays
Info = dict[str, Any]

NO_CHOICE = "no_choice"  # the resource of an action that is no choice of its parameter


class _Memory:
    """Evaluations of this process."""

    def __init__(self) -> None:
        self._held: dict[EvaluationKey, Evaluation] = {}

    def get(self, key: EvaluationKey) -> Evaluation | None:
        return self._held.get(key)

    def put(self, key: EvaluationKey, evaluation: Evaluation) -> None:
        self._held[key] = evaluation


class DesignEnvironment(gymnasium.Env[Observation, Any]):
    """One design an episode, a parameter a step, in the order of the space of `D` parameters.

    Observation: `digits` [D], the position of the choice that was made for every parameter plus
        one, 0 where none was made yet; `parameter` [D], 1 for the one that is next; `action_mask`
        [K], 1 for its choices that may lead to a design that the known constraints admit, where
        `K` is the most choices of any parameter. At the end the last two are 0.
    Action: the position of a choice of the next parameter, in 0..K-1.
    Reward: 0 until the last parameter is set, then the reward of the study: 0 if the design is
        infeasible.
    Termination: after the last parameter, or at an action that is no choice of its parameter, with
        reward 0. An action that the mask excludes is no error: the design will be infeasible.

    Every info has the `action_mask` too, as whole numbers of 8 bits; the last one has `index`,
    `feasible`, `reason`, `resource`, `metrics` and `parameters` of the design. Nothing is random
    but what the agent does. The same design is evaluated once a process, or once a `Store` that is
    given as `cache`.
    """

    metadata: dict[str, Any] = {"render_modes": []}  # noqa: RUF012 - Gymnasium declares it so

    def __init__(self, problem: Problem, cache: EvaluationCache | None = None) -> None:
        """Load the networks of a problem.

        Raises `ValueError`, one sentence, as `Task` does.
        """
        self.task = Task.of(problem)
        self._evaluate: EvaluatePoint = self.task.evaluator()(cache or _Memory())
        self._radices = problem.space.radices
        digits = len(self._radices)
        self.observation_space = spaces.Dict(
            {
                "digits": spaces.MultiDiscrete([radix + 1 for radix in self._radices], np.int8),
                "parameter": spaces.MultiBinary(digits),
                "action_mask": spaces.MultiBinary(max(self._radices)),
            }
        )
        self.action_space = spaces.Discrete(max(self._radices))
        self._digits: list[int] = []

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, Info]:
        """Begin a design; there are no options."""
        super().reset(seed=seed)
        self._digits = []
        observation = self._observation()
        return observation, {"action_mask": observation["action_mask"]}

    def step(self, action: SupportsInt) -> tuple[Observation, SupportsFloat, bool, bool, Info]:
        """Set the next parameter.

        Raises `ValueError` when the episode has ended.
        """
        position, chosen = len(self._digits), int(action)
        if position == len(self._radices):
            raise ValueError("The design is finished: reset the environment for another one.")
        if not 0 <= chosen < self._radices[position]:
            return self._refused(chosen)
        self._digits.append(chosen)
        observation = self._observation()
        info: Info = {"action_mask": observation["action_mask"]}
        if len(self._digits) < len(self._radices):
            return observation, 0.0, False, False, info
        space = self.task.problem.space
        index = space.index_of(self._digits)
        outcome = self._evaluate(index)
        info |= {
            "index": index,
            "feasible": outcome.feasible,
            "reason": outcome.reason or "",
            "resource": outcome.resource or "",
            "metrics": dict(outcome.metrics),
            "parameters": space.values_at(index),
        }
        return observation, outcome.reward, True, False, info

    def _refused(self, chosen: int) -> tuple[Observation, SupportsFloat, bool, bool, Info]:
        position = len(self._digits)
        parameter = self.task.problem.space.parameters[position]
        reason = (
            f"{parameter.name} must be a choice in 0..{len(parameter.choices) - 1}, not {chosen}."
        )
        self._digits += [0] * (len(self._radices) - position)  # the episode is over
        observation = self._observation()
        info: Info = {"action_mask": observation["action_mask"], "feasible": False}
        info |= {"reason": reason, "resource": NO_CHOICE}
        return observation, 0.0, True, False, info

    def _observation(self) -> Observation:
        position, count = len(self._digits), len(self._radices)
        digits, parameter = np.zeros(count, np.int8), np.zeros(count, np.int8)
        mask = np.zeros(max(self._radices), np.int8)
        digits[:position] = np.array(self._digits, np.int8) + 1
        if position < count:
            parameter[position] = 1
            mask[: self._radices[position]] = self._mask(position)
        return {"digits": digits, "parameter": parameter, "action_mask": mask}

    def _mask(self, position: int) -> list[bool]:
        """Which choices of a parameter may keep the known constraints; all if none may."""
        choices = range(self._radices[position])
        allowed = [_may_keep(self.task, [*self._digits, choice]) for choice in choices]
        return allowed if any(allowed) else [True] * len(allowed)


def _may_keep(task: Task, digits: list[int]) -> bool:
    """Whether some completion of the first digits may keep the known constraints.

    No known metric falls when a parameter grows, so the least completion decides for upper bounds
    and the largest for lower ones.
    """
    if not task.problem.constraints:
        return True
    space = task.problem.space
    rest = space.radices[len(digits) :]
    least = _known(task, space.index_of([*digits, *(0 for _ in rest)]))
    most = _known(task, space.index_of([*digits, *(radix - 1 for radix in rest)]))
    return all(_is_met(each, least if each.is_most else most) for each in task.problem.constraints)


def _known(task: Task, index: int) -> Mapping[str, float]:
    """What is known of a point; nothing if its values are no machine, but others' may be."""
    try:
        return task.known_at(index)
    except ValueError:
        return {}


def _is_met(constraint: Constraint, known: Mapping[str, float]) -> bool:
    return constraint.metric not in known or constraint.is_met(known[constraint.metric])


class WholeDesign(gymnasium.Wrapper[Observation, Any, Observation, Any]):
    """The environment where an action is a whole design: an episode is one step.

    Observation and reward are those of `DesignEnvironment`; the action has the position of a choice
    for every parameter.
    """

    def __init__(self, env: DesignEnvironment) -> None:
        """Wrap an environment of designs."""
        super().__init__(env)
        self.action_space = spaces.MultiDiscrete(list(env.task.problem.space.radices))

    def step(
        self, action: npt.NDArray[np.int64]
    ) -> tuple[Observation, SupportsFloat, bool, bool, Info]:
        """Try a design."""
        for digit in action[:-1]:
            self.env.step(digit)
        return self.env.step(action[-1])


def make(problem: Problem, *, is_whole: bool = False) -> gymnasium.Env[Any, Any]:
    """The environment of a problem; with `is_whole` an action is a whole design."""
    environment = DesignEnvironment(problem)
    return WholeDesign(environment) if is_whole else environment
