"""Operators that have no lowering of their own, as several that have: a graph to a graph.

Dimensions change places so that the one in question is the last, or the first of two, and change
back behind it; what is repeated is put one behind the other. Everything new has the units of what
it is made of, so the integers are those of the operator that was there.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import groupby
from typing import Any

from apollo.compiler import legalize_moves as moves
from apollo.compiler.rewriting import Rewriting
from apollo.compiler.storage import dims_of
from apollo.workloads.graph import Graph
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
    Slice,
    Softmax,
    Split,
)
from apollo.workloads.shapes import Shape


def legalize(graph: Graph, model: Model | None) -> tuple[Graph, Model | None]:
    """The graph, and the model of it, with such operators replaced; the same ones if it has none.

    Names of the graph's tensors, inputs and outputs stay.
    """
    while True:
        rewriting = Rewriting(graph, model.quantization if model else {})
        for operator in graph.operators:
            rule = _RULES.get(type(operator))
            if rule is None or not rule(rewriting, operator):
                rewriting.builder.add(operator)
        if not rewriting.is_changed:
            return graph, model
        # Again: what an operator became may be in need of it.
        graph = rewriting.builder.build(graph.outputs, graph.rows)
        if model is not None:
            rules = rewriting.rules
            model = Model(graph, model.constants, rules, model.rounding, model.left_out)


def _with_rank(shape: Shape, rank: int) -> Shape:
    """The shape with as many ones before it as it lacks."""
    return (1,) * (rank - len(shape)) + shape


def _along_last(r: Rewriting, operator: Operator, axis: int, each: Operator) -> bool:
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


def _softmax(r: Rewriting, operator: Softmax) -> bool:
    shape = r.shape(operator.inputs[0])
    last = len(shape) - 1
    is_images = len(shape) == 4 and shape[0] > 1
    if (operator.axis == last and not is_images) or (len(shape) == 4 and operator.axis == 1):
        return False
    return _along_last(r, operator, operator.axis, replace(operator, axis=1))


def _layer_normalization(r: Rewriting, operator: LayerNormalization) -> bool:
    last = len(r.shape(operator.inputs[0])) - 1
    return last > 2 and _along_last(r, operator, last, operator)


def _prelu(r: Rewriting, operator: PReLU) -> bool:
    source, output = operator.inputs[0], operator.output
    shape = r.shape(source)
    if len(shape) in (2, 4):
        return False
    image = (*shape[:2], math.prod(shape[2:]), 1)
    seen = r.reshaped(source, image, f"{output}:image")
    done = r.add(replace(operator, inputs=(seen,), output=f"{output}:done"), output)
    r.reshaped(done, shape, output, output)
    return True


def _reduce(r: Rewriting, operator: Reduce) -> bool:
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


def _matmul(r: Rewriting, operator: MatMul) -> bool:
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


def _repeated_matrices(r: Rewriting, name: str, leading: Shape, label: str) -> str:
    """The matrices of a tensor, as often as the leading dimensions say."""
    shape = r.shape(name)
    full = _with_rank(shape, len(leading) + 2)
    seen = name if full == shape else r.reshaped(name, full, f"{label}:seen")
    return r.repeated(seen, (*leading, *shape[-2:]), f"{label}:repeated")


def _binary(r: Rewriting, operator: Binary) -> bool:
    """The first operand, repeated until it has the shape of the result; or both seen otherwise."""
    shape = r.graph.tensor(operator.output).shape
    first, others = operator.inputs[0], operator.inputs[1:]
    second = operator.constant_shape or r.shape(others[0])
    full, small = (_with_rank(each, len(shape)) for each in (r.shape(first), second))
    if shape not in (full, small):
        seen = first if full == r.shape(first) else r.reshaped(first, full, f"{first}:full")
        repeated = r.repeated(seen, shape, f"{operator.output}:repeated")
        r.add(replace(operator, inputs=(repeated, *others)))
        return True
    return _seen_otherwise(r, operator, full, small)


def _seen_otherwise(r: Rewriting, operator: Binary, first: Shape, second: Shape) -> bool:
    """Dimensions joined that are repeated, or are not, together; under another shape."""
    shape, output = r.graph.tensor(operator.output).shape, operator.output
    small = second if first == shape else first
    if all(each in (1, size) for size, each in zip(dims_of(shape), dims_of(small), strict=True)):
        return False
    runs = [[*run] for _, run in groupby(range(len(shape)), lambda axis: small[axis] == 1)]
    if len(runs) > _MOST_RUNS:
        return False
    views = [
        _image(math.prod(each[axis] for axis in run) for run in runs) for each in (first, second)
    ]
    inputs = tuple(
        r.reshaped(name, view, f"{output}:operand{number}")
        for number, (name, view) in enumerate(zip(operator.inputs, views, strict=False))
    )
    constant = None if operator.constant_shape is None else views[1]
    seen = replace(operator, inputs=inputs, output=f"{output}:image", constant_shape=constant)
    r.reshaped(r.add(seen, output), shape, output, output)
    return True


def _image(sizes: Iterable[int]) -> Shape:
    """Of three sizes the first as images; others as they are."""
    first, *others = sizes
    return (first, 1, *others) if len(others) == 2 else (first, *others)


_MOST_RUNS = 4
_RULES: dict[type[Operator], Callable[[Rewriting, Any], bool]] = {
    Binary: _binary,
    Concat: moves.concat,
    Gather: moves.gather,
    LayerNormalization: _layer_normalization,
    MatMul: _matmul,
    Pad: moves.pad,
    PReLU: _prelu,
    Reduce: _reduce,
    Slice: moves.cut,
    Softmax: _softmax,
    Split: moves.split,
}
