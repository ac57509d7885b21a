"""Strips of rows in plain Python, row by row: what the kernels that cut must give."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from apollo.arch.isa import Opcode
from apollo.compiler.network import Network
from apollo.compiler.strips import Segment
from apollo.compiler.tables import IN_ORDER, NO_TENSOR, TENSOR_COLUMNS, Ints, Nest, TensorColumn

_OPERANDS = (Nest.SOURCE, Nest.SECOND, Nest.DESTINATION)
_AXES = (
    ("ROWS", TensorColumn.TOP, TensorColumn.BOTTOM),
    ("COLUMNS", TensorColumn.LEFT, TensorColumn.RIGHT),
)


@dataclass(frozen=True)
class Plain:
    """Tables, and names of what they have."""

    nests: Ints
    tensors: Ints
    layer_names: tuple[str, ...]
    tensor_names: tuple[str, ...]
    origins: Ints


def plain_inside(network: Network, first: int, last: int) -> set[int] | None:
    """The tensors that only these nests touch; None where they cannot be cut."""
    own = range(first, last + 1)
    nests = network.nests
    if any(nests[i, Nest.PERMUTATION] != IN_ORDER or nests[i, Nest.DYNAMIC] for i in own):
        return None
    others = {
        int(tensor) for i, nest in enumerate(nests) if i not in own for tensor in nest[[*_OPERANDS]]
    }
    others |= {*map(int, np.flatnonzero(network.tensors[:, TensorColumn.IN_DRAM]))}
    result = int(nests[last, Nest.DESTINATION])
    found = {int(nests[i, Nest.DESTINATION]) for i in own} - {result}
    return found if found and not found & others else None


def plain_cut(network: Network, segments: Sequence[Segment]) -> Plain | None:
    """The tables with segments cut into strips; None where a strip would be empty."""
    cut = _Cut(network)
    begin = 0
    for segment in sorted(segments):
        cut.append_wholes(begin, segment.first)
        for strip in range(segment.strips):
            if not cut.append_strip(segment, strip):
                return None
        begin = segment.last + 1
    cut.append_wholes(begin, len(network.nests))
    return cut.finished()


class _Cut:
    """Grows by nests and tensors."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.nests: list[Ints] = []
        self.tensors = [*network.tensors.copy()]
        self.names: list[str] = []
        self.tensor_names = [*network.tensor_names]
        self.origins: list[int] = []
        self.parts: list[Ints] = []

    def append_wholes(self, first: int, behind: int) -> None:
        """Nests as they are."""
        for index in range(first, behind):
            self._append(index, self.network.nests[index].copy(), "")

    def append_strip(self, segment: Segment, strip: int) -> bool:
        """The nests of a strip, and the tensors that it has for itself; False: it is empty."""
        nests, tensors = self.network.nests, self.network.tensors
        own = plain_inside(self.network, segment.first, segment.last)
        assert own is not None
        label = f" {strip + 1}/{segment.strips}"
        result = nests[segment.last, Nest.DESTINATION]
        total = tensors[result, TensorColumn.ROWS]
        share = range(total * strip // segment.strips, total * (strip + 1) // segment.strips)
        needed: dict[int, range] = {int(result): share}
        results: dict[int, list[int]] = {}
        for index in range(segment.last, segment.first - 1, -1):
            n = nests[index]
            wanted = needed.get(int(n[Nest.DESTINATION]), range(0))
            found = [r for r in range(n[Nest.ROWS]) if _row_of(n, r) in wanted]
            if not found:
                continue
            results[index] = found
            for tensor, rows in _reads(n, tensors, found):
                if tensor in own and not rows:
                    return False
                if tensor in own:
                    rows |= {*needed.get(tensor, ())}
                    needed[tensor] = range(min(rows), max(rows) + 1)
        if needed.keys() != {int(nests[index, Nest.DESTINATION]) for index in results}:
            return False
        homes = {tensor: self._home(tensor, needed[tensor], label) for tensor in own & {*needed}}
        for index in sorted(results):
            n = _part(nests[index], tensors, results[index][0], len(results[index]))
            self._move(n, homes, needed)
            self._append(index, n, label)
            self.parts.append(n)
        return True

    def _home(self, tensor: int, rows: range, label: str) -> int:
        t = self.network.tensors[tensor].copy()
        t[TensorColumn.ROWS] = len(rows)
        t[[TensorColumn.TOP, TensorColumn.BOTTOM, TensorColumn.LEFT, TensorColumn.RIGHT]] = 0
        t[TensorColumn.ALIGN_ROWS : TENSOR_COLUMNS] = 1
        self.tensors.append(t)
        self.tensor_names.append(self.network.tensor_names[tensor] + label)
        return len(self.tensors) - 1

    def _move(self, n: Ints, homes: dict[int, int], needed: dict[int, range]) -> None:
        """What a nest reads and writes is in the strip's tensors, which begin with other rows."""
        columns = (Nest.PAD_ROWS, 1), (Nest.SECOND_ROW, -1), (Nest.FIRST_ROW, -1)
        n[Nest.IS_PART] |= int(n[Nest.DESTINATION]) not in homes
        for operand, (column, sign) in zip(_OPERANDS, columns, strict=True):
            tensor = int(n[operand])
            if tensor in homes:
                n[operand] = homes[tensor]
                n[column] += sign * needed[tensor].start

    def _append(self, index: int, n: Ints, label: str) -> None:
        self.origins.append(index)
        self.nests.append(n)
        self.names.append(self.network.layer_names[index] + label)

    def finished(self) -> Plain:
        """All of it, with what depends on the order."""
        shares = [int(n[Nest.SHARES]) for n in self.nests]
        for tensor, t in enumerate(self.tensors):
            uses = (i for i, n in enumerate(self.nests) if tensor in n[[*_OPERANDS]])
            t[TensorColumn.LAST_USE] = max(uses, default=0)
        for n, share in zip(self.nests, shares, strict=True):
            n[Nest.SHARES] = shares.index(share)
        plain_margins(self.parts, self.tensors)
        nests, tensors = np.array(self.nests), np.array(self.tensors)
        names = tuple(self.names), tuple(self.tensor_names)
        return Plain(nests, tensors, *names, np.array(self.origins))


def _row_of(n: Ints, result: int) -> int:
    """The destination's row that a result is."""
    return int(n[Nest.FIRST_ROW] + result * n[Nest.RESULT_ROWS])


def _reads(n: Ints, tensors: Ints, results: list[int]) -> Iterator[tuple[int, set[int]]]:
    """Rows of its operands that results read, those that none reads with the results before."""
    last = int(n[Nest.ROWS]) - 1
    windows = (
        (n[Nest.SOURCE], -n[Nest.PAD_ROWS], n[Nest.EXTENT_ROWS]),
        (
            n[Nest.SECOND],
            n[Nest.SECOND_ROW],
            1,
        ),
    )
    for tensor, start, extent in windows:
        if tensor == NO_TENSOR:
            continue
        size = int(tensors[tensor, TensorColumn.ROWS])
        rows: set[int] = set()
        for result in results:
            begin = start + result * n[Nest.STRIDE_ROWS]
            end = begin + max(n[Nest.STRIDE_ROWS], extent)
            rows |= {*range(begin if result else 0, end if result < last else size)}
        is_stretched = tensor == n[Nest.SECOND] and size == 1 and last > 0
        yield int(tensor), {0} if is_stretched else rows & {*range(size)}


def _part(nest: Ints, tensors: Ints, first: int, rows: int) -> Ints:
    """A nest from its `first` result row on."""
    n = nest.copy()
    second = n[Nest.SECOND]
    n[Nest.ROWS] = rows
    n[Nest.FIRST_ROW] = _row_of(nest, first)
    n[Nest.PAD_ROWS] -= first * n[Nest.STRIDE_ROWS]
    if second != NO_TENSOR and (tensors[second, TensorColumn.ROWS] > 1 or nest[Nest.ROWS] == 1):
        n[Nest.SECOND_ROW] += first * n[Nest.STRIDE_ROWS]
    return n


def plain_margins(nests: Sequence[Ints], tensors: Sequence[Ints]) -> None:
    """Enter what nests ask for around what they read, the last nest first."""
    for n in reversed(nests):
        for axis, before, behind in _AXES if n[Nest.PERMUTATION] == IN_ORDER else ():
            outputs, stride = n[Nest[axis]], n[Nest[f"STRIDE_{axis}"]]
            extent, pad = n[Nest[f"EXTENT_{axis}"]], n[Nest[f"PAD_{axis}"]]
            size, align = TensorColumn[axis], TensorColumn[f"ALIGN_{axis}"]
            step, source = TensorColumn[f"STEP_{axis}"], tensors[n[Nest.SOURCE]]
            if n[Nest.OPCODE] < Opcode.ADD:
                end = (outputs - 1) * stride - pad + extent
                wanted = [source[behind], end - source[size]]
                if outputs > 1 and pad >= 0 and extent - pad <= source[size] // 2 + 1:
                    wanted.append(extent - stride - pad)
                source[before] = max(source[before], pad)
                source[behind] = max(wanted)
            if outputs == 1:
                continue
            common = stride * tensors[n[Nest.DESTINATION]][align]
            common = stride if common > 8 else common
            source[step] = max(source[step], stride)
            for tensor in n[[Nest.SOURCE, Nest.SECOND]]:
                if tensor == n[Nest.SOURCE] or (tensor >= 0 and tensors[tensor][size] > 1):
                    tensors[tensor][align] = max(tensors[tensor][align], common)
