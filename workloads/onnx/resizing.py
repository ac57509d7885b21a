"""Import of resizes: the many conventions of ONNX, as far as one of our grids is the same."""

import math

from apollo.workloads.onnx.context import Importing
from apollo.workloads.onnx.node import Node
from apollo.workloads.operators import Resize, ResizeGrid, ResizeKind
from apollo.workloads.resampling import nearest
from apollo.workloads.shapes import Pair, Shape

GRIDS = {
    "half_pixel": ResizeGrid.HALF_PIXEL,
    "pytorch_half_pixel": ResizeGrid.HALF_PIXEL,
    "half_pixel_symmetric": ResizeGrid.HALF_PIXEL,
    "align_corners": ResizeGrid.CORNERS,
    "asymmetric": ResizeGrid.ASYMMETRIC,
}


def resize(node: Node, importing: Importing) -> None:
    """An image at another size, its channels kept."""
    shape = importing.shape(node)
    sizes, scales = _target(node, importing, shape)
    if len(shape) == 3:  # one dimension, as an image of one row
        wide: Shape = (*shape[:2], 1, shape[2])
        source = importing.reshaped(node, importing.tensor(node), wide)
        sizes, scales = (*sizes[:2], 1, sizes[2]), [*scales[:2], 1.0, scales[2]]
    else:
        wide, source = shape, importing.tensor(node)
    if len(wide) != 4 or sizes[:2] != wide[:2]:
        raise node.fail(f"must resize height and width, not {shape} to {sizes}")
    size = (sizes[2], sizes[3])
    if size == wide[2:]:
        importing.skip(node)
        return
    default = "asymmetric" if node.kind == "Upsample" else "half_pixel"
    mode = node.text("coordinate_transformation_mode", default)
    kind, grid = _rule(node, wide, size, scales, mode)
    output = f"{node.output}/image" if len(shape) == 3 else node.output
    importing.add(Resize(node.name, (source,), output, kind, size, grid))
    if len(shape) == 3:
        importing.reshaped(node, output, (*sizes[:2], sizes[3]), node.output)


def _target(node: Node, importing: Importing, shape: Shape) -> tuple[Shape, list[float]]:
    """Sizes and scales of all dimensions."""
    axes = [axis % len(shape) for axis in node.get("axes", range(len(shape)))]
    index = 1 if node.kind == "Upsample" or importing.opset < 11 else 2
    given, stated = importing.small(node, index), importing.small(node, 3)
    if node.kind == "Upsample" and given is None:
        given = node.get("scales", None)
    scales, sizes = [1.0] * len(shape), [*shape]
    if stated is not None and stated.size:
        for axis, size in zip(axes, stated.ravel(), strict=True):
            sizes[axis], scales[axis] = int(size), int(size) / shape[axis]
    elif given is not None and len(given):
        for axis, scale in zip(axes, given, strict=True):
            sizes[axis] = math.floor(shape[axis] * float(scale))
            scales[axis] = float(scale)
    else:
        raise node.fail("must have sizes or scales")
    return tuple(sizes), scales


def _rule(
    node: Node, shape: Shape, size: Pair, scales: list[float], mode: str
) -> tuple[ResizeKind, ResizeGrid]:
    """Kind and grid that give the same positions as ONNX's words."""
    kind = node.text("mode", "nearest")
    if mode not in GRIDS or kind not in ("nearest", "linear"):
        raise node.fail(f"must not resize by {kind!r} with {mode!r}")
    if any(
        scales[axis] != 1 and abs(scales[axis] * shape[axis] - size[axis - 2]) > 1e-3
        for axis in (2, 3)
    ):
        raise node.fail(f"must have scales that give whole sizes, not {scales[2:]}")
    if kind == "linear":
        if node.get("antialias", 0) and (size[0] < shape[2] or size[1] < shape[3]):
            raise node.fail("must not be antialiased")
        return ResizeKind.BILINEAR, GRIDS[mode]
    rounding = node.text("nearest_mode", "round_prefer_floor")
    if node.kind == "Upsample":
        rounding = "floor"
    for grid in (GRIDS[mode], *ResizeGrid):
        if all(
            [nearest(grid, i, shape[2 + a], size[a]) for i in range(size[a])]
            == [_nearest(mode, rounding, i, shape[2 + a], size[a]) for i in range(size[a])]
            for a in range(2)
        ):
            return ResizeKind.NEAREST, grid
    raise node.fail(f"must not take the nearest element by {mode!r} and {rounding!r}")


def _nearest(mode: str, rounding: str, place: int, before: int, after: int) -> int:
    """The position that ONNX takes for one of the output."""
    if mode == "asymmetric":
        position = place * before / after
    elif mode == "align_corners":
        position = place * (before - 1) / (after - 1) if after > 1 else 0.0
    elif mode == "pytorch_half_pixel" and after == 1:
        position = 0.0
    else:
        position = (place + 0.5) * before / after - 0.5
    rule = {
        "floor": math.floor,
        "ceil": math.ceil,
        "round_prefer_ceil": lambda value: math.floor(value + 0.5),
        "round_prefer_floor": lambda value: math.ceil(value - 0.5),
    }[rounding]
    return min(max(int(rule(position)), 0), before - 1)
