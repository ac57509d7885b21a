"""Depth-first execution: consecutive nests cut into strips of rows that run one after the other.

A *segment* is some consecutive nests. Cut into strips, it first computes a few rows of its result
with all of its nests, then the next few. Each strip's intermediates are tensors of their own with
only the rows that the strip needs: rows that two strips need are computed twice. To all later
stages the nests of a strip are nests like others, which write a part of the segment's result.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from apollo.compiler.margins import widen_margins
from apollo.compiler.network import Network
from apollo.compiler.tables import (
    IN_ORDER,
    NO_TENSOR,
    TENSOR_COLUMNS,
    Ints,
    Nest,
    TensorColumn,
)

Rows = tuple[int, int]  # the first, and the one behind the last
_Row = list[int]  # of a table: Python reads and writes its numbers quicker than those of an array
_TENSORS = (Nest.SOURCE, Nest.SECOND, Nest.DESTINATION)


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


class _Part(NamedTuple):
    """What a strip has of a nest."""

    nest: int
    rows: Rows  # of its results


def inside(network: Network, first: int, last: int) -> frozenset[int] | None:
    """The tensors that only these nests write and read; None where they cannot be cut.

    They must read rows in order, with stored weights, and only the last of their results may be
    for others.
    """
    nests, tensors = network.nests, network.tensors
    own = nests[first : last + 1]
    if (own[:, Nest.PERMUTATION] != IN_ORDER).any() or own[:, Nest.DYNAMIC].any():
        return None
    elsewhere = np.concatenate([nests[:first], nests[last + 1 :]])
    outside = {*elsewhere[:, _TENSORS].flatten().tolist()}
    outside |= {*np.flatnonzero(tensors[:, TensorColumn.IN_DRAM]).tolist()}
    written = {*own[:, Nest.DESTINATION].tolist()}
    result = int(own[-1, Nest.DESTINATION])
    found = frozenset(written - outside - {result})
    return found if found and written - found == {result} else None


def cut(network: Network, segments: Sequence[Segment]) -> Network | None:
    """The network with segments, in order, cut into strips; None where a strip would be empty."""
    pieces: list[tuple[int, _Strip | None]] = []
    names, tensors = list(network.tensor_names), network.tensors.tolist()
    nests = network.nests.tolist()
    begin = 0
    for segment in sorted(segments):
        own = inside(network, segment.first, segment.last)
        if own is None or segment.first < begin:
            raise ValueError(f"Nests {segment.first} to {segment.last} cannot be cut into strips.")
        pieces += [(index, None) for index in range(begin, segment.first)]
        for number in range(segment.strips):
            strip = _strip(nests, segment, own, number, names, tensors)
            if strip is None:
                return None
            pieces += [(part.nest, strip) for part in strip.parts]
        begin = segment.last + 1
    pieces += [(index, None) for index in range(begin, len(network.nests))]
    table = [_part(nests, tensors, strip, i) if strip else nests[i] for i, strip in pieces]
    return _assembled(network, pieces, np.array(table), names, np.array(tensors))


class _Strip(NamedTuple):
    """A strip of a segment."""

    label: str
    parts: tuple[_Part, ...]  # in order
    homes: dict[int, tuple[int, int]]  # of its intermediates: the number, the first row


def _strip(
    nests: list[_Row],
    segment: Segment,
    own: frozenset[int],
    number: int,
    names: list[str],
    tensors: list[_Row],
) -> _Strip | None:
    """Strip `number`, whose intermediates are appended to the tensors; None where it is empty."""
    result = nests[segment.last][Nest.DESTINATION]
    total, count = tensors[result][TensorColumn.ROWS], segment.strips
    needed = {result: (total * number // count, total * (number + 1) // count)}
    parts: list[_Part] = []
    for index in range(segment.last, segment.first - 1, -1):
        n = nests[index]
        wanted = needed.get(n[Nest.DESTINATION])
        rows = _results(n, wanted) if wanted is not None else (0, 0)
        if rows[0] == rows[1]:
            continue
        parts.append(_Part(index, rows))
        for tensor, read in _reads(tensors, n, rows):
            if tensor not in own:
                continue
            if read[0] >= read[1]:
                return None
            before = needed.get(tensor, read)
            needed[tensor] = (min(before[0], read[0]), max(before[1], read[1]))
    label = f"{number + 1}/{count}"
    homes = {}
    for tensor in sorted(own & needed.keys()):
        homes[tensor] = (len(names), needed[tensor][0])
        names.append(f"{names[tensor]} {label}")
        row = tensors[tensor].copy()
        row[TensorColumn.ROWS] = needed[tensor][1] - needed[tensor][0]
        row[TensorColumn.TOP : TensorColumn.RIGHT + 1] = [0] * 4
        row[TensorColumn.ALIGN_ROWS :] = [1] * (TENSOR_COLUMNS - TensorColumn.ALIGN_ROWS)
        tensors.append(row)
    covered = {nests[part.nest][Nest.DESTINATION] for part in parts}
    return _Strip(label, tuple(reversed(parts)), homes) if covered >= needed.keys() else None


def _results(n: _Row, wanted: Rows) -> Rows:
    """Result rows of a nest that lie in these rows of its destination."""
    first, step = n[Nest.FIRST_ROW], n[Nest.RESULT_ROWS]
    begin, end = (max(0, -((first - row) // step)) for row in wanted)
    end = min(end, n[Nest.ROWS])
    return min(begin, end), end


def _reads(tensors: list[_Row], n: _Row, rows: Rows) -> Iterator[tuple[int, Rows]]:
    """Rows of its operands, as far as they have them, that must be there for some results.

    What no result reads belongs to the results before it, so that the strips leave out nothing.
    """
    source, second = n[Nest.SOURCE], n[Nest.SECOND]
    size = tensors[source][TensorColumn.ROWS]
    yield source, _window(n, rows, -n[Nest.PAD_ROWS], n[Nest.EXTENT_ROWS], size)
    if second != NO_TENSOR:
        size = tensors[second][TensorColumn.ROWS]
        stretched = size == 1 and n[Nest.ROWS] > 1
        yield second, (0, 1) if stretched else _window(n, rows, n[Nest.SECOND_ROW], 1, size)


def _window(n: _Row, rows: Rows, start: int, extent: int, size: int) -> Rows:
    """What a window of so many rows passes over, whose first one begins at `start`."""
    stride = n[Nest.STRIDE_ROWS]
    begin = 0 if rows[0] == 0 else max(0, start + rows[0] * stride)
    end = start + (rows[1] - 1) * stride + max(stride, extent)
    return begin, size if rows[1] == n[Nest.ROWS] else min(size, end)


def _part(nests: list[_Row], tensors: list[_Row], strip: _Strip, index: int) -> _Row:
    """The nest of a strip."""
    old = nests[index]
    rows = next(p.rows for p in strip.parts if p.nest == index)
    n = old.copy()
    skipped = rows[0] * n[Nest.STRIDE_ROWS]
    n[Nest.ROWS] = rows[1] - rows[0]
    n[Nest.FIRST_ROW] += rows[0] * n[Nest.RESULT_ROWS]
    n[Nest.IS_PART] = 1
    source, second, result = (n[column] for column in _TENSORS)
    n[Nest.PAD_ROWS] -= skipped
    if source in strip.homes:
        n[Nest.SOURCE], first = strip.homes[source]
        n[Nest.PAD_ROWS] += first
    if second != NO_TENSOR:
        if tensors[second][TensorColumn.ROWS] > 1 or old[Nest.ROWS] == 1:
            n[Nest.SECOND_ROW] += skipped
        if second in strip.homes:
            n[Nest.SECOND], first = strip.homes[second]
            n[Nest.SECOND_ROW] -= first
    if result in strip.homes:
        n[Nest.DESTINATION], first = strip.homes[result]
        n[Nest.FIRST_ROW] -= first
        n[Nest.IS_PART] = old[Nest.IS_PART]
    return n


def _assembled(
    network: Network,
    pieces: list[tuple[int, _Strip | None]],
    nests: Ints,
    names: list[str],
    tensors: Ints,
) -> Network:
    """The tables of these nests: a nest as it is, or a strip's part of it."""
    origins = np.array([index for index, _ in pieces], np.int64)
    shares = network.nests[origins, Nest.SHARES].tolist()
    first = {share: place for place, share in reversed([*enumerate(shares)])}
    nests[:, Nest.SHARES] = [first[share] for share in shares]
    widen_margins(nests[[strip is not None for _, strip in pieces]], tensors)
    tensors[:, TensorColumn.LAST_USE] = 0
    for column in _TENSORS:
        (used,) = np.nonzero(nests[:, column] != NO_TENSOR)
        np.maximum.at(tensors[:, TensorColumn.LAST_USE], nests[used, column], used)
    layers = (
        f"{network.layer_names[i]} {s.label}" if s else network.layer_names[i] for i, s in pieces
    )
    return replace(
        network,
        layer_names=tuple(layers),
        nests=nests,
        tensors=tensors,
        tensor_names=tuple(names),
        recipes=tuple(network.recipes[index] for index in origins),
        origins=origins,
    )
