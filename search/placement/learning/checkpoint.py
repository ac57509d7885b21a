"""Policies and trainings as files: plain arrays (`.npz`, nothing pickled) and a header in JSON.

A training that is resumed goes on exactly as if it had never stopped.
"""

import json
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from apollo.arch.whole_file import whole_file
from apollo.search.placement.found import Budget
from apollo.search.placement.learning.lesson import Lesson
from apollo.search.placement.learning.policy import Policy
from apollo.search.placement.learning.settings import Algorithm, LearningSettings
from apollo.search.placement.learning.train import Row, Training
from apollo.search.placement.learning.update import Learned
from apollo.search.placement.problem import PlacementProblem

VERSION = 2  # of the format, and of what a policy observes
_HEADER = "header"
_PARAMETER, _FIRST, _MOMENT = "parameter/", "first/", "moment/"
_STATE = ("update", "seconds", "stale", "begun")
_BEST, _FOLLOWED = "best/", "followed/"

Arrays = dict[str, npt.NDArray[Any]]
Header = dict[str, Any]  # JSON


def save_policy(path: Path, policy: Policy) -> None:
    """Write a policy."""
    _write(path, {"settings": _settings(policy)}, _parameters(policy))


def load_policy(path: Path) -> Policy:
    """The policy of a file; that of a training too.

    Raises `ValueError`, one sentence, when it is no such file.
    """
    with _whole(path):
        return _policy(*_read(path))


def learned_problems(path: Path) -> tuple[str, ...]:
    """The names of the problems that the training of a file learns; none where it has no training.

    Raises `ValueError`, one sentence, when it is no such file.
    """
    with _whole(path):
        return tuple(lesson["problem"] for lesson in _read(path)[0].get("lessons", ()))


def save_training(path: Path, training: Training) -> None:
    """Write a training as it is now."""
    arrays = _parameters(training.policy) | _parameters(training.first, _FIRST)
    for number, leaf in enumerate(jax.tree.leaves(training.learned.moments)):
        arrays[f"{_MOMENT}{number}"] = np.asarray(leaf)
    for number, lesson in enumerate(training.lessons):
        arrays[f"{_BEST}{number}"] = lesson.tries.found().placement
        arrays[f"{_FOLLOWED}{number}"] = lesson.followed.placement
    header = {
        "settings": _settings(training.policy),
        "budget": asdict(training.budget),
        "seed": training.seed,
        **{name: getattr(training, name) for name in _STATE},
        "rows": [list(asdict(row).values()) for row in training.rows],
        "lessons": [_lesson(lesson) for lesson in training.lessons],
    }
    _write(path, header, arrays)


def load_training(path: Path, problems: Sequence[PlacementProblem]) -> Training:
    """The training of a file, of the same problems, to go on with.

    Raises `ValueError`, one sentence, when it is no such file or other problems were learned.
    """
    header, arrays = _read(path)
    if "lessons" not in header:
        raise ValueError(f"Checkpoint '{path.name}' has a policy, but no training to go on with.")
    with _whole(path):
        names = [lesson["problem"] for lesson in header["lessons"]]
    if names != [problem.name for problem in problems]:
        raise ValueError(f"Checkpoint '{path.name}' is of other problems: {', '.join(names)}.")
    with _whole(path):
        return _training(problems, header, arrays)


def _training(problems: Sequence[PlacementProblem], header: Header, arrays: Arrays) -> Training:
    """As it was when it was written."""
    first = _policy(header, arrays, _FIRST)
    training = Training(problems, first, Budget(**header["budget"]), header["seed"])
    for name in _STATE:
        setattr(training, name, header[name])
    training.rows = [Row(*row) for row in header["rows"]]
    moments, structure = jax.tree.flatten(training.learned.moments)
    kept = [jnp.asarray(arrays[f"{_MOMENT}{number}"]) for number in range(len(moments))]
    training.learned = Learned(
        _policy(header, arrays).parameters, jax.tree.unflatten(structure, kept)
    )
    for number, (lesson, known) in enumerate(zip(training.lessons, header["lessons"], strict=True)):
        _restore(lesson, known, arrays[f"{_BEST}{number}"], arrays[f"{_FOLLOWED}{number}"])
    return training


def _lesson(lesson: Lesson) -> Header:
    return {
        "problem": lesson.problem.name,
        "simulations": lesson.tries.simulations,
        "curve": lesson.tries.curve,
        "baselines": list(lesson.baselines.items()),
        "scale": lesson.scale,
    }


def _restore(
    lesson: Lesson,
    known: Header,
    best: npt.NDArray[np.int64],
    followed: npt.NDArray[np.int64],
) -> None:
    """Bring a lesson that has just begun to where it was; what was found is simulated again."""
    lesson.tries.costs(best[None, :])
    lesson.followed = lesson.kept(followed)
    lesson.tries.simulations = known["simulations"]
    lesson.tries.curve = [(int(count), float(cost)) for count, cost in known["curve"]]
    lesson.baselines, lesson.scale = dict(known["baselines"]), known["scale"]


def _settings(policy: Policy) -> Header:
    return asdict(policy.settings) | {"algorithm": policy.settings.algorithm.value}


def _parameters(policy: Policy, kind: str = _PARAMETER) -> Arrays:
    return {f"{kind}{name}": np.asarray(value) for name, value in policy.parameters.items()}


def _policy(header: Header, arrays: Arrays, kind: str = _PARAMETER) -> Policy:
    algorithms = {each.value: each for each in Algorithm}
    settings = header["settings"] | {"algorithm": algorithms[header["settings"]["algorithm"]]}
    parameters = {
        name.removeprefix(kind): jnp.asarray(value)
        for name, value in arrays.items()
        if name.startswith(kind)
    }
    policy = Policy(LearningSettings(**settings), parameters)
    wanted = Policy.new(policy.settings, 0).parameters
    if _shapes(wanted) != _shapes(parameters):
        raise KeyError("parameters of other shapes")
    return policy


def _shapes(parameters: Mapping[str, jax.Array]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(value.shape) for name, value in parameters.items()}


@contextmanager
def _whole(path: Path) -> Iterator[None]:
    """One sentence where what is read lacks something or has it in another form."""
    try:
        yield
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise ValueError(
            f"Checkpoint '{path.name}' is damaged: settings, parameters or a state are missing, or "
            f"of another form ({error})."
        ) from None


def _write(path: Path, header: Mapping[str, Any], arrays: Arrays) -> None:
    text = json.dumps({"version": VERSION, **header})
    with whole_file(path) as part, part.open("wb") as file:
        np.savez(file, allow_pickle=False, **{_HEADER: np.array(text)}, **arrays)


def _read(path: Path) -> tuple[Header, Arrays]:
    try:
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        header = json.loads(str(arrays.pop(_HEADER)))
        version = header["version"]
    except (KeyError, TypeError, ValueError, EOFError, zipfile.BadZipFile):
        raise ValueError(f"'{path.name}' is not a checkpoint of a placement policy.") from None
    if version != VERSION:
        raise ValueError(
            f"Checkpoint '{path.name}' has version {version}; this one reads {VERSION}."
        )
    return header, arrays
