"""Moves groups off devices that cannot hold them, by what a graph says before it runs."""

import numpy as np

from apollo.search.placement.problem import Ints, PlacementProblem


def repaired(problem: PlacementProblem, placement: Ints, held_bytes: Ints) -> Ints:
    """The placement [G] with the `held_bytes` [G] of groups inside the memories, where it can be.

    From the device that lacks most, the largest group that fits elsewhere goes to where most room
    is, until all fit or none can go. Every move fills no device beyond its memory, so it ends.
    """
    placement = placement.copy()
    room = problem.memory_bytes - np.bincount(
        placement, weights=held_bytes, minlength=len(problem.memory_bytes)
    ).astype(np.int64)
    while room.min() < 0:
        move = _move(problem, placement, held_bytes, room)
        if move is None:
            break
        group, target = move
        room[placement[group]] += held_bytes[group]
        room[target] -= held_bytes[group]
        placement[group] = target
    return placement


def _move(
    problem: PlacementProblem, placement: Ints, held_bytes: Ints, room: Ints
) -> tuple[int, int] | None:
    """A group of the fullest device, and where it can go."""
    mine = np.flatnonzero((placement == room.argmin()) & (held_bytes > 0))
    for group in mine[np.argsort(-held_bytes[mine], kind="stable")].tolist():
        fits = problem.groups.allowed[group] & (room >= held_bytes[group])
        if fits.any():
            return group, int(np.where(fits, room, -1).argmax())
    return None
