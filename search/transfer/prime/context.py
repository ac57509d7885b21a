"""A network and a budget as numbers: what the model knows of a task."""

import numpy as np
import numpy.typing as npt

from apollo.arch.isa import Opcode
from apollo.compiler.network import Network, layer_macs
from apollo.compiler.tables import Nest, TensorColumn

Floats = npt.NDArray[np.float32]

NAMES = (
    *("layers", "macs", "parameters"),
    *("pointwise_macs", "window_macs", "depthwise_macs"),
    *("window_layers", "depthwise_layers", "other_layers"),
    *("largest_activation", "activations", "mean_channels"),
)
CONTEXT = len(NAMES) + 1  # and the budget


def network_features(network: Network) -> list[float]:
    """Counts of a lowered network, in the order of `NAMES`; as logarithms they are of one size."""
    nests, tensors = network.nests, network.tensors
    macs = layer_macs(nests)
    convolves = nests[:, Nest.OPCODE] == Opcode.CONVOLVE
    depthwise = nests[:, Nest.OPCODE] == Opcode.DEPTHWISE
    windows = convolves & (nests[:, Nest.TAPS] > 1)
    columns = (TensorColumn.IMAGES, TensorColumn.ROWS, TensorColumn.COLUMNS, TensorColumn.CHANNELS)
    elements = np.prod(tensors[:, columns], axis=1)
    counts = (
        *(len(nests), network.macs, network.parameters),
        *(macs[convolves & ~windows].sum(), macs[windows].sum(), macs[depthwise].sum()),
        *(windows.sum(), depthwise.sum(), (~convolves & ~depthwise).sum()),
        *(elements.max(), elements.sum(), nests[:, Nest.CHANNELS].mean()),
    )
    return [float(np.log2(1 + count)) for count in counts]


def context_of(features: list[float], budget_mm2: float) -> Floats:
    """A network under a budget, [CONTEXT]."""
    return np.array([*features, np.log2(budget_mm2)], dtype=np.float32)
