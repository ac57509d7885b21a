"""How every operator becomes nests: one function each."""

import math
from collections.abc import Callable
from typing import Any

from apollo.arch.cycles import NORMALIZE_EXTRA_PASSES, SOFTMAX_PASSES, STANDARDIZE_PASSES
from apollo.arch.isa import Opcode
from apollo.arch.operands import RECORD_BYTES
from apollo.compiler import averages
from apollo.compiler import lowering_moves as moves
from apollo.compiler import lowering_reducing as reducing
from apollo.compiler import lowering_resizing as resizing
from apollo.compiler.lower import Lowering
from apollo.compiler.lowering_gather import embedding, gather, hits, selection
from apollo.compiler.lowering_gru import gru
from apollo.compiler.lowering_lstm import lstm
from apollo.compiler.lowering_matrices import grouped, matmul
from apollo.compiler.lowering_padding import pad
from apollo.compiler.lowering_transposed import transposed
from apollo.compiler.recipe import Ingredients, Recipe
from apollo.compiler.selecting import Hits, Selection
from apollo.compiler.storage import Dims, dims_of
from apollo.workloads.integer.normalizing import standard_unit
from apollo.workloads.model import Rounding
from apollo.workloads.operators import (
    GRU,
    LSTM,
    BatchNormalization,
    Binary,
    BinaryKind,
    Concat,
    Convolution,
    ConvTranspose,
    DepthToSpace,
    Embedding,
    FullyConnected,
    Gather,
    LayerNormalization,
    LocalResponseNormalization,
    MatMul,
    Operator,
    Pad,
    Pool,
    PoolKind,
    PReLU,
    Reduce,
    Reshape,
    Resize,
    Slice,
    Softmax,
    SpaceToDepth,
    Split,
    Transpose,
    Unary,
)
from apollo.workloads.quantization import Quantization

TABLE_BYTES, WIDE_TABLE_BYTES = 256, 2 * 513
MOST_KERNEL = 511  # taps of an instruction along a dimension (M3)
SOFTMAX_BYTES, NORMALIZE_BYTES, STANDARDIZE_BYTES = 2 * 256, 3 + 2 * 256, 6
ADD_BYTES, TFLITE_ADD_BYTES = 13, 20
PROBABILITIES = Quantization((1 / 256,), (-128,))
_LOWEST = -(1 << 7)


def _window(lowering: Lowering, operator: Convolution | Pool, source: int) -> dict[str, int]:
    """Kernel, stride and padding."""
    dilation = operator.dilation if isinstance(operator, Convolution) else (1, 1)
    output = lowering.shape(operator.output)
    extents = [
        (kernel - 1) * step + 1 for kernel, step in zip(operator.kernel, dilation, strict=True)
    ]
    dims = lowering.dims[source]
    # A single position takes no step; this one says that it reads the whole dimension.
    stride = [
        operator.stride[axis] if output[2 + axis] > 1 else max(extents[axis], dims[1 + axis])
        for axis in range(2)
    ]
    return {
        "taps": math.prod(operator.kernel),
        "kernel_rows": operator.kernel[0],
        "kernel_columns": operator.kernel[1],
        "dilation_rows": dilation[0],
        "dilation_columns": dilation[1],
        "stride_rows": stride[0],
        "stride_columns": stride[1],
        "pad_rows": operator.padding[0],
        "pad_columns": operator.padding[1],
    }


def _image_result(lowering: Lowering, operator: Operator) -> int:
    return lowering.result(operator, dims_of(lowering.shape(operator.output)))


def _recipe(
    lowering: Lowering,
    ingredients: Ingredients,
    operator: Operator,
    source: int,
    destination: int,
    **more: Any,
) -> Recipe:
    before, after = lowering.rules[source], lowering.rules[destination]
    return Recipe(ingredients, operator, before, after, **more)


