"""Which stored tensors are multiplied, how each looks channel by channel, and which are pruned.

A channel is an output channel. Its inputs are in the order in which the machine walks them
(docs/machine.md, M28): tap row, tap column, input channel.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np
import numpy.typing as npt

from apollo.workloads.graph import Graph
from apollo.workloads.model import Constant, Model
from apollo.workloads.operators import (
    GRU,
    LSTM,
    Convolution,
    ConvTranspose,
    FullyConnected,
    Operator,
)
from apollo.workloads.quantization import PER_TENSOR

Array = npt.NDArray[Any]
Bools = npt.NDArray[np.bool_]

FACTORS = frozenset({"weight", "input_weight", "recurrent_weight", "projection_weight"})  # roles


class Kind(Enum):
    """What a layer's factors are."""

    POINTWISE = "pointwise"  # of a 1x1 convolution
    MATRIX = "matrix"  # of a fully connected or recurrent layer
    KERNEL = "kernel"  # of any other convolution
    DEPTHWISE = "depthwise"  # one input channel for each output channel


class Layers(Enum):
    """Which kinds are pruned; depthwise kernels never are."""

    POINTWISE = "pointwise"  # as published: 1x1 convolutions
    MATRICES = "matrices"  # and fully connected and recurrent layers
    ALL = "all"  # and larger kernels


_PRUNED = {
    Layers.POINTWISE: {Kind.POINTWISE},
    Layers.MATRICES: {Kind.POINTWISE, Kind.MATRIX},
    Layers.ALL: {Kind.POINTWISE, Kind.MATRIX, Kind.KERNEL},
}


@dataclass(frozen=True)
class Factors:
    """The stored factors of one role of an operator.

    Attributes:
        operator: that multiplies by them.
        role: such as `weight`.
        kind: what they are.
        constant: their values.

    """

    operator: Operator
    role: str
    kind: Kind
    constant: Constant

    @property
    def key(self) -> tuple[str, str]:
        """By which the model knows them."""
        return self.operator.name, self.role

    def channels(self) -> Array:
        """The stored values as [channels, taps, input channels]."""
        return to_channels(self.operator, self.constant.values)

    def magnitudes(self) -> npt.NDArray[np.float32]:
        """Absolute real values as [channels, taps, input channels]."""
        stored, quantization = self.constant.values, self.constant.quantization
        real = stored.astype(np.float32)
        if quantization is not None:
            if any(quantization.zero_point):
                real -= along_axis(quantization.zero_point, quantization.axis, real.ndim)
            real *= along_axis(quantization.scale, quantization.axis, real.ndim)
        return to_channels(self.operator, np.abs(real, out=real))

    def nonzero(self) -> Bools:
        """Where a real value is not 0, as [channels, taps, input channels]."""
        quantization = self.constant.quantization
        is_symmetric = quantization is None or not any(quantization.zero_point)
        nonzero: Bools = (self.channels() if is_symmetric else self.magnitudes()) != 0
        return nonzero


def factors(model: Model) -> Iterator[Factors]:
    """All stored factors of a model, in the order of its operators."""
    for operator in model.graph.operators:
        kind = kind_of(model.graph, operator)
        if kind is None:
            continue
        for (name, role), constant in model.constants.items():
            if name == operator.name and role in FACTORS:
                yield Factors(operator, role, kind, constant)


def kind_of(graph: Graph, operator: Operator) -> Kind | None:
    """What an operator's factors are; None where it has none."""
    if isinstance(operator, FullyConnected | LSTM | GRU):
        return Kind.MATRIX
    if not isinstance(operator, Convolution | ConvTranspose):
        return None
    inputs = graph.input_shapes(operator)[0][1] // operator.groups
    if operator.groups > 1 and inputs == 1:
        return Kind.DEPTHWISE
    pointwise = operator.kernel == (1, 1) and operator.groups == 1
    return Kind.POINTWISE if pointwise else Kind.KERNEL


def pruned_names(graph: Graph, layers: Layers, ends: bool = False) -> frozenset[str]:
    """Names of the operators that are pruned.

    The first full convolution and the final layers, behind which nothing is multiplied any more,
    stay dense unless `ends` asks for them, or there is no other layer.
    """
    kinds = {item.name: kind_of(graph, item) for item in graph.operators}
    chosen = {name for name, kind in kinds.items() if kind in _PRUNED[layers]}
    multiplying = [name for name, kind in kinds.items() if kind is not None]
    if ends or len(multiplying) == 1:
        return frozenset(chosen)
    first = [name for name in multiplying if kinds[name] is Kind.KERNEL][:1]
    return frozenset(chosen - set(first) - _final(graph, set(multiplying)))


def _final(graph: Graph, multiplying: set[str]) -> set[str]:
    """Those whose results no other one of them uses, directly or not."""
    used: set[str] = set()  # tensors that reach a multiplication
    final = set()
    for item in reversed(graph.operators):
        reaches = any(name in used for name in item.outputs)
        if item.name in multiplying and not reaches:
            final.add(item.name)
        if reaches or item.name in multiplying:
            used.update(item.inputs)
    return final


def along_axis(values: Sequence[float], axis: int, rank: int) -> npt.NDArray[np.float32]:
    """One value, or one for each channel along an axis, that broadcasts against that rank."""
    shape = [1] * rank
    if axis != PER_TENSOR:
        shape[axis] = len(values)
    return np.array(values, np.float32).reshape(shape)


def to_channels(operator: Operator, values: Array) -> Array:
    """Stored values as [channels, taps, input channels].

    Those of convolutions are (out, in, kernel rows, kernel columns), of transposed ones (in, out,
    kernel rows, kernel columns), all others end with (out, in).
    """
    if values.ndim == 4:
        ordered = values.transpose(_order(operator))
        return ordered.reshape(ordered.shape[0], -1, ordered.shape[3])
    return values.reshape(-1, 1, values.shape[-1])


def from_channels(operator: Operator, channels: Array, shape: tuple[int, ...]) -> Array:
    """The inverse of `to_channels`: values of the stored shape."""
    if len(shape) == 4:
        order = _order(operator)
        ordered = channels.reshape([shape[axis] for axis in order])
        return np.ascontiguousarray(ordered.transpose(np.argsort(order)))
    return channels.reshape(shape)


def _order(operator: Operator) -> tuple[int, ...]:
    """Stored dimensions as (out, kernel rows, kernel columns, in)."""
    return (1, 2, 3, 0) if isinstance(operator, ConvTranspose) else (0, 2, 3, 1)
