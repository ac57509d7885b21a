"""Operators that have no lowering of their own, as several that have: a graph to a graph.

Dimensions change places so that the one in question is the last, or the first of two, and change
back behind it; what is repeated is put one behind the other. Everything new has the units of what
it is made of, so the integers are those of the operator that was there.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from apollo.compiler.ahead import ahead_of
from apollo.compiler.selecting import HIT, MOST_PLACES, Hits, Selection
from apollo.workloads.graph import Graph, GraphBuilder
from apollo.workloads.model import Model
from apollo.workloads.operators import (
    Binary,
    Concat,
    Gather,
    LayerNormalization,
    MatMul,
    Operator,
    Pad,
    PReLU,
    Reduce,
    Reshape,
    Slice,
    Softmax,
    Transpose,
)
from apollo.workloads.quantization import Quantization
from apollo.workloads.shapes import Shape


def legalize(graph: Graph, model: Model | None) -> tuple[Graph, Model | None]:
    """The graph, and the model of it, with such operators replaced; the same ones if it has none.

    Names of the graph's tensors, inputs and outputs stay.
    """
    rewriting = _Rewriting(graph, model.quantization if model else {})
    for operator in graph.operators:
        rule = _RULES.get(type(operator))
        if rule is None or not rule(rewriting, operator):
            rewriting.builder.add(operator)
    if not rewriting.is_changed:
        return graph, model
    legal = rewriting.builder.build(graph.outputs, graph.rows)
    if model is None:
        return legal, None
    changed = Model(legal, model.constants, rewriting.rules, model.rounding, model.left_out)
    return legal, changed


class _Rewriting:
    """The new graph so far, and the units of its tensors."""

    def __init__(self, graph: Graph, rules: Mapping[str, Quantization]) -> None:
        self.graph = graph
        self.rules = dict(rules)
        self.builder = GraphBuilder(graph.name, [graph.tensor(name) for name in graph.inputs])
        self.is_changed = False

    def shape(self, name: str) -> Shape:
        """Of a tensor made so far."""
        return self.builder.shape(name)

    def transposed(self, source: str, perm: Sequence[int], name: str, like: str = "") -> str:
        """Dimensions in another order; units are the source's, or those of `like`."""
        if [*perm] == sorted(perm):
            return source
        return self._add(Transpose(name, (source,), name, tuple(perm)), like or source)

    def reshaped(self, source: str, shape: Shape, name: str, like: str = "") -> str:
        """The same elements under another shape."""
        return self._add(Reshape(name, (source,), name, shape), like or source)

    def repeated(self, source: str, shape: Shape, name: str) -> str:
        """A tensor as often, along each dimension, as it goes into a shape of the same rank."""
        for axis, (have, want) in enumerate(zip(self.shape(source), shape, strict=True)):
            if have != want:
                label = f"{name}{axis}"
                join = Concat(label, (source,) * (want // have), label, axis)
                source = self._add(join, source)
        return source

    def _add(self, operator: Operator, like: str) -> str:
        if like in self.rules:
            self.rules.setdefault(operator.output, self.rules[like])
        self.is_changed = True
        return self.builder.add(operator)

    def add(self, operator: Operator, like: str = "") -> str:
        """An operator in the place of another one, with units as `like`."""
        return self._add(operator, like or operator.output)


def _with_rank(shape: Shape, rank: int) -> Shape:
    """The shape with as many ones before it as it lacks."""
    return (1,) * (rank - len(shape)) + shape


def _along_last(r: _Rewriting, operator: Operator, axis: int, each: Operator) -> bool:
    """Do it along the second of two dimensions; the result has the shape of the source."""
    source, output = operator.inputs[0], operator.output
    shape = r.shape(source)
    perm = [*(other for other in range(len(shape)) if other != axis), axis]
    turned = r.transposed(source, perm, f"{output}:turned")
    of_two = (math.prod(shape) // shape[axis], shape[axis])
    flat = r.reshaped(turned, of_two, f"{output}:flat")
    done = f"{output}:done"
    r.add(replace(each, inputs=(flat,), output=done), output)
    order = tuple(shape[other] for other in perm)
    if perm == sorted(perm):
        r.reshaped(done, order, output, output)
        return True
    back = r.reshaped(done, order, f"{output}:back", output)
    r.transposed(back, [perm.index(other) for other in range(len(perm))], output, output)
    return True


def _softmax(r: _Rewriting, operator: Softmax) -> bool:
    shape = r.shape(operator.inputs[0])
    last = len(shape) - 1
    is_images = len(shape) == 4 and shape[0] > 1
    if (operator.axis == last and not is_images) or (len(shape) == 4 and operator.axis == 1):
        return False
    return _along_last(r, operator, operator.axis, replace(operator, axis=1))


def _layer_normalization(r: _Rewriting, operator: LayerNormalization) -> bool:
    last = len(r.shape(operator.inputs[0])) - 1
    return last > 2 and _along_last(r, operator, last, operator)


def _pad(r: _Rewriting, operator: Pad) -> bool:
    """Dimensions that are not stored by themselves, one after the other as rows of one channel."""
    source, output = operator.inputs[0], operator.output
    shape, amounts = r.shape(source), [*zip(operator.before, operator.after, strict=True)]
    axes = [axis for axis, pair in enumerate(amounts) if any(pair)]
    if not axes or len(shape) in (1, 2, 4):
        return False
    # Items of a batch of sequences lie one below the other, so of several only channels are apart.
    if len(shape) == 3 and min(axes) >= (1 if shape[0] == 1 else 2):
        return False
    for axis in axes:
        inner = math.prod(shape[axis + 1 :])
        rows = (math.prod(shape[:axis]), 1, shape[axis], inner)
        seen = r.reshaped(source, rows, f"{output}:rows{axis}", output)
        before, after = ((0, 0, amount, 0) for amount in amounts[axis])
        label = f"{output}:padded{axis}"
        padded = r.add(Pad(label, (seen,), label, before, after, operator.value), output)
        shape = (*shape[:axis], shape[axis] + sum(amounts[axis]), *shape[axis + 1 :])
        name = output if axis == axes[-1] else f"{output}:back{axis}"
        source = r.reshaped(padded, shape, name, output)
    return True


def _prelu(r: _Rewriting, operator: PReLU) -> bool:
    source, output = operator.inputs[0], operator.output
    shape = r.shape(source)
    if len(shape) in (2, 4):
        return False
    image = (*shape[:2], math.prod(shape[2:]), 1)
    seen = r.reshaped(source, image, f"{output}:image")
    done = r.add(replace(operator, inputs=(seen,), output=f"{output}:done"), output)
    r.reshaped(done, shape, output, output)
    return True


def _reduce(r: _Rewriting, operator: Reduce) -> bool:
    source, output = operator.inputs[0], operator.output
    shape = r.shape(source)
    axes = {axis for axis in operator.axes if shape[axis] > 1}
    if _reduces_stored(shape, axes):
        return False
    perm = [*(axis for axis in range(len(shape)) if axis not in axes), *sorted(axes)]
    turned = r.transposed(source, perm, f"{output}:turned")
    each = math.prod(shape[axis] for axis in axes)
    flat = r.reshaped(turned, (math.prod(shape) // each, each), f"{output}:flat")
    done = f"{output}:done"
    r.add(replace(operator, inputs=(flat,), output=done, axes=(1,), keep=True), output)
    r.reshaped(done, r.graph.tensor(output).shape, output, output)
    return True


def _reduces_stored(shape: Shape, axes: set[int]) -> bool:
    """Whether the dimensions are coordinates of a stored tensor, so that windows reach them."""
    last, others = {len(shape) - 1}, set(range(len(shape) - 1))
    if not axes or (len(shape) == 4 and 0 not in axes):
        return True
    if len(shape) == 3 and axes in ({0}, {1}):
        return True
    return len(shape) < 4 and axes in (last, others, last | others)


def _matmul(r: _Rewriting, operator: MatMul) -> bool:
    (left, right), output = operator.inputs, operator.output
    wanted = r.graph.tensor(output).shape[:-2]
    repeats = {name for name in (left, right) if math.prod(r.shape(name)[:-2]) < math.prod(wanted)}
    if not repeats and not operator.transpose_left:
        return False
    if left in repeats:
        left = _repeated_matrices(r, left, wanted, f"{output}:left")
    if right in repeats:
        right = _repeated_matrices(r, right, wanted, f"{output}:right")
    if operator.transpose_left:
        rank = len(r.shape(left))
        perm = [*range(rank - 2), rank - 1, rank - 2]
        left = r.transposed(left, perm, f"{output}:turned")
    r.add(replace(operator, inputs=(left, right), transpose_left=False))
    return True


def _repeated_matrices(r: _Rewriting, name: str, leading: Shape, label: str) -> str:
    """The matrices of a tensor, as often as the leading dimensions say."""
    shape = r.shape(name)
    full = _with_rank(shape, len(leading) + 2)
    seen = name if full == shape else r.reshaped(name, full, f"{label}:seen")
    return r.repeated(seen, (*leading, *shape[-2:]), f"{label}:repeated")


def _binary(r: _Rewriting, operator: Binary) -> bool:
    """The first operand, repeated until it has the shape of the result."""
    shape = r.graph.tensor(operator.output).shape
    first, others = operator.inputs[0], operator.inputs[1:]
    second = operator.constant_shape or r.shape(others[0])
    is_stretched = [_with_rank(each, len(shape)) != shape for each in (r.shape(first), second)]
    if not all(is_stretched):
        return False
    full = _with_rank(r.shape(first), len(shape))
    seen = first if full == r.shape(first) else r.reshaped(first, full, f"{operator.output}:seen")
    repeated = r.repeated(seen, shape, f"{operator.output}:repeated")
    r.add(replace(operator, inputs=(repeated, *others)))
    return True


def _gather(r: _Rewriting, operator: Gather) -> bool:
    """Hits, and a product by them."""
    (data, indices), output = operator.inputs, operator.output
    items, places, *rest = r.shape(data)
    is_given = indices in r.graph.inputs or indices in ahead_of(r.graph)
    is_narrow = data not in r.rules or r.rules[data].bits == HIT.bits
    if not is_given or not is_narrow or places > MOST_PLACES:
        return False
    label = f"{output}:hits"
    r.rules[label] = HIT
    found = r.add(Hits(label, (indices,), label, places))
    entries = (items, places, math.prod(rest))
    flat = data if entries == r.shape(data) else r.reshaped(data, entries, f"{output}:entries")
    if len(rest) == 1:
        r.add(Selection(operator.name, (found, flat), output))
        return True
    taken = r.add(Selection(operator.name, (found, flat), f"{output}:taken"), output)
    r.reshaped(taken, r.graph.tensor(output).shape, output, output)
    return True


def _slice(r: _Rewriting, operator: Slice) -> bool:
    """Steps that no window takes: over a batch, or over channels."""
    source, output = operator.inputs[0], operator.output
    shape, steps = r.shape(source), operator.steps or (1,) * len(operator.axes)
    strided = {axis for axis, step in zip(operator.axes, steps, strict=True) if step > 1}
    windows = {4: {2, 3}, 2: {0}}.get(len(shape), {1} if len(shape) == 3 else set())
    cuts_images = len(shape) > 3 and 0 in operator.axes and len(operator.axes) > 1
    if strided <= windows and not cuts_images:
        return False
    for count, axis in enumerate(operator.axes):
        at, is_last = operator.axes.index(axis), count == len(operator.axes) - 1
        one = (operator.starts[at], operator.stops[at], steps[at])
        name = output if is_last else f"{output}:cut{axis}"
        source = _cut_rows(r, source, axis, one, name, output)
    return True


def _cut_rows(
    r: _Rewriting, source: str, axis: int, one: tuple[int, int, int], name: str, like: str
) -> str:
    """A cut along one dimension, as rows of an image of one channel."""
    shape, (start, stop, step) = r.shape(source), one
    perm = [axis, *(other for other in range(len(shape)) if other != axis)]
    turned = r.transposed(source, perm, f"{name}:turned{axis}")
    image = (1, 1, shape[axis], math.prod(shape) // shape[axis])
    flat = r.reshaped(turned, image, f"{name}:flat{axis}")
    label = f"{name}:rows{axis}"
    cut = Slice(label, (flat,), label, (2,), (start,), (stop,), (step,))
    done = r.add(cut, like)
    order = (len(range(start, stop, step)), *(shape[other] for other in perm[1:]))
    if axis == 0:
        return r.reshaped(done, order, name, like)
    back = r.reshaped(done, order, f"{name}:back{axis}", like)
    return r.transposed(back, [perm.index(other) for other in range(len(perm))], name, like)


_RULES: dict[type[Operator], Callable[[_Rewriting, Any], bool]] = {
    Binary: _binary,
    Gather: _gather,
    LayerNormalization: _layer_normalization,
    MatMul: _matmul,
    Pad: _pad,
    PReLU: _prelu,
    Reduce: _reduce,
    Slice: _slice,
    Softmax: _softmax,
}
