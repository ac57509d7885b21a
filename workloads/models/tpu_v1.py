"""The six production workloads of the TPU v1 paper, table 1.

Jouppi et al., 2017, arXiv:1704.04760. The paper publishes counts of layers and weights, operations
per weight byte, and batches; the shapes of the layers it does not. These are chosen: counts of
layers and batches are met, weights and intensity to two digits, and the measured share of useful
multiplications (table 3) is approached. A fully connected layer of the table is one
`FullyConnected`. Each network is one inference, for the recurrent ones one time step with the state
as inputs and outputs.
"""

from collections.abc import Callable
from dataclasses import dataclass

from apollo.workloads.graph import Graph, GraphBuilder, Tensor
from apollo.workloads.models.blocks import activate, add, biased, dense
from apollo.workloads.models.cells import lstm_cell
from apollo.workloads.models.family import Published, Single
from apollo.workloads.models.tpu_cnn1 import tpu_cnn1
from apollo.workloads.operators import UnaryKind

MLP0_WIDTHS = (2048, 2000, 2048, 2000, 2048, 2000)  # features before and after each layer
MLP1_WIDTHS = (1200, 1200, 1200, 1000, 960)
LSTM0_FEATURES, LSTM0_UNITS, LSTM0_CELLS = 1536, 1024, 6
LSTM0_RESIDUAL_FROM = 3  # residual sums begin at the third cell, as in GNMT
LSTM1_UNITS, LSTM1_CELLS, LSTM1_CLASSES = 600, 9, 1200
LSTM1_SEE_INPUT = (2, 4, 6, 8, 9)  # cells that read the input of the network beside the one below
CNN0_BOARD, CNN0_CHANNELS, CNN0_LAYERS = 19, 256, 16
CNN0_POINTWISE = (1, 15, 16)  # layers of 1x1, where the others are of 3x3


@dataclass(frozen=True)
class Workload:
    """A row of table 1.

    Attributes:
        batch: inferences that run together.
        weights_m: millions of weights.
        ops_per_weight_byte: multiply-accumulates per weight byte at that batch.
        fully_connected: layers of that kind, like the three that follow.
        convolutions: layers.
        vectors: layers.
        pools: layers.

    """

    batch: int
    weights_m: float
    ops_per_weight_byte: float
    fully_connected: int = 0
    convolutions: int = 0
    vectors: int = 0
    pools: int = 0


TABLE_1 = {
    "tpu_mlp0": Workload(200, 20, 200, fully_connected=5),
    "tpu_mlp1": Workload(168, 5, 168, fully_connected=4),
    "tpu_lstm0": Workload(64, 52, 64, fully_connected=24, vectors=34),
    "tpu_lstm1": Workload(96, 34, 96, fully_connected=37, vectors=19),
    "tpu_cnn0": Workload(8, 8, 2888, convolutions=16),
    "tpu_cnn1": Workload(32, 100, 1750, fully_connected=4, convolutions=72, pools=13),
}


def tpu_mlp0(name: str) -> Graph:
    """Five layers; 2000 of 2048 columns are useful, as the measured 12.5 of 12.8 % are."""
    return _perceptron(name, MLP0_WIDTHS)


def tpu_mlp1(name: str) -> Graph:
    """Four layers; 89 % of the cells of their 256x256 tiles hold weights, as measured."""
    return _perceptron(name, MLP1_WIDTHS)


def tpu_lstm0(name: str) -> Graph:
    """A step of six LSTM cells of 1024 units with residual sums as in GNMT.

    Each cell has four fully connected layers and five vector layers, each sum is one more.
    """
    builder = _start(name, LSTM0_FEATURES, LSTM0_CELLS, LSTM0_UNITS)
    tensor, outputs = "features", []
    for number in range(1, LSTM0_CELLS + 1):
        label = f"cell{number}"
        hidden, memory = _cell(builder, label, LSTM0_UNITS, tensor)
        outputs += [hidden, memory]
        residual = number >= LSTM0_RESIDUAL_FROM
        tensor = add(builder, f"{label}/residual", tensor, hidden) if residual else hidden
    return builder.build([tensor, *outputs])


def tpu_lstm1(name: str) -> Graph:
    """A step of nine LSTM cells of 600 units and a projection.

    Each cell has four fully connected layers; its vector operators count as two layers, new memory
    and new hidden state, and the function of the scores is one more.
    """
    builder = _start(name, LSTM1_UNITS, LSTM1_CELLS, LSTM1_UNITS)
    tensor, outputs = "features", []
    for number in range(1, LSTM1_CELLS + 1):
        sources = (tensor, "features") if number in LSTM1_SEE_INPUT else (tensor,)
        tensor, memory = _cell(builder, f"cell{number}", LSTM1_UNITS, *sources)
        outputs += [tensor, memory]
    scores = dense(builder, "projection", tensor, LSTM1_CLASSES)
    return builder.build([activate(builder, "scores", scores, UnaryKind.SIGMOID), *outputs])


def tpu_cnn0(name: str) -> Graph:
    """Sixteen convolutions of 256 channels on a 19x19 board, in the manner of AlphaGo."""
    shape = (1, CNN0_CHANNELS, CNN0_BOARD, CNN0_BOARD)
    builder = GraphBuilder(name, [Tensor("board", shape)])
    tensor = "board"
    for number in range(1, CNN0_LAYERS + 1):
        label, kernel = f"conv{number}", 1 if number in CNN0_POINTWISE else 3
        tensor = biased(builder, label, tensor, CNN0_CHANNELS, kernel)
        tensor = activate(builder, label, tensor, UnaryKind.RELU)
    return builder.build([tensor])


def _start(name: str, features: int, cells: int, units: int) -> GraphBuilder:
    """A builder whose inputs are `features` and the state of every cell."""
    state = [
        Tensor(f"cell{number}/{part}", (1, units))
        for number in range(1, cells + 1)
        for part in ("hidden", "memory")
    ]
    return GraphBuilder(name, [Tensor("features", (1, features)), *state])


def _cell(builder: GraphBuilder, label: str, units: int, *sources: str) -> tuple[str, str]:
    """Hidden state and memory of a cell after the step; it reads the hidden state first."""
    joined = (f"{label}/hidden", *sources)
    return lstm_cell(builder, label, joined, f"{label}/memory", units)


def _perceptron(name: str, widths: tuple[int, ...]) -> Graph:
    builder = GraphBuilder(name, [Tensor("features", (1, widths[0]))])
    tensor = "features"
    for index, width in enumerate(widths[1:], start=1):
        label = f"layer{index}"
        tensor = dense(builder, label, tensor, width)
        tensor = activate(builder, label, tensor, UnaryKind.RELU)
    return builder.build([tensor])


def _network(build: Callable[[str], Graph]) -> Single:
    name = build.__name__
    return Single(
        name=name,
        build=build,
        source="Jouppi et al., 2017, arXiv:1704.04760, table 1 (counts; shapes are chosen here)",
        published=Published(None, TABLE_1[name].weights_m),
    )


NETWORKS = tuple(map(_network, (tpu_mlp0, tpu_mlp1, tpu_lstm0, tpu_lstm1, tpu_cnn0, tpu_cnn1)))