def convolution(lowering: Lowering, operator: Convolution) -> None:
    """Depthwise where every group has one input channel, else a nest with groups."""
    source = lowering.plain(operator.inputs[0])
    channels = lowering.dims[source].channels
    window = _window(lowering, operator, source)
    destination = _image_result(lowering, operator)
    recipe = _recipe(lowering, Ingredients.WEIGHTS, operator, source, destination)
    groups, outputs = operator.groups, operator.out_channels
    columns = {**window, "weights": 1}
    if channels == groups and groups > 1:
        # Of several results of a channel, each is a group: every so manyeth channel.
        each = outputs // groups
        columns |= {"channels": channels, "groups": each, "result_step": 1, "result_pitch": each}
        columns |= {"whole_channels": int(each > 1)}
        lowering.append(operator, Opcode.DEPTHWISE, source, destination, recipe, columns)
        return
    columns |= {
        "channels": outputs // groups,
        "in_channels": channels // groups,
        "groups": groups,
        "mixes_channels": 1,
        "source_step": channels // groups,
        "result_step": outputs // groups,
    }
    if groups == 1:
        columns |= lowering.pairs.columns_of(operator, channels, recipe.image)
    lowering.append(operator, Opcode.CONVOLVE, source, destination, recipe, columns)


def fully_connected(lowering: Lowering, operator: FullyConnected) -> None:
    """A window over the whole image, or over one position of what is no image."""
    name = operator.inputs[0]
    source = lowering.plain(name) if name in lowering.grouped else lowering.numbers[name]
    dims = lowering.dims[source]
    outputs = math.prod(lowering.shape(operator.output)[:-1])
    if dims.images * dims.rows * dims.columns != outputs and dims.images != outputs:
        source = lowering.plain(name)
        dims = lowering.dims[source]
    whole = dims.images * dims.rows * dims.columns != outputs
    if max(dims.rows, dims.columns) > MOST_KERNEL if whole else dims.columns > 1:
        source = lowering.plain(name)
        dims = lowering.dims[source]
        whole = dims.images * dims.rows * dims.columns != outputs
    rows, columns_read = (dims.rows, dims.columns) if whole else (1, 1)
    out_dims = Dims(dims.images, 1 if whole else dims.rows, 1, operator.out_features)
    destination = lowering.result(operator, out_dims)
    image, last = (dims.channels, rows, columns_read), whole and not lowering.is_image[source]
    kind = Ingredients.WEIGHTS
    recipe = _recipe(lowering, kind, operator, source, destination, image=image, channels_last=last)
    columns = {
        "in_channels": dims.channels,
        "taps": rows * columns_read,
        "kernel_rows": rows,
        "kernel_columns": columns_read,
        "stride_rows": rows,
        "stride_columns": columns_read,
        "mixes_channels": 1,
        "weights": 1,
    }
    columns |= lowering.pairs.columns_of(operator, math.prod(image), image, channels_last=last)
    lowering.append(operator, Opcode.CONVOLVE, source, destination, recipe, columns)


def pool(lowering: Lowering, operator: Pool) -> None:
    """The greatest or the mean; a mean in other units is a product by ones."""
    source = lowering.plain(operator.inputs[0])
    window = _window(lowering, operator, source)
    rules = (lowering.rules[source], lowering.rule_of(operator))
    if operator.kind is PoolKind.MAX:
        if any(operator.padding):
            if rules[0].bits != 8:
                raise lowering.refuse(operator, "has no lowering around elements of 16 bits")
            window["fill"] = _LOWEST
        moves.in_units(lowering, operator, Opcode.POOL_MAX, source, columns=window)
        return
    destination = _image_result(lowering, operator)
    if any(operator.padding) and not operator.include_padding:
        averages.without_padding(lowering, operator, source, destination, window)
    elif rules[0] == rules[1]:
        lowering.append(operator, Opcode.POOL_AVERAGE, source, destination, columns=window)
    else:
        averages.mean(lowering, operator, source, destination, math.prod(operator.kernel), window)


def batch_normalization(lowering: Lowering, operator: BatchNormalization) -> None:
    """A depthwise product of one element."""
    source = lowering.plain(operator.inputs[0])
    destination = lowering.result(operator, lowering.dims[source])
    recipe = _recipe(lowering, Ingredients.SCALES, operator, source, destination)
    lowering.append(operator, Opcode.DEPTHWISE, source, destination, recipe, {"weights": 1})


def unary(lowering: Lowering, operator: Unary) -> None:
    """A table, whatever the order of elements."""
    moves.table(lowering, operator, lowering.numbers[operator.inputs[0]], Ingredients.FUNCTION)


