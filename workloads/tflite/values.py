"""Stored tensors: what is in the file, read when it is wanted."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from apollo.workloads.model import Values
from apollo.workloads.quantization import PER_TENSOR, Quantization
from apollo.workloads.shapes import Shape, elements
from apollo.workloads.tflite.file import FileTensor, Type, quoted
from apollo.workloads.tflite.flatbuffer import Data
from apollo.workloads.tflite.sparsity import positions

DTYPES = {
    Type.FLOAT32: "<f4",
    Type.FLOAT16: "<f2",
    Type.FLOAT64: "<f8",
    Type.INT8: "i1",
    Type.UINT8: "u1",
    Type.INT16: "<i2",
    Type.INT32: "<i4",
    Type.INT64: "<i8",
    Type.BOOL: "?",
}
BITS = {Type.INT4: 8, Type.INT8: 8, Type.UINT8: 8, Type.INT16: 16, Type.INT32: 32, Type.INT64: 32}
UNSIGNED = 128  # by how much unsigned bytes are shifted
LARGEST_SPREAD = 256  # elements of a sparse tensor for each byte of its file


@dataclass(frozen=True)
class Stored:
    """A tensor that is known before the network runs.

    Attributes:
        name: in the file.
        shape: in the order of the file.
        type: of the elements in the file.
        read: gives the elements; quantised ones as signed integers.
        quantization: of the elements, along an axis in the order of the file.

    """

    name: str
    shape: Shape
    type: Type
    read: Callable[[], Values]
    quantization: Quantization | None = None

    def transposed(self, order: Sequence[int]) -> "Stored":
        """Dimension `i` of the result is dimension `order[i]`."""
        quantization = self.quantization
        if quantization is not None and quantization.axis != PER_TENSOR:
            quantization = replace(quantization, axis=list(order).index(quantization.axis))
        shape, read = tuple(self.shape[axis] for axis in order), self.read
        return self._with(shape, lambda: read().transpose(order), quantization)

    def reshaped(self, shape: Shape, axis: int = PER_TENSOR) -> "Stored":
        """The same elements under another shape, in which channels lie along `axis`."""
        quantization, read = self.quantization, self.read
        if quantization is not None and quantization.axis != PER_TENSOR:
            quantization = replace(quantization, axis=axis)
        return self._with(shape, lambda: read().reshape(shape), quantization)

    def _with(
        self, shape: Shape, read: Callable[[], Values], quantization: Quantization | None
    ) -> "Stored":
        return replace(self, shape=shape, read=read, quantization=quantization)


def stored(tensor: FileTensor, data: Data) -> Stored:
    """The stored tensor of a file.

    Raises `ValueError` when there are more or fewer bytes than it needs.
    """
    start, count = tensor.span or (0, 0)
    title = tensor.title
    if tensor.type not in DTYPES and tensor.type is not Type.INT4:
        raise ValueError(f"{title} has stored elements of type {tensor.type.name}")
    if tensor.sparsity is None and count != _bytes(tensor):
        raise ValueError(f"{title} of shape {tensor.shape} must not have {count:,} bytes")
    if elements(tensor.shape) > LARGEST_SPREAD * len(data):
        raise ValueError(f"{title} of shape {tensor.shape} is too large for its file")
    return Stored(
        tensor.name,
        tensor.shape,
        tensor.type,
        lambda: _read(tensor, data, start, count),
        quantization(tensor),
    )


def quantization(tensor: FileTensor) -> Quantization | None:
    """What the integers of a tensor stand for, unsigned ones shifted; None for real numbers."""
    given, bits = tensor.quantization, BITS.get(tensor.type)
    if given is None or bits is None:
        return None
    shift = UNSIGNED if tensor.type is Type.UINT8 else 0
    zero_point = tuple(zero - shift for zero in given.zero_point)
    axis = PER_TENSOR if len(given.scale) == 1 else given.axis
    try:
        return Quantization(given.scale, zero_point, axis, bits)
    except ValueError as error:
        raise ValueError(f"{tensor.title}: {error}") from None


def _bytes(tensor: FileTensor) -> int:
    count = elements(tensor.shape)
    return -(-count // 2) if tensor.type is Type.INT4 else count * _dtype(tensor).itemsize


def _dtype(tensor: FileTensor) -> np.dtype[np.generic]:
    return np.dtype(DTYPES.get(tensor.type, "u1"))


def _read(tensor: FileTensor, data: Data, start: int, count: int) -> Values:
    dtype = _dtype(tensor)
    values: Values = np.frombuffer(data, dtype, count // dtype.itemsize, start)
    if tensor.type is Type.INT4:
        values = _nibbles(values)[: elements(tensor.shape)]
    if tensor.type is Type.UINT8 and tensor.quantization is not None:
        values = (values ^ np.uint8(UNSIGNED)).view(np.int8)
    if tensor.sparsity is not None:
        values = _spread(tensor, values)
    return values.reshape(tensor.shape)


def _nibbles(packed: Values) -> Values:
    """Signed integers of four bits, the lower ones of a byte first."""
    pairs = np.stack([packed << 4, packed & 0xF0], axis=-1).view(np.int8)
    return np.asarray(pairs >> 4).reshape(-1)


def _spread(tensor: FileTensor, values: Values) -> Values:
    """A sparse tensor with its zeros."""
    assert tensor.sparsity is not None
    try:
        places = positions(tensor.sparsity, tensor.shape)
        if len(places) != len(values):
            raise ValueError(f"it has {len(values)} values for {len(places)} places")
    except ValueError as error:
        raise ValueError(f"Tensor {quoted(tensor.name)} is not properly sparse: {error}.") from None
    zero = quantization(tensor)
    dense = np.full(elements(tensor.shape), zero.zero_point[0] if zero else 0, values.dtype)
    dense[places] = values
    return dense
