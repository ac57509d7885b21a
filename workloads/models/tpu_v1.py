"""The six production workloads of the TPU v1 paper, table 1.

Jouppi et al., 2017, arXiv:1704.04760. The paper publishes counts of layers and weights, operations per weight byte, and batches; the
shapes of the layers it does not. These are chosen so that every published count is met: a fully
connected layer of the table is one `FullyConnected`, a vector layer is a sum, a product, a softmax
or a function that follows no matrix product. Each network is one inference, for the recurrent ones
one time step with the state as inputs and outputs.
"""

from dataclasses import dataclass

from apollo.workloads.graph import Graph, GraphBuilder, Tensor
from apollo.workloads.models.blocks import activate, add, biased, dense
from apollo.workloads.models.cells import lstm_cell
from apollo.workloads.operators import Softmax, UnaryKind

MLP0_WIDTHS = (2048, 2000, 2048, 2000, 2048, 2000)  # features before and after each layer
MLP1_WIDTHS = (1200, 1200, 1000, 1200, 1000)
LSTM0_FEATURES, LSTM0_UNITS, LSTM0_CELLS = 1536, 1024, 6
LSTM0_RESIDUAL_FROM = 3  # residual sums begin at the third cell, as in GNMT
LSTM1_UNITS, LSTM1_STAGES, LSTM1_PAIRS, LSTM1_CLASSES = 600, 3, 4, 6000
CNN0_BOARD, CNN0_PLANES, CNN0_CHANNELS, CNN0_BODY = 19, 48, 256, 13


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
    """Four layers; 90 % of the cells of their 256x256 tiles are useful (measured: 89 %)."""
    return _perceptron(name, MLP1_WIDTHS)


def tpu_lstm0(name: str) -> Graph:
    """A step of six LSTM cells of 1024 units, four gates each, with residual sums as in GNMT."""
    state = [
        Tensor(f"cell{cell}/{part}", (1, LSTM0_UNITS))
        for cell in range(1, LSTM0_CELLS + 1)
        for part in ("hidden", "memory")
    ]
    builder = GraphBuilder(name, [Tensor("features", (1, LSTM0_FEATURES)), *state])
    tensor, outputs = "features", []
    for cell in range(1, LSTM0_CELLS + 1):
        label = f"cell{cell}"
        hidden, memory = lstm_cell(
            builder, label, (tensor, f"{label}/hidden"), f"{label}/memory", LSTM0_UNITS
        )
        outputs += [hidden, memory]
        residual = cell >= LSTM0_RESIDUAL_FROM
        tensor = add(builder, f"{label}/residual", tensor, hidden) if residual else hidden
    return builder.build([tensor, *outputs])


def tpu_lstm1(name: str) -> Graph:
    """A step of three stages of eight layers and an LSTM cell, all 600 or 1200 wide."""
    state = [
        Tensor(f"stage{stage}/{part}", (1, LSTM1_UNITS))
        for stage in range(1, LSTM1_STAGES + 1)
        for part in ("hidden", "memory")
    ]
    builder = GraphBuilder(name, [Tensor("features", (1, LSTM1_UNITS)), *state])
    tensor, outputs = "features", []
    for stage in range(1, LSTM1_STAGES + 1):
        label, path = f"stage{stage}", tensor
        for pair in range(1, LSTM1_PAIRS + 1):
            path = _dense(builder, f"{label}/widen{pair}", path, 2 * LSTM1_UNITS)
            path = _dense(builder, f"{label}/narrow{pair}", path, LSTM1_UNITS)
        hidden, memory = lstm_cell(
            builder, label, (tensor, path, f"{label}/hidden"), f"{label}/memory", LSTM1_UNITS
        )
        outputs += [hidden, memory]
        tensor = add(builder, f"{label}/residual", tensor, hidden)
    logits = dense(builder, "logits", tensor, LSTM1_CLASSES)
    return builder.build([builder.add(Softmax("softmax", (logits,), "softmax")), *outputs])


def tpu_cnn0(name: str) -> Graph:
    """Sixteen convolutions on a 19x19 board, in the manner of AlphaGo's policy network."""
    shape = (1, CNN0_PLANES, CNN0_BOARD, CNN0_BOARD)
    builder = GraphBuilder(name, [Tensor("board", shape)])
    tensor = _convolution(builder, "stem", "board", CNN0_CHANNELS, 5)
    for index in range(1, CNN0_BODY + 1):
        tensor = _convolution(builder, f"body{index}", tensor, CNN0_CHANNELS, 3)
    tensor = _convolution(builder, "mix", tensor, CNN0_CHANNELS, 1)
    return builder.build([_convolution(builder, "policy", tensor, 1, 1)])


def _perceptron(name: str, widths: tuple[int, ...]) -> Graph:
    builder = GraphBuilder(name, [Tensor("features", (1, widths[0]))])
    tensor = "features"
    for index, width in enumerate(widths[1:], start=1):
        tensor = _dense(builder, f"layer{index}", tensor, width)
    return builder.build([tensor])


def _dense(builder: GraphBuilder, name: str, source: str, width: int) -> str:
    return activate(builder, name, dense(builder, name, source, width), UnaryKind.RELU)


def _convolution(builder: GraphBuilder, name: str, source: str, channels: int, kernel: int) -> str:
    tensor = biased(builder, name, source, channels, kernel)
    return activate(builder, name, tensor, UnaryKind.RELU)
