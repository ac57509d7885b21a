"""Import of the operators that cut tensors, join them and repeat them."""

import numpy as np

from apollo.workloads.onnx.context import Importing
from apollo.workloads.onnx.node import Node
from apollo.workloads.operators import Concat, Embedding, Pad, Reshape, Slice, Split
from apollo.workloads.shapes import Shape, elements

MOST_PARTS = 256  # of a concatenation that stands for something else


def concat(node: Node, importing: Importing) -> None:
    """Tensors one after the other; constants of one value at the ends are padding."""
    computed = [i for i in range(len(node.inputs)) if not importing.is_constant(node, i)]
    if not computed:
        raise node.fail("must have a computed tensor among its inputs")
    sources = tuple(importing.tensor(node, index) for index in computed)
    rank = len(importing.draft.shape(sources[0]))
    axis = node.get("axis", 1) % rank
    before, after = _borders(node, importing, computed, axis)
    if not sum(before[1:]) and not sum(after[1:]):
        importing.add(Concat(node.name, sources, node.output, axis))
        return
    joined = sources[0]
    if len(sources) > 1:
        output = f"{node.output}/joined"
        joined = importing.add(Concat(f"{node.name}/join", sources, output, axis)).output
    value = {amount[0] for amount in (before, after) if sum(amount[1:])}
    if len(value) > 1:
        raise node.fail("must not have constants of different values at its ends")
    rows = [[amount[1] if i == axis else 0 for i in range(rank)] for amount in (before, after)]
    importing.add(
        Pad(node.name, (joined,), node.output, tuple(rows[0]), tuple(rows[1]), float(value.pop()))
    )


def _borders(
    node: Node, importing: Importing, computed: list[int], axis: int
) -> tuple[tuple[float, int], tuple[float, int]]:
    """Value and extent of the constants before and behind the computed inputs."""
    found: list[tuple[float, int]] = []
    ends = (range(computed[0]), range(computed[-1] + 1, len(node.inputs)))
    inside = len(node.inputs) - sum(len(end) for end in ends) - len(computed)
    if inside:
        raise node.fail("must not have a constant between computed inputs")
    for end in ends:
        values = [importing.small(node, index) for index in end]
        parts = [value for value in values if value is not None and value.size]
        kinds = {float(value) for part in parts for value in np.unique(part)[:2]}
        if len(kinds) > 1:
            raise node.fail("must not have constants of several values")
        found.append((kinds.pop() if kinds else 0.0, sum(part.shape[axis] for part in parts)))
    return found[0], found[1]


def slice(node: Node, importing: Importing) -> None:
    """Part of a tensor between constant bounds; a negative step turns nothing round."""
    shape = importing.shape(node)
    starts, stops = _bounds(node, importing, "starts", 1), _bounds(node, importing, "ends", 2)
    axes = _bounds(node, importing, "axes", 3) or [*range(len(starts))]
    steps = _bounds(node, importing, "steps", 4) or [1] * len(starts)
    cuts: list[tuple[int, int, int, int]] = []
    for axis, start, stop, step in zip(axes, starts, stops, steps, strict=True):
        if step < 1:
            raise node.fail(f"must have positive steps, not {step}")
        first, last, _ = np.s_[start:stop:step].indices(shape[axis % len(shape)])
        if (first, last, step) != (0, shape[axis % len(shape)], 1):
            cuts.append((axis % len(shape), first, last, step))
    _cut(node, importing, cuts)


def _cut(node: Node, importing: Importing, cuts: list[tuple[int, int, int, int]]) -> None:
    if not cuts:
        importing.skip(node)
        return
    axes, starts, stops, steps = (tuple(column) for column in zip(*sorted(cuts), strict=True))
    steps = () if set(steps) == {1} else steps
    sources = (importing.tensor(node),)
    importing.add(Slice(node.name, sources, node.output, axes, starts, stops, steps))


def _bounds(node: Node, importing: Importing, name: str, index: int) -> list[int]:
    given = importing.small(node, index)
    return [int(value) for value in (node.get(name, ()) if given is None else given.ravel())]


