"""A network over values of some parameters: what each brings, and how sensitive the latency is.

The sensitivity is the elasticity d ln latency / d ln parameter of a following inference: -1 where
twice the parameter halves the latency, 0 where it changes nothing.
"""

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields

from apollo.arch.accelerator import Accelerator
from apollo.arch.area import area_of
from apollo.arch.space import PARAMETERS
from apollo.arch.text import suggestion
from apollo.compiler.errors import DoesNotFit
from apollo.search.levers import BATCH, changed
from apollo.search.measure import Measurement, compute_shares, measure_graph
from apollo.search.numbers import parse_numbers
from apollo.search.workload import Workload

SIZE = "size"  # of the network
MOST_POINTS = 4096
_CHOICES = {parameter.name: parameter.choices for parameter in PARAMETERS}
Values = Mapping[str, int]  # by axis


@dataclass(frozen=True)
class Axis:
    """A parameter and the values that it takes, ascending."""

    name: str
    values: tuple[int, ...]


@dataclass(frozen=True)
class Figures:
    """What a point comes to."""

    latency_ms: float  # of a first inference
    warm_latency_ms: float
    throughput_per_s: float
    energy_uj: float
    area_mm2: float
    bound_by: str  # what the compute engine does with most of a following inference
    bound_share: float


@dataclass(frozen=True)
class Point:
    """One combination of values: its figures, or why it has none."""

    values: Values
    figures: Figures | None
    reason: str | None
    # Along each axis from the feasible value before; absent at the first one.
    elasticity: Mapping[str, float]


@dataclass(frozen=True)
class Sensitivity:
    """Elasticities of an axis over its whole range, other values fixed: of all such lines."""

    axis: str
    mean: float
    least: float
    most: float
    lines: int


@dataclass(frozen=True)
class Sweep:
    """All points, in the order of the axes, the first one slowest."""

    axes: tuple[Axis, ...]
    points: tuple[Point, ...]
    sensitivities: tuple[Sensitivity, ...]  # none for an axis of fewer than two feasible values


def parse_axis(text: str, sizes: Sequence[int] = ()) -> Axis:
    """An axis as the command line has it: `lanes=16,32,64`, `dram_gb_per_s=5..30`, `batch=1..9:2`.

    A range without step takes the choices of the space in it, or the `sizes` that the network is
    offered in. Raises `ValueError`, one sentence, for what is no axis.
    """
    name, equals, items = text.partition("=")
    known = [field.name for field in fields(Accelerator) if field.type in (int, "int")]
    known += [BATCH, SIZE]
    if name not in known:
        raise ValueError(
            f"--over must be PARAMETER=VALUES with a number of a design, {BATCH} or {SIZE}, "
            f"not '{text}'.{suggestion(name, known)}"
        )
    offered = _CHOICES.get(name)
    if name == SIZE and not isinstance(sizes, range):
        offered = tuple(sizes)
    return Axis(name, parse_numbers("--over", name, items if equals else None, offered))


def sweep(
    load: Callable[[Values], Workload], accelerator: Accelerator, axes: Sequence[Axis]
) -> Sweep:
    """Compile and simulate every combination; `load` has the network for the point's values.

    Raises `ValueError` for too many points, an axis given twice, and for networks that cannot be
    loaded or lowered; a value that makes no design is a point without figures.
    """
    names = [axis.name for axis in axes]
    if len(set(names)) < len(names):
        raise ValueError(f"--over must name each parameter once, not {', '.join(names)}.")
    count = math.prod(len(axis.values) for axis in axes)
    if count > MOST_POINTS:
        raise ValueError(f"A sweep must have at most {MOST_POINTS} points, not {count:,}.")
    found: dict[tuple[int, ...], tuple[Figures | None, str | None]] = {}
    for values in itertools.product(*(axis.values for axis in axes)):
        found[values] = _run(load, accelerator, dict(zip(names, values, strict=True)))
    points = tuple(
        Point(dict(zip(names, values, strict=True)), *answer, _elasticity(axes, found, values))
        for values, answer in found.items()
    )
    sensitivities = (_sensitivity(axes, number, found) for number in range(len(axes)))
    return Sweep(tuple(axes), points, tuple(found for found in sensitivities if found))


def _run(
    load: Callable[[Values], Workload], accelerator: Accelerator, values: Values
) -> tuple[Figures | None, str | None]:
    workload = load(values)
    try:
        design = changed(accelerator, {n: v for n, v in values.items() if n not in (BATCH, SIZE)})
    except ValueError as error:
        return None, str(error)
    try:
        return figures_of(measure_graph(workload.graph, design, workload.masks)), None
    except DoesNotFit as error:
        return None, str(error)


def figures_of(measurement: Measurement) -> Figures:
    """The figures of a table."""
    metrics = measurement.metrics
    bound_by, share = next(iter(compute_shares(measurement.metrics).items()))
    return Figures(
        metrics.latency_ms,
        metrics.warm_latency_ms,
        metrics.throughput_per_s,
        metrics.energy_uj,
        area_of(measurement.accelerator).total_mm2,
        bound_by,
        share,
    )


Found = Mapping[tuple[int, ...], tuple[Figures | None, str | None]]


def _slope(found: Found, before: tuple[int, ...], after: tuple[int, ...], axis: int) -> float:
    """Elasticity of the warm latency between two feasible points of a line."""
    first, last = found[before][0], found[after][0]
    assert first is not None and last is not None  # noqa: PT018 - both are feasible
    return math.log(last.warm_latency_ms / first.warm_latency_ms) / math.log(
        after[axis] / before[axis]
    )


def _elasticity(axes: Sequence[Axis], found: Found, values: tuple[int, ...]) -> dict[str, float]:
    if found[values][0] is None:
        return {}
    slopes = {}
    for number, axis in enumerate(axes):
        before = [v for v in _line(axes, number, values, found) if v[number] < values[number]]
        if before and before[-1][number] > 0:
            slopes[axis.name] = _slope(found, before[-1], values, number)
    return slopes


def _line(
    axes: Sequence[Axis], number: int, values: tuple[int, ...], found: Found
) -> list[tuple[int, ...]]:
    """The feasible points that differ from a point along one axis only, ascending."""
    line = [(*values[:number], v, *values[number + 1 :]) for v in axes[number].values]
    return [point for point in line if found[point][0] is not None]


def _sensitivity(axes: Sequence[Axis], number: int, found: Found) -> Sensitivity | None:
    first = axes[number].values[0]
    slopes = []
    for values in found:
        if values[number] == first:
            line = [v for v in _line(axes, number, values, found) if v[number] > 0]
            if len(line) > 1:
                slopes.append(_slope(found, line[0], line[-1], number))
    if not slopes:
        return None
    mean = sum(slopes) / len(slopes)
    return Sensitivity(axes[number].name, mean, min(slopes), max(slopes), len(slopes))
