"""A stack of layers -> one program: the stages in order."""

from dataclasses import dataclass

from apollo.arch.accelerator import Accelerator
from apollo.arch.program import Program
from apollo.compiler.systolic.builder import Builder
from apollo.compiler.systolic.hazards import Access
from apollo.compiler.systolic.host import (
    constant_bytes,
    fill_borders,
    load_constants,
    load_input,
    store_output,
)
from apollo.compiler.systolic.layers import Layer, Pool, Stack, Vector
from apollo.compiler.systolic.layout import Layout, Stored
from apollo.compiler.systolic.machine import plan_array
from apollo.compiler.systolic.matrix import LayerProduct
from apollo.compiler.systolic.stream import Stream
from apollo.compiler.systolic.tensors import Placed, place_tensors
from apollo.compiler.systolic.vector import emit_pool, emit_vector


@dataclass(frozen=True)
class Compiled:
    """A program of an inference of the whole batch, and where its data lie."""

    program: Program
    layout: Layout
    macs: int
    weights: int

    @property
    def cold(self) -> Program:
        """The program of a first inference."""
        return self.program

    @property
    def warm(self) -> Program:
        """The program of a following one, the same: weights do not stay in the FIFO."""
        return self.program


def tile_width(accelerator: Accelerator) -> int:
    """Channels of a tile in PE memory: whole array columns, as many as the rows take at once."""
    rows, columns = accelerator.array_rows, accelerator.array_columns
    return columns if columns >= rows else rows // columns * columns


def compile_stack(
    stack: Stack, accelerator: Accelerator, *, output_stationary: bool = False
) -> Compiled:
    """Compile a network whose activations stay on the chip between its layers.

    Raises `DoesNotFit` with resource and layer, `ValueError` for what the machine does not do.
    """
    vectors = [layer for layer in stack.layers if isinstance(layer, Vector)]
    wide = {name: shape.wide for name, shape in stack.shapes().items()}
    # Constants of vector layers first: the FIFO gets what they leave of core memory.
    array = plan_array(
        accelerator,
        constant_bytes(vectors, wide),
        output_stationary=output_stationary,
        layer=stack.layers[0].name,
    )
    tensors = place_tensors(stack, tile_width(accelerator), accelerator.pe_memory_bytes)
    layout = Layout()
    for name in (*stack.inputs, *stack.outputs):
        if name not in layout.tensors:
            tensor = tensors[name]
            size = tensor.shape.elements * tensor.width
            address = layout.reserve(size)
            layout.tensors[name] = Stored(address, tensor.shape, tensor.tile_channels)
    stream = Stream(Builder(), array)
    heading = stream.builder.layer("inputs")
    fill_borders(stream.builder, heading, list(tensors.values()))
    # In the order in which layers read them; all at once, the ACT engine runs ahead.
    for name in dict.fromkeys(name for layer in stack.layers for name in layer.sources):
        if name in stack.inputs:
            load_input(stream.builder, heading, layout.tensors[name], tensors[name])
    constants = load_constants(stream.builder, heading, vectors, wide, layout)
    for layer in stack.layers:
        _emit(stream, layout, layer, tensors, constants)
        if layer.output in stack.outputs:
            heading = stream.builder.layer(_heading(layer))
            stored = layout.tensors[layer.output]
            store_output(stream.builder, heading, stored, tensors[layer.output])
    program = stream.builder.program(accelerator.instruction_memory_bytes)
    return Compiled(program, layout, *stack.work())


def _heading(layer: Layer) -> str:
    return getattr(layer, "layer", "") or layer.name


def _emit(
    stream: Stream,
    layout: Layout,
    layer: Layer,
    tensors: dict[str, Placed],
    constants: dict[str, Access],
) -> None:
    builder, clock = stream.builder, stream.clock
    heading = builder.layer(_heading(layer))
    sources = tuple(tensors[name] for name in layer.sources)
    output = tensors[layer.output]
    if isinstance(layer, Pool):
        emit_pool(builder, clock, layer, sources[0], output, heading)
    elif isinstance(layer, Vector):
        place, lanes = constants[layer.name], stream.array.accelerator.lanes
        emit_vector(builder, clock, layer, sources, output, heading, place, lanes)
    else:
        product = LayerProduct(stream.array, layout, layer, sources, output, heading)
        stream.emit(product)
