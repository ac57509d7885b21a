"""Networks of other distributions: entries of the catalogue behind entry points."""

from collections.abc import Callable

from apollo.plugins import Group, calling, distribution, load, names, wrong
from apollo.workloads.graph import Graph
from apollo.workloads.models.family import Entry, Family, Member, Single, Sized


def plugin_entry(name: str) -> Entry:
    """The entry of a plug-in: its own, or the one network that its function makes.

    Raises `ValueError`, one sentence that names the distribution, when there is none behind it.
    """
    found = load(Group.NETWORKS, name)
    if isinstance(found, Family | Single | Sized):
        if found.name != name:
            raise wrong(Group.NETWORKS, name, f"must have that name, not '{found.name}'")
        return found
    if not callable(found):
        kind = type(found).__name__
        raise wrong(Group.NETWORKS, name, f"must be a function or a Family, not a {kind}")
    return Single(name, lambda _: _built(name, found), distribution(Group.NETWORKS, name))


def _built(name: str, build: Callable[[], object]) -> Graph:
    graph = calling(Group.NETWORKS, name, build)
    if not isinstance(graph, Graph):
        raise wrong(Group.NETWORKS, name, f"must make a Graph, not a {type(graph).__name__}")
    return graph


def find_plugin(name: str) -> Member | None:
    """The network of a plug-in that has this name, or begins it."""
    for known in sorted(names(Group.NETWORKS), key=len, reverse=True):
        if name == known or name.startswith(f"{known}_"):
            member = plugin_entry(known).find(name)
            if member is not None:
                return member
    return None
