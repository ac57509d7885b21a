"""What the tables need of a model's quantisation; without a model every tensor is plain int8."""

from collections.abc import Sequence

from apollo.arch.operands import ComputeFlag
from apollo.compiler.recipe import Rule
from apollo.workloads.model import Model, Rounding
from apollo.workloads.operators import Unary, UnaryKind
from apollo.workloads.quantization import Quantization

_INT8 = Quantization((1.0,), (0,))


def quantization_of(model: Model | None, rule: Rule) -> Quantization:
    """Of a tensor that flows; of a plain one without a model."""
    if isinstance(rule, Quantization):
        return rule
    return _INT8 if model is None else model.quantization.get(rule, _INT8)


def zero_point(model: Model | None, rule: Rule) -> int:
    """The integer that stands for zero."""
    return quantization_of(model, rule).zero_point[0]


def width_of(model: Model | None, rule: Rule) -> int:
    """Bytes of an element."""
    return quantization_of(model, rule).bits // 8


def bounds(model: Model | None, rule: Rule, clamps: Sequence[Unary]) -> tuple[int, int]:
    """Least and greatest integer of a result whose fused clamps these are."""
    q = quantization_of(model, rule)
    low, high = q.low, q.high
    if model is None:
        return low, high
    for clamp in clamps:
        least, most = _reals(clamp)
        if least is not None:
            low = max(low, _integer(q, least))
        if most is not None:
            high = min(high, _integer(q, most))
    return low, max(low, high)


def _reals(clamp: Unary) -> tuple[float | None, float | None]:
    if clamp.kind is UnaryKind.RELU:
        return 0.0, None
    if clamp.kind is UnaryKind.RELU6:
        return 0.0, 6.0
    return clamp.arguments[0], clamp.arguments[1]


def _integer(q: Quantization, real: float) -> int:
    return min(q.high, max(q.low, q.zero_point[0] + round(real / q.scale[0])))


def rounding_of(model: Model | None) -> Rounding:
    """Of a model; once, without one."""
    return Rounding.ONCE if model is None else model.rounding


def flags_of(
    model: Model | None, rounding: Rounding, source: Rule, second: Rule | None, destination: Rule
) -> int:
    """Element widths and rounding of a nest."""
    flags = ComputeFlag.NONE
    if rounding is Rounding.TFLITE:
        flags |= ComputeFlag.TFLITE_ROUNDING
    if width_of(model, source) == 2:
        flags |= ComputeFlag.WIDE_SOURCE
    if second is not None and width_of(model, second) == 2:
        flags |= ComputeFlag.WIDE_SECOND
    if width_of(model, destination) == 2:
        flags |= ComputeFlag.WIDE_DESTINATION
    return int(flags)