_PRODUCTS = (BinaryKind.MULTIPLY, BinaryKind.DIVIDE)
_CHOICES = (BinaryKind.MAXIMUM, BinaryKind.MINIMUM)
_SUMS = {BinaryKind.ADD: Ingredients.SUM, BinaryKind.SUBTRACT: Ingredients.DIFFERENCE}


def binary(lowering: Lowering, operator: Binary) -> None:
    """A sum or product; by a single number a table."""
    rounding = Rounding.ONCE if lowering.model is None else lowering.model.rounding
    is_number = operator.constant_shape is not None and math.prod(operator.constant_shape) == 1
    if is_number and rounding is Rounding.ONCE:
        _by_number(lowering, operator)
        return
    if operator.kind not in (*_SUMS, *_CHOICES, *_PRODUCTS):
        raise lowering.refuse(operator, f"({operator.kind.value}) has no lowering")
    first, second = _operands(lowering, operator)
    if operator.kind in _CHOICES:
        reducing.choose(lowering, operator, first, second)
        return
    if operator.kind is BinaryKind.DIVIDE:
        second = reducing.reciprocal(lowering, operator, second)
    is_swapped = lowering.dims[first].elements < lowering.dims[second].elements
    if is_swapped:
        first, second = second, first
    destination = _binary_result(lowering, operator, first, second)
    ingredients = _SUMS.get(operator.kind, Ingredients.PRODUCT)
    recipe = _recipe(
        lowering,
        ingredients,
        operator,
        first,
        destination,
        second=lowering.rules[second],
        is_swapped=is_swapped,
    )
    opcode, size = Opcode.MULTIPLY, RECORD_BYTES
    if operator.kind in _SUMS:
        opcode = Opcode.ADD
        size = ADD_BYTES if rounding is Rounding.ONCE else TFLITE_ADD_BYTES
    lowering.append(operator, opcode, first, destination, recipe, {"table_bytes": size}, second)


def _by_number(lowering: Lowering, operator: Binary) -> None:
    name = operator.inputs[0]
    if lowering.shape(name) != lowering.shape(operator.output):
        lowering.plain(name)
    moves.table(lowering, operator, lowering.numbers[name], Ingredients.FUNCTION)


def _operands(lowering: Lowering, operator: Binary) -> tuple[int, int]:
    """Numbers of both operands; a stored one is a tensor in DRAM."""
    first = lowering.plain(operator.inputs[0])
    if operator.constant_shape is None:
        return first, lowering.plain(operator.inputs[1])
    name = f"{operator.name}:constant"
    dims = dims_of(operator.constant_shape)
    if lowering.dims[first].images > 1 and len(operator.constant_shape) == 2:
        dims = Dims(dims.rows, 1, 1, dims.channels)
    rule, stored = Quantization((1.0,), (0,)), None
    if lowering.model is not None:
        stored = lowering.model.constant(operator.name, "constant")
        rule = stored.quantization or rule
    second = lowering.new(name, dims, rule)
    lowering.constants[second] = operator.name
    if stored is not None and stored.shape != operator.constant_shape:
        lowering.constants[second] = stored.values.reshape(operator.constant_shape)
    lowering.in_dram.add(second)
    return first, second


def _binary_result(lowering: Lowering, operator: Binary, first: int, second: int) -> int:
    pairs = list(zip(lowering.dims[first], lowering.dims[second], strict=True))
    if any(a != b and 1 not in (a, b) for a, b in pairs):
        raise lowering.refuse(operator, "has operands that are stored differently")
    dims = Dims(*(max(pair) for pair in pairs))
    if dims != lowering.dims[first]:
        raise lowering.refuse(operator, "stretches both operands")
    return lowering.result(operator, dims)


