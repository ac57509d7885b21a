"""The six production workloads of TPU v1 as stacks of layers.

Their layer shapes are not published. These are chosen so that what is published agrees: weights,
operations per weight byte, batch and numbers of layers (table 1 of Jouppi et al., ISCA 2017) and
the share of useful multiply-accumulates in those of the array (table 3). docs/verification.md
lists them with the reason for each.
"""

from collections.abc import Callable

from apollo.compiler.systolic.layers import (
    WIDE_RANGE,
    Convolution,
    FullyConnected,
    Layer,
    Pool,
    Range,
    Shape,
    Stack,
    Vector,
    VectorKind,
    Window,
)
from apollo.compiler.systolic.lstm import COARSE, FINE, Cell

RELU = Range(0, 0, 127)


def _perceptron(name: str, batch: int, widths: tuple[int, ...]) -> Stack:
    layers = tuple(
        FullyConnected(f"fc{i}", (f"t{i}",), f"t{i + 1}", width, range=RELU)
        for i, width in enumerate(widths[1:])
    )
    return Stack(name, {"t0": Shape(batch, 1, 1, widths[0])}, layers, (f"t{len(layers)}",))


def mlp0() -> Stack:
    """Five layers between 2,048 and 2,000: 97.7 % of a tile's cells hold weights."""
    return _perceptron("MLP0", 200, (2048, 2000, 2048, 2000, 2048, 2000))


def mlp1() -> Stack:
    """Four layers of 960 to 1,200: 89 % of the cells."""
    return _perceptron("MLP1", 168, (1200, 1200, 1200, 1000, 960))


def _state(stack_inputs: dict[str, Shape], cells: list[Cell], batch: int) -> tuple[str, ...]:
    """Carried states come from the host and go back, one batch following another."""
    outputs: list[str] = []
    for cell in cells:
        state = Shape(batch, 1, 1, cell.hidden, wide=True)
        stack_inputs[cell.tensor("h")] = stack_inputs[cell.tensor("c")] = state
        outputs += [cell.tensor("h'"), cell.tensor("c'")]
    return tuple(outputs)


def lstm0() -> Stack:
    """Six cells of 1,024, whole tiles: 24 matrix layers, 6 x 5 + 4 vector layers."""
    batch, inputs = 64, {"x": Shape(64, 1, 1, 1536, wide=True)}
    cells: list[Cell] = []
    layers: list[Layer] = []
    source = "x"
    for number in range(6):
        cell = Cell(f"cell{number}", (source,), 1024, tuple(FINE.items()))
        cells.append(cell)
        layers += cell.layers()
        above, source = source, cell.tensor("h'")
        if number >= 2:  # residual connections
            name = f"sum{number}"
            layers.append(Vector(name, VectorKind.ADD, (source, above), name, WIDE_RANGE))
            source = name
    states = _state(inputs, cells, batch)
    return Stack("LSTM0", inputs, tuple(layers), (source, *states))


def lstm1() -> Stack:
    """Nine cells of 600, whose blocks of 600 x 600 each take 768 x 768, and a projection.

    Every other cell also sees the input of the network: 36 matrix layers with 92 blocks.
    """
    batch, inputs = 96, {"x": Shape(96, 1, 1, 600, wide=True)}
    cells: list[Cell] = []
    layers: list[Layer] = []
    for number in range(9):
        below = cells[-1].tensor("h'") if cells else "x"
        sources = (below, "x") if number in (1, 3, 5, 7, 8) else (below,)
        cells.append(Cell(f"cell{number}", sources, 600, tuple(COARSE.items())))
        layers += cells[-1].layers()
    top = cells[-1].tensor("h'")
    layers.append(FullyConnected("projection", (top,), "logits", 1200, True, WIDE_RANGE))
    layers.append(
        Vector("scores", VectorKind.LOOKUP, ("logits",), "y", WIDE_RANGE, table="sigmoid")
    )
    return Stack("LSTM1", inputs, tuple(layers), ("y", *_state(inputs, cells, batch)))


def _square(size: int) -> Window:
    """A window of size x size with stride 1 that keeps rows and columns."""
    pad = size // 2
    return Window((size, size), padding=(pad, pad, pad, pad))


def cnn0() -> Stack:
    """Eight 19 x 19 boards of 256 channels: 13 layers of 3 x 3 and 3 of 1 x 1, whole tiles."""
    layers = tuple(
        Convolution(
            f"conv{i}", f"t{i}", f"t{i + 1}", 256, _square(1 if i in (0, 14, 15) else 3), RELU
        )
        for i in range(16)
    )
    return Stack("CNN0", {"t0": Shape(8, 19, 19, 256)}, layers, ("t16",))


def cnn1() -> Stack:
    """72 layers of 3 x 3 x 128, low depth: 45 % of a tile's cells; 13 pools; 4 wide layers.

    38 at 28 x 28 and 34 at 14 x 14 give the operations, the wide layers most of the weights.
    """
    layers: list[Layer] = []
    tensor = "t0"

    def append(layer: Layer) -> None:
        nonlocal tensor
        layers.append(layer)
        tensor = layer.output

    for number in range(72):
        append(Convolution(f"conv{number}", tensor, f"c{number}", 128, _square(3), RELU))
        if number == 37:
            append(Pool("pool", tensor, "halved", Window((2, 2), (2, 2)), range=RELU))
        elif number % 6 == 5:
            append(Pool(f"pool{number}", tensor, f"p{number}", _square(3), range=RELU))
    for number, width in enumerate((2816, 4096, 1536, 1000)):
        append(FullyConnected(f"fc{number}", (tensor,), f"f{number}", width, range=RELU))
    return Stack("CNN1", {"t0": Shape(32, 28, 28, 128)}, tuple(layers), (tensor,))


WORKLOADS: dict[str, Callable[[], Stack]] = {
    "MLP0": mlp0,
    "MLP1": mlp1,
    "LSTM0": lstm0,
    "LSTM1": lstm1,
    "CNN0": cnn0,
    "CNN1": cnn1,
}
