"""Operators that move elements along dimensions that are not stored by themselves, as several."""

import math
from dataclasses import replace

from apollo.compiler.ahead import ahead_of
from apollo.compiler.rewriting import Rewriting, by_itself
from apollo.compiler.selecting import HIT, MOST_PLACES, Hits, Selection
from apollo.workloads.operators import Concat, Gather, Pad, Slice, Split


def concat(r: Rewriting, operator: Concat) -> bool:
    """Along a dimension that is not stored by itself."""
    shape, axis, output = r.shape(operator.inputs[0]), operator.axis, operator.output
    is_apart = len(shape) < 5 and not (len(shape) == 3 and axis == 1 and shape[0] > 1)
    if is_apart:
        return False
    views = [by_itself(r.shape(name), axis) for name in operator.inputs]
    seen = tuple(
        r.reshaped(name, view, f"{output}:part{number}")
        for number, (name, (view, _)) in enumerate(zip(operator.inputs, views, strict=True))
    )
    joined = f"{output}:joined"
    r.add(replace(operator, inputs=seen, output=joined, axis=views[0][1]), output)
    r.reshaped(joined, r.graph.tensor(output).shape, output, output)
    return True


def split(r: Rewriting, operator: Split) -> bool:
    """Of a batch of images, or of what has more dimensions: one cut for every part."""
    shape, first = r.shape(operator.inputs[0]), 0
    if len(shape) < 4 or (len(shape) == 4 and operator.axis > 0):
        return False
    for number, (name, size) in enumerate(zip(operator.outputs, operator.sizes, strict=True)):
        label = f"{operator.name}:part{number}"
        bounds = (operator.axis,), (first,), (first + size,)
        r.add(Slice(label, operator.inputs, name, *bounds))
        first += size
    return True


def gather(r: Rewriting, operator: Gather) -> bool:
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


def pad(r: Rewriting, operator: Pad) -> bool:
    """Dimensions that are not stored by themselves, one after the other."""
    source, output = operator.inputs[0], operator.output
    shape, amounts = r.shape(source), [*zip(operator.before, operator.after, strict=True)]
    axes = [axis for axis, pair in enumerate(amounts) if any(pair)]
    if not axes or len(shape) in (1, 2, 4):
        return False
    # Items of a batch of sequences lie one below the other, so of several only channels are apart.
    if len(shape) == 3 and min(axes) >= (1 if shape[0] == 1 else 2):
        return False
    for axis in axes:
        view, place = by_itself(shape, axis)
        seen = r.reshaped(source, view, f"{output}:rows{axis}", output)
        before, after = (
            tuple(amount if at == place else 0 for at in range(len(view)))
            for amount in amounts[axis]
        )
        label = f"{output}:padded{axis}"
        padded = r.add(Pad(label, (seen,), label, before, after, operator.value), output)
        shape = (*shape[:axis], shape[axis] + sum(amounts[axis]), *shape[axis + 1 :])
        name = output if axis == axes[-1] else f"{output}:back{axis}"
        source = r.reshaped(padded, shape, name, output)
    return True


def cut(r: Rewriting, operator: Slice) -> bool:
    """Steps that no window takes: over a batch, or over channels."""
    source, output = operator.inputs[0], operator.output
    shape, steps = r.shape(source), operator.steps or (1,) * len(operator.axes)
    strided = {axis for axis, step in zip(operator.axes, steps, strict=True) if step > 1}
    windows = {4: {2, 3}, 2: {0}}.get(len(shape), {1} if len(shape) == 3 else set())
    cuts_images = len(shape) > 3 and 0 in operator.axes and len(operator.axes) > 1
    is_apart = len(shape) < 5 or operator.axes == (0,)
    if is_apart and strided <= windows and not cuts_images:
        return False
    for count, axis in enumerate(operator.axes):
        at, is_last = operator.axes.index(axis), count == len(operator.axes) - 1
        one = (operator.starts[at], operator.stops[at], steps[at])
        name = output if is_last else f"{output}:cut{axis}"
        source = _cut_rows(r, source, axis, one, name, output)
    return True


def _cut_rows(
    r: Rewriting, source: str, axis: int, one: tuple[int, int, int], name: str, like: str
) -> str:
    """A cut along one dimension, as rows of an image of one channel."""
    shape, (start, stop, step) = r.shape(source), one
    if len(shape) > 4 and step == 1:
        view, place = by_itself(shape, axis)
        seen = r.reshaped(source, view, f"{name}:seen{axis}")
        label = f"{name}:cut"
        done = r.add(Slice(label, (seen,), label, (place,), (start,), (stop,)), like)
        return r.reshaped(done, (*shape[:axis], stop - start, *shape[axis + 1 :]), name, like)
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