def split(node: Node, importing: Importing) -> None:
    """Parts of stated or equal sizes."""
    shape = importing.shape(node)
    axis = node.get("axis", 0) % len(shape)
    sizes = _bounds(node, importing, "split", 1)
    if not sizes:
        count = len(node.outputs)
        each = -(-shape[axis] // count)
        sizes = [each] * (count - 1) + [shape[axis] - each * (count - 1)]
    if len(sizes) == 1:
        importing.skip(node)
        return
    names = tuple(name or f"{node.name}/{i}" for i, name in enumerate(node.outputs))
    sources = (importing.tensor(node),)
    importing.add(Split(node.name, sources, names[0], tuple(sizes), names[1:], axis))


def pad(node: Node, importing: Importing) -> None:
    """Constant elements around a tensor."""
    shape, mode = importing.shape(node), node.text("mode", "constant")
    amounts = _bounds(node, importing, "pads", 1)
    axes = [axis % len(shape) for axis in _bounds(node, importing, "axes", 3)]
    axes = axes or [*range(len(shape))]
    value = importing.small(node, 2)
    before, after = [0] * len(shape), [0] * len(shape)
    for place, axis in enumerate(axes):
        before[axis], after[axis] = amounts[place], amounts[place + len(axes)]
    if not any(amounts):
        importing.skip(node)
    elif mode == "constant":
        number = float(node.get("value", 0.0) if value is None else value.item())
        sources = (importing.tensor(node),)
        importing.add(Pad(node.name, sources, node.output, tuple(before), tuple(after), number))
    elif mode in ("reflect", "edge"):
        _mirror(node, importing, before, after, mode)
    else:
        raise node.fail(f"must not pad by mode {mode!r}")


def _mirror(
    node: Node, importing: Importing, before: list[int], after: list[int], mode: str
) -> None:
    """Elements near the border repeated: positions taken one by one along one axis."""
    axes = [axis for axis in range(len(before)) if before[axis] or after[axis]]
    if len(axes) != 1 or sum(before) + sum(after) > MOST_PARTS:
        raise node.fail(f"must pad one dimension by at most {MOST_PARTS} in mode {mode!r}")
    axis, source = axes[0], importing.tensor(node)
    size = importing.draft.shape(source)[axis]
    places = np.pad(np.arange(size), (before[axis], after[axis]), mode)  # type: ignore[call-overload]
    inner = (before[axis], before[axis] + size)
    parts = [
        *(_take(node, importing, source, axis, int(place)) for place in places[: inner[0]]),
        source,
        *(_take(node, importing, source, axis, int(place)) for place in places[inner[1] :]),
    ]
    importing.add(Concat(node.name, tuple(parts), node.output, axis))


def _take(node: Node, importing: Importing, source: str, axis: int, place: int) -> str:
    """One position of a dimension, which stays with extent 1."""
    output = f"{node.output}/{place}"
    if output not in importing.draft:
        cut = Slice(f"{node.name}/{place}", (source,), output, (axis,), (place,), (place + 1,))
        importing.add(cut)
    return output


def gather(node: Node, importing: Importing) -> None:
    """Constant positions of a tensor, or rows of a stored table by computed indices."""
    axis = node.get("axis", 0)
    if importing.is_constant(node, 0):
        table = importing.stored(node, 0)
        if len(table.shape) != 2 or axis % 2:
            raise node.fail(f"must take rows of a table (n, c), not along {axis} of {table.shape}")
        sources = (importing.tensor(node, 1),)
        importing.add(Embedding(node.name, sources, node.output, *table.shape), table=table)
        return
    shape, indices = importing.shape(node), importing.small(node, 1)
    if indices is None:
        raise node.fail("must have indices")
    _positions(node, importing, shape, axis % len(shape), indices)


def _positions(
    node: Node, importing: Importing, shape: Shape, axis: int, indices: np.ndarray
) -> None:
    places = [int(place) % shape[axis] for place in indices.ravel()]
    target = (*shape[:axis], *indices.shape, *shape[axis + 1 :]) or (1,)
    flat = (*shape[:axis], len(places), *shape[axis + 1 :])
    output = node.output if flat == target else f"{node.output}/taken"
    source = importing.tensor(node)
    first, last = places[0], places[-1] + 1
    if places == [*range(first, last)]:
        importing.add(Slice(node.name, (source,), output, (axis,), (first,), (last,)))
    elif len(places) <= MOST_PARTS:
        parts = tuple(_take(node, importing, source, axis, place) for place in places)
        importing.add(Concat(node.name, parts, output, axis))
    else:
        raise node.fail(f"must take neighbours or at most {MOST_PARTS} positions")
    if flat != target:
        importing.add(Reshape(f"{node.name}/reshape", (output,), node.output, target))


def expand(node: Node, importing: Importing) -> None:
    """Dimensions of extent 1 repeated to a constant shape."""
    wanted = _bounds(node, importing, "shape", 1)
    shape = importing.shape(node)
    rank = max(len(wanted), len(shape))
    shape = (1,) * (rank - len(shape)) + shape
    wanted = [1] * (rank - len(wanted)) + wanted
    counts = [size if had == 1 else 1 for had, size in zip(shape, wanted, strict=True)]
    _repeat(node, importing, shape, counts)


def tile(node: Node, importing: Importing) -> None:
    """Dimensions repeated a constant number of times."""
    _repeat(node, importing, importing.shape(node), _bounds(node, importing, "repeats", 1))


def _repeat(node: Node, importing: Importing, shape: Shape, counts: list[int]) -> None:
    if elements(tuple(counts)) > MOST_PARTS:
        raise node.fail(f"must repeat at most {MOST_PARTS} times, not {counts}")
    source = importing.reshaped(node, importing.tensor(node), shape)
    for axis, count in enumerate(counts):
        if count > 1:
            output = f"{node.output}/{axis}"
            source = importing.add(
                Concat(f"{node.name}/{axis}", (source,) * count, output, axis)
            ).output
    importing.alias(node.output, source)
