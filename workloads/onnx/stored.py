"""A tensor stored with an ONNX file: its shape at once, its values when they are wanted."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import onnx
from onnx import SparseTensorProto, TensorProto, helper, numpy_helper

from apollo.workloads.model import Constant, Values
from apollo.workloads.quantization import PER_TENSOR, Quantization
from apollo.workloads.shapes import Shape, elements


@dataclass(frozen=True)
class Stored:
    """A constant of the file.

    Attributes:
        shape: of the values.
        dtype: of the real values; float32 where it is quantised.
        read: gives the stored values: integers where they are quantised.
        quantization: what the integers stand for.

    """

    shape: Shape
    dtype: np.dtype[np.generic]
    read: Callable[[], Values]
    quantization: Quantization | None = None

    def real(self) -> Values:
        """The values as the network computes with them."""
        values = self.read()
        if self.quantization is None:
            return values
        return self.quantization.dequantize(values).astype(self.dtype)

    def transpose(self, perm: Sequence[int]) -> "Stored":
        """Dimension `i` is dimension `perm[i]` of this one."""
        rule = self.quantization
        if rule is not None and rule.axis != PER_TENSOR:
            rule = replace(rule, axis=[*perm].index(rule.axis))
        shape = tuple(self.shape[axis] for axis in perm)
        return Stored(shape, self.dtype, lambda: self.read().transpose(perm), rule)

    def reshape(self, shape: Shape) -> "Stored":
        """The same elements; the channels of a quantisation must stay one dimension."""
        rule, read = self.quantization, self.read
        if rule is not None and rule.axis != PER_TENSOR:
            axis = _same_axis(self.shape, shape, rule.axis)
            if axis is None:
                rule, read = None, self.real
            else:
                rule = replace(rule, axis=axis)
        return Stored(shape, self.dtype, lambda: read().reshape(shape), rule)

    def apply(self, function: Callable[[Values], Values], shape: Shape) -> "Stored":
        """A function of the real values, when they are wanted."""
        return Stored(shape, self.dtype, lambda: function(self.real()))

    def constant(self) -> Constant:
        """A constant of a model with these values: float32, or integers with their quantisation."""
        kind = np.float32 if self.quantization is None else np.int32
        return Constant(self.shape, lambda: self.read().astype(kind), self.quantization)


def _same_axis(old: Shape, new: Shape, axis: int) -> int | None:
    """Where a dimension is after a reshape; None if it is merged or cut."""
    before = elements(old[:axis])
    for index in range(len(new)):
        if new[index] == old[axis] and elements(new[:index]) == before:
            return index
    return None


def array(values: Values) -> Stored:
    """Values at hand as a constant."""
    return Stored(values.shape, values.dtype, lambda: values)


def tensor(proto: TensorProto, folder: Path) -> Stored:
    """A tensor of the file, or of one beside it, whose size is checked here."""
    shape = tuple(proto.dims)
    if min(shape, default=0) < 0:
        raise ValueError(f"weight {proto.name!r} must not have shape {shape}")
    try:
        kind = helper.tensor_dtype_to_np_dtype(proto.data_type)
    except (KeyError, TypeError):
        raise ValueError(f"weight {proto.name!r} has an unknown type ({proto.data_type})") from None
    if proto.data_location == TensorProto.EXTERNAL:
        return _external(proto, shape, kind, folder)
    _check_size(proto, shape, kind)
    return Stored(shape, kind, lambda: _plain(numpy_helper.to_array(proto)))


def sparse(proto: SparseTensorProto, folder: Path) -> Stored:
    """A tensor of which the file holds the elements that are not zero."""
    shape = tuple(proto.dims)
    values, places = tensor(proto.values, folder), tensor(proto.indices, folder)

    def read() -> Values:
        index = places.read()
        flat = index if index.ndim == 1 else np.ravel_multi_index(tuple(index.T), shape)
        dense = np.zeros(elements(shape), values.dtype)
        dense[flat] = values.read()
        return dense.reshape(shape)

    return Stored(shape, values.dtype, read)


def _plain(values: Values) -> Values:
    """Types that NumPy has not, such as int4 and bfloat16, as the nearest that it has."""
    if values.dtype.kind in "iufb" and values.dtype.name in np.sctypeDict:
        return values
    return values.astype(np.float32 if "float" in values.dtype.name else np.int8)


def _check_size(proto: TensorProto, shape: Shape, kind: np.dtype[np.generic]) -> None:
    bits = _bits(proto.data_type, kind)
    wanted = math.ceil(elements(shape) * bits / 8)
    if proto.HasField("raw_data") and len(proto.raw_data) != wanted:
        raise ValueError(
            f"weight {proto.name!r} of shape {shape} must have {wanted:,} bytes, "
            f"not {len(proto.raw_data):,}"
        )
    if not proto.HasField("raw_data") and not _listed(proto) and wanted:
        raise ValueError(f"weight {proto.name!r} of shape {shape} holds no values")


def _listed(proto: TensorProto) -> bool:
    lists = (proto.float_data, proto.int32_data, proto.int64_data, proto.double_data)
    return any(len(values) for values in (*lists, proto.uint64_data, proto.string_data))


def _bits(data_type: int, kind: np.dtype[np.generic]) -> int:
    halves = (TensorProto.INT4, TensorProto.UINT4, TensorProto.FLOAT4E2M1)
    return 4 if data_type in halves else 8 * kind.itemsize


def _external(proto: TensorProto, shape: Shape, kind: np.dtype[np.generic], folder: Path) -> Stored:
    """Data in another file: only of the model's own folder, and as long as the shape needs."""
    info = {entry.key: entry.value for entry in proto.external_data}
    name, place = proto.name, info.get("location", "")
    path = (folder / place).resolve()
    if not place or not path.is_relative_to(folder.resolve()):
        raise ValueError(f"weight {name!r} must be in the folder of the model, not in {place!r}")
    if not path.is_file():
        raise ValueError(f"weight {name!r} is in {place!r}, and there is no such file")
    try:
        offset, stated = int(info.get("offset", 0)), int(info.get("length", 0))
    except ValueError:
        raise ValueError(f"weight {name!r} has an offset or length that is no number") from None
    wanted = math.ceil(elements(shape) * _bits(proto.data_type, kind) / 8)
    size = path.stat().st_size
    if offset < 0 or stated not in (0, wanted) or offset + wanted > size:
        raise ValueError(
            f"weight {name!r} needs {wanted:,} bytes at {offset:,} of {place!r}, "
            f"which has {size:,} bytes ({stated:,} stated)"
        )

    def read() -> Values:
        with path.open("rb") as file:
            file.seek(offset)
            copy = onnx.TensorProto(dims=proto.dims, data_type=proto.data_type)
            copy.raw_data = file.read(wanted)
        return _plain(numpy_helper.to_array(copy))

    return Stored(shape, kind, read)
