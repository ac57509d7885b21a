"""What other distributions add to Apollo by entry points; docs/extending.md.

Only names are looked up: nothing of a plug-in is imported before it is asked for by its name.
"""

from collections.abc import Callable
from enum import StrEnum
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, TypeVar

T = TypeVar("T")


class Group(StrEnum):
    """The groups of entry points."""

    NETWORKS = "apollo.networks"
    DESIGNS = "apollo.designs"
    OPTIMIZERS = "apollo.optimizers"

    @property
    def thing(self) -> str:
        """What one of the group is called."""
        return self.value.removeprefix("apollo.").removesuffix("s")


@cache
def _points(group: Group) -> dict[str, list[EntryPoint]]:
    points: dict[str, list[EntryPoint]] = {}
    for point in entry_points(group=group):
        points.setdefault(point.name, []).append(point)
    return points


def forget() -> None:
    """Look again at what is installed."""
    _points.cache_clear()


def names(group: Group) -> list[str]:
    """The names that plug-ins give to things of a group."""
    return sorted(_points(group))


def distribution(group: Group, name: str) -> str:
    """The distribution, with its version, that has the plug-in of that name."""
    found = _points(group)[name][0].dist
    return "an unknown one" if found is None else f"{found.name} {found.version}"


def load(group: Group, name: str) -> Any:
    """The object of a plug-in.

    Raises `ValueError`, one sentence that names the distribution, when it cannot be imported, and
    when several have one of that name.
    """
    several = sorted(point.dist.name for point in _points(group)[name] if point.dist is not None)
    if len(several) > 1:
        raise ValueError(
            f"There are {len(several)} plug-ins for {group.thing} '{name}', of the distributions "
            f"{' and '.join(several)}: all but one must be uninstalled."
        )
    return calling(group, name, _points(group)[name][0].load)


def calling(group: Group, name: str, function: Callable[[], T]) -> T:
    """What a function of a plug-in returns.

    Raises `ValueError`, one sentence that names the distribution, whatever it raises.
    """
    try:
        return function()
    except (Exception, SystemExit) as error:
        raise wrong(group, name, f"fails by {type(error).__name__}: {error}") from None


def wrong(group: Group, name: str, what: str) -> ValueError:
    """A sentence about a plug-in."""
    sentence = " ".join(what.split()).rstrip(".")
    return ValueError(
        f"The plug-in for {group.thing} '{name}' of the distribution {distribution(group, name)} "
        f"{sentence}."
    )
