"""Counts of networks as table rows: layers, multiply-accumulates, parameters, bytes, intensity.

Every value is one byte, as at int8. A multiply-accumulate is two operations. The *traffic* of a
layer is what it reads and writes if nothing stays on chip: its parameters, inputs and outputs.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from apollo.workloads.graph import INT8_BYTES, Graph, Layer
from apollo.workloads.operators import Operator
from apollo.workloads.shapes import Shape, elements

if TYPE_CHECKING:
    import pandas as pd

OPERATIONS_PER_MAC = 2


@dataclass(frozen=True)
class LayerRow:
    """One operator of a network.

    Attributes:
        network: name of the network.
        layer: name of the operator.
        kind: such as `Convolution`.
        output_shape: shape of the first tensor written.
        macs: multiply-accumulates.
        parameters: values to deploy, normalisations folded.
        read_bytes: of all inputs.
        activation_bytes: written, of all outputs.
        operations_per_byte: operations over traffic; 0 where nothing is multiplied.
        on_host: whether it runs on the host processor.

    """

    network: str
    layer: str
    kind: str
    output_shape: Shape
    macs: int
    parameters: int
    read_bytes: int
    activation_bytes: int
    operations_per_byte: float
    on_host: bool

    @property
    def traffic_bytes(self) -> int:
        """Bytes read and written if nothing stays on chip."""
        return self.parameters * INT8_BYTES + self.read_bytes + self.activation_bytes


@dataclass(frozen=True)
class NetworkRow:
    """A network.

    Attributes:
        network: name.
        batch: images, sentences or steps that run together.
        operators: all of them.
        layers: operators that multiply and accumulate.
        macs: multiply-accumulates of the batch.
        parameters: values to deploy, normalisations folded.
        activation_bytes: written by all operators, for the batch.
        largest_activation_bytes: of the largest tensor.
        macs_per_weight_byte: multiply-accumulates over parameters, as TPU v1 counts intensity.
        operations_per_byte: operations over the traffic of the layers that multiply.

    """

    network: str
    batch: int
    operators: int
    layers: int
    macs: int
    parameters: int
    activation_bytes: int
    largest_activation_bytes: int
    macs_per_weight_byte: float
    operations_per_byte: float


def layer_rows(graph: Graph) -> tuple[LayerRow, ...]:
    """A row for every operator, in order."""
    return tuple(
        _layer_row(graph, operator, layer)
        for operator, layer in zip(graph.operators, graph.layers, strict=True)
    )


def network_row(graph: Graph) -> NetworkRow:
    """The row of a network."""
    rows = layer_rows(graph)
    multiplying = [row for row in rows if row.macs]
    traffic = sum(row.traffic_bytes for row in multiplying)
    sizes = [elements(tensor.shape) for tensor in graph.tensors]
    return NetworkRow(
        network=graph.name,
        batch=graph.batch,
        operators=len(rows),
        layers=len(multiplying),
        macs=graph.macs,
        parameters=graph.parameters,
        activation_bytes=sum(row.activation_bytes for row in rows),
        largest_activation_bytes=max(sizes) * INT8_BYTES,
        macs_per_weight_byte=_ratio(graph.macs, graph.parameters * INT8_BYTES),
        operations_per_byte=_ratio(OPERATIONS_PER_MAC * graph.macs, traffic),
    )


def network_rows(graphs: Iterable[Graph]) -> tuple[NetworkRow, ...]:
    """A row for every network, in order."""
    return tuple(network_row(graph) for graph in graphs)


def to_frame(rows: Sequence[LayerRow] | Sequence[NetworkRow]) -> "pd.DataFrame":
    """Rows as a table with a column for every field."""
    import pandas as pd  # here, because it is slow to import

    return pd.DataFrame([asdict(row) for row in rows])


def _layer_row(graph: Graph, operator: Operator, layer: Layer) -> LayerRow:
    read = sum(elements(shape) for shape in graph.input_shapes(operator)) * INT8_BYTES
    traffic = layer.parameters * INT8_BYTES + read + layer.activation_bytes
    return LayerRow(
        network=graph.name,
        layer=layer.name,
        kind=layer.kind,
        output_shape=layer.output_shape,
        macs=layer.macs,
        parameters=layer.parameters,
        read_bytes=read,
        activation_bytes=layer.activation_bytes,
        operations_per_byte=_ratio(OPERATIONS_PER_MAC * layer.macs, traffic),
        on_host=operator.on_host,
    )


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
