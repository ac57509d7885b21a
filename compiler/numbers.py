"""What the tables need of a model's quantisation; without a model every tensor is plain int8."""

from collections.abc import Sequence

from apollo.arch.operands import ComputeFlag
from apollo.workloads.model import Model, Rounding
from apollo.workloads.operators import Unary, UnaryKind
from apollo.workloads.quantization import Quantization

_INT8 = Quantization((1.0,), (0,))


def quantization_of(model: Model | None, tensor: str) -> Quantization:
    """Of a tensor that flows; of a plain one without a model."""
    return _INT8 if model is None else model.quantization.get(tensor, _INT8)


def width_of(q: Quantization) -> int:
    """Bytes of an element."""
    return q.bits // 8


def bounds(model: Model | None, q: Quantization, clamps: Sequence[Unary]) -> tuple[int, int]:
    """Least and greatest integer of a result whose fused clamps these are."""
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
    rounding: Rounding, source: Quantization, second: Quantization | None, result: Quantization
) -> int:
    """Element widths and rounding of a nest."""
    flags = ComputeFlag.NONE
    if rounding is Rounding.TFLITE:
        flags |= ComputeFlag.TFLITE_ROUNDING
    if width_of(source) == 2:
        flags |= ComputeFlag.WIDE_SOURCE
    if second is not None and width_of(second) == 2:
        flags |= ComputeFlag.WIDE_SECOND
    if width_of(result) == 2:
        flags |= ComputeFlag.WIDE_DESTINATION
    return int(flags)
