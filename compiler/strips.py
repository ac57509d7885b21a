"""Depth-first execution: consecutive nests cut into strips of rows that run one after the other.

A *segment* is some consecutive nests. Cut into strips, it first computes a few rows of its result
with all of its nests, then the next few. Each strip's intermediates are tensors of their own with
only the rows that the strip needs: rows that two strips need are computed twice. To all later
stages the nests of a strip are nests like others, which write a part of the segment's result.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from apollo.compiler.kernels.inside import find_inside
from apollo.compiler.kernels.margins import widen_margins
from apollo.compiler.kernels.strips import (
    EMPTY,
    ORIGIN,
    STRIP,
    CutSpace,
    CutTables,
    cut_segments,
)
from apollo.compiler.network import Network
from apollo.compiler.tables import NESTS, TENSOR_COLUMNS, Ints

T = TypeVar("T")


@dataclass(frozen=True, order=True)
class Segment:
    """Consecutive nests, `last` included, and into how many strips of rows they are cut."""

    first: int
    last: int
    strips: int

    def __post_init__(self) -> None:
        """Refuse what is no range."""
        if not 0 <= self.first <= self.last or self.strips < 2:
            raise ValueError(
                f"A segment must be some nests in order, in two strips or more, not {self}."
            )


def inside(network: Network, first: int, last: int) -> Ints | None:
    """A mark for each tensor that only these nests write and read [T]; None: they cannot be cut."""
    marks = np.empty(len(network.tensors), np.int64)
    return marks if find_inside(network.nests, network.tensors, first, last, marks) else None


@dataclass(frozen=True)
class Cut:
    """A network that was cut, whose nests and tensors still have the names of those they are of."""

    unnamed: Network
    nest_parts: Ints  # [3, L] which nest, which strip of it, of how many
    tensor_parts: Ints  # [3, T]

    def named(self) -> Network:
        """The same with the numbers of strips in the names: `block2/expand 3/4`."""
        names = (
            (self.unnamed.layer_names, self.nest_parts),
            (
                self.unnamed.tensor_names,
                self.tensor_parts,
            ),
        )
        layers, tensors = (_numbered(*each) for each in names)
        return replace(self.unnamed, layer_names=layers, tensor_names=tensors)


def cut(network: Network, segments: Sequence[Segment]) -> Cut | None:
    """The network with segments cut into strips; None where a strip would be empty.

    Raises `ValueError` where nests cannot be cut.
    """
    ordered = sorted(segments)
    marks = _marks(network, ordered)
    space, tables = _columns(network, ordered, marks)
    rows = np.array([(s.first, s.last, s.strips) for s in ordered], np.int64).reshape(-1, 3)
    length, count = cut_segments(network.nests, network.tensors, rows, marks, space, tables)
    if length == EMPTY:
        return None
    nests, tensors = tables.nests[:length], tables.tensors[:count]
    parts, tensor_parts = tables.nest_parts[:, :length], tables.tensor_parts[:, :count]
    widen_margins(nests, parts[STRIP], tensors)
    unnamed = replace(
        network,
        layer_names=_of(network.layer_names, parts),
        nests=nests,
        tensors=tensors,
        tensor_names=_of(network.tensor_names, tensor_parts),
        recipes=_of(network.recipes, parts),
        origins=parts[ORIGIN],
    )
    return Cut(unnamed, parts, tensor_parts)


def _marks(network: Network, segments: Sequence[Segment]) -> Ints:
    """The tensors inside each segment, [S, T]."""
    marks = np.empty((len(segments), len(network.tensors)), np.int64)
    behind = 0
    for own, segment in zip(marks, segments, strict=True):
        first, last = segment.first, segment.last
        if first < behind or not find_inside(network.nests, network.tensors, first, last, own):
            raise ValueError(f"Nests {first} to {last} cannot be cut into strips.")
        behind = last + 1
    return marks


def _columns(
    network: Network, segments: Sequence[Segment], marks: Ints
) -> tuple[CutSpace, CutTables]:
    """Scratch, and tables with room for every strip."""
    nests, tensors = len(network.nests), len(network.tensors)
    space = CutSpace(
        np.empty((nests, 2), np.int64),
        np.empty((tensors, 2), np.int64),
        np.empty(tensors, np.int64),
        np.empty(nests, np.int64),
    )
    for segment, own in zip(segments, marks, strict=True):
        nests += (segment.strips - 1) * (segment.last + 1 - segment.first)
        tensors += segment.strips * int(own.sum())
    tables = CutTables(
        np.empty((nests, NESTS), np.int64),
        np.empty((tensors, TENSOR_COLUMNS), np.int64),
        np.empty((3, nests), np.int64),
        np.empty((3, tensors), np.int64),
    )
    return space, tables


def _of(whole: Sequence[T], parts: Ints) -> tuple[T, ...]:
    """What the nests or tensors have of which these are parts."""
    return tuple(map(whole.__getitem__, parts[ORIGIN].tolist()))


def _numbered(names: Sequence[str], parts: Ints) -> tuple[str, ...]:
    """Names of nests or tensors, with the number of the strip behind."""
    strips = parts[STRIP:].T.tolist()
    return tuple(
        f"{name} {strip}/{count}" if strip else name
        for name, (strip, count) in zip(names, strips, strict=True)
    )