def softmax(lowering: Lowering, operator: Softmax) -> None:
    """Passes over all channels of a position, or of a group of them; other units by a table."""
    name = operator.inputs[0]
    shape, after = lowering.shape(name), lowering.rule_of(operator)
    columns = {"taps": SOFTMAX_PASSES, "table_bytes": SOFTMAX_BYTES, "whole_channels": 1}
    groups = 1
    side_by_side = len(shape) > 3 or name in lowering.grouped
    if side_by_side and operator.axis == len(shape) - 1:
        source, groups = grouped(lowering, name), math.prod(shape[:-2])
        each = shape[-1]
        columns |= {"groups": groups, "channels": each, "source_step": each, "result_step": each}
    else:
        source = lowering.plain(name)
        on_channels = operator.axis == 1 if len(shape) == 4 else operator.axis == len(shape) - 1
        if not on_channels:
            raise lowering.refuse(operator, f"has no lowering over axis {operator.axis}")
    dims, own = lowering.dims[source], lowering.rules[source]
    is_image = "groups" not in columns and lowering.is_image[source]
    same = lowering.model is None or after == PROBABILITIES
    name = operator.output if same else f"{operator.output}:shares"
    found = after if same else PROBABILITIES
    destination = lowering.new(name, dims, found, is_image=is_image)
    recipe = Recipe(Ingredients.SOFTMAX, operator, own, found)
    lowering.append(operator, Opcode.SOFTMAX, source, destination, recipe, columns)
    if not same:
        shares, destination = destination, lowering.new(operator.output, dims, after)
        lowering.is_image[destination] = is_image
        recipe = Recipe(Ingredients.UNITS, operator, PROBABILITIES, after)
        size = {"table_bytes": moves.table_bytes(PROBABILITIES, after)}
        lowering.append(operator, Opcode.LOOKUP, shares, destination, recipe, size)
    lowering.numbers[operator.output] = destination
    if "groups" in columns:
        lowering.grouped[operator.output] = groups


def normalization(lowering: Lowering, operator: LocalResponseNormalization) -> None:
    """Sums of squares over neighbouring channels."""
    source = lowering.plain(operator.inputs[0])
    destination = _image_result(lowering, operator)
    recipe = _recipe(lowering, Ingredients.NEIGHBOURS, operator, source, destination)
    columns = {"taps": operator.size + NORMALIZE_EXTRA_PASSES, "table_bytes": NORMALIZE_BYTES}
    columns |= {"whole_channels": 1}
    lowering.append(operator, Opcode.NORMALIZE, source, destination, recipe, columns)


def layer_normalization(lowering: Lowering, operator: LayerNormalization) -> None:
    """Standardised at 16 bits, then a scale and a shift for every channel."""
    if len(lowering.shape(operator.output)) > 3:
        raise lowering.refuse(operator, "has no lowering for the columns of an image")
    source = lowering.plain(operator.inputs[0])
    dims, before = lowering.dims[source], lowering.rules[source]
    rule = Quantization((1 / standard_unit(operator.features),), (0,), bits=16)
    standard = lowering.new(f"{operator.output}:standard", dims, rule)
    columns = {"taps": STANDARDIZE_PASSES, "table_bytes": STANDARDIZE_BYTES, "whole_channels": 1}
    recipe = Recipe(Ingredients.STANDARD, operator, before, rule)
    lowering.append(operator, Opcode.STANDARDIZE, source, standard, recipe, columns)
    destination = lowering.result(operator, dims)
    recipe = _recipe(lowering, Ingredients.SCALES, operator, standard, destination)
    lowering.append(operator, Opcode.DEPTHWISE, standard, destination, recipe, {"weights": 1})


LOWERINGS: dict[type[Operator], Callable[[Lowering, Any], None]] = {
    BatchNormalization: batch_normalization,
    Binary: binary,
    Concat: moves.concat,
    Embedding: embedding,
    Gather: gather,
    Hits: hits,
    LayerNormalization: layer_normalization,
    MatMul: matmul,
    DepthToSpace: resizing.depth_to_space,
    Resize: resizing.resize,
    SpaceToDepth: resizing.space_to_depth,
    ConvTranspose: transposed,
    Convolution: convolution,
    FullyConnected: fully_connected,
    GRU: gru,
    LSTM: lstm,
    LocalResponseNormalization: normalization,
    Pad: pad,
    Pool: pool,
    PReLU: reducing.prelu,
    Reduce: reducing.reduce,
    Reshape: moves.reshape,
    Selection: selection,
    Slice: moves.cut,
    Softmax: softmax,
    Split: moves.split,
    Transpose: moves.transpose,
    Unary: unary,
}
