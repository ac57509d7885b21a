import math

import pytest

from apollo.arch.isa import Opcode
from apollo.arch.operands import RECORD_BYTES
from apollo.compiler.lower import lower
from apollo.compiler.recipe import Ingredients
from apollo.compiler.storage import axis_of, dims_of
from apollo.compiler.tables import IN_ORDER, Nest, TensorColumn
from apollo.workloads.catalogue import load
from apollo.workloads.graph import GraphBuilder, Tensor
from apollo.workloads.operators import Reshape
from tests.compiler.checks import SLOW, network, odd_graph


def nests_of(net, layer):
    return [net.nests[i] for i, name in enumerate(net.layer_names) if name == layer]


@pytest.mark.parametrize("name", SLOW)
def test_nests_do_the_macs_of_the_graph(name):
    net = network(name)
    total = 0
    for n in net.nests:
        if n[Nest.OPCODE] in (Opcode.CONVOLVE, Opcode.DEPTHWISE):
            sizes = n[[Nest.ROWS, Nest.COLUMNS, Nest.CHANNELS, Nest.IN_CHANNELS]]
            each = int(n[Nest.IMAGES] * n[Nest.GROUPS] * n[Nest.TAPS])
            total += math.prod(sizes.tolist()) * each
    assert total == net.macs + normalizations(net)


def normalizations(net):
    """Products of normalisations that do not fold: figures of networks do not count them."""
    chosen = [recipe.ingredients is Ingredients.SCALES for recipe in net.recipes]
    sizes = [Nest.IMAGES, Nest.ROWS, Nest.COLUMNS, Nest.CHANNELS]
    return int(net.nests[chosen][:, sizes].prod(axis=1).sum())


@pytest.mark.parametrize("name", ["mobilenet_v1_0.25_128", "mobilenet_v2_0.35_96"])
def test_parameters_are_the_weights_and_nine_bytes_a_channel(name):
    graph = load(name)
    expected = graph.weights + 9 * (graph.parameters - graph.weights)
    nests = lower(graph).nests
    assert sum(parameter_bytes(n) for n in nests) == expected + tables(nests)


def tables(nests):
    """Bytes of tables and records of elementwise operations."""
    return int(nests[:, Nest.TABLE_BYTES].sum())


def test_the_same_parameters_serve_every_image():
    one, three = network("odd"), network("odd*3")
    assert [*map(parameter_bytes, one.nests)] == [*map(parameter_bytes, three.nests)]
    assert three.macs == 3 * one.macs


def parameter_bytes(n):
    """Parameter bytes of a nest."""
    each = n[Nest.IN_CHANNELS] * n[Nest.TAPS] + RECORD_BYTES
    return int(n[Nest.GROUPS] * n[Nest.CHANNELS] * each * n[Nest.WEIGHTS] + n[Nest.TABLE_BYTES])


def test_images_and_rows_and_columns_and_channels():
    assert dims_of((2, 3, 5, 7)) == (2, 5, 7, 3)
    assert dims_of((2, 4, 3, 5, 7)) == (2, 5, 7, 12)
    assert dims_of((2, 3, 5)) == (1, 6, 1, 5)
    assert dims_of((2, 3)) == (1, 2, 1, 3)
    assert dims_of((4,)) == (1, 1, 1, 4)


def test_where_a_dimension_lies():
    assert [axis_of((2, 3, 5, 7), axis) for axis in range(4)] == [
        *("images", "channels", "rows", "columns")
    ]
    assert [axis_of((2, 3), axis) for axis in range(2)] == ["rows", "channels"]
    with pytest.raises(ValueError, match=r"^dimension 1 of \(2, 3, 5\) is not stored by itself$"):
        axis_of((2, 3, 5), 1)


def test_margins_are_what_windows_read_around_a_tensor():
    net = network("odd")
    margins = [TensorColumn.TOP, TensorColumn.BOTTOM, TensorColumn.LEFT, TensorColumn.RIGHT]
    # 19 rows, kernel 3, stride 2, no padding: a PE reads one row of the next one.
    assert net.tensors[net.numbers["image"]][margins].tolist() == [0, 1, 0, 1]
    # Kernel 5, stride 2, padding 2 beside kernel 3, stride 2, padding 1 on 9 x 8.
    assert net.tensors[net.numbers["e"]][margins].tolist() == [2, 2, 2, 1]


def test_parts_of_a_concatenation_begin_where_the_last_one_ended():
    net = network("odd")
    for layer, column, firsts in (
        ("channels", Nest.FIRST_CHANNEL, [0, 72]),
        ("rows", Nest.FIRST_ROW, [0, 5]),
        ("columns", Nest.FIRST_COLUMN, [0, 4]),
    ):
        nests = nests_of(net, layer)
        assert [int(n[column]) for n in nests] == firsts


def test_a_transposition_reads_by_other_names():
    net = network("odd")
    (n,) = nests_of(net, "turn")
    assert n[Nest.PERMUTATION] == 0x312  # rows from columns, columns from rows
    (n,) = nests_of(net, "sigmoid")
    assert n[Nest.PERMUTATION] == IN_ORDER


def test_tensors_live_until_their_last_reader():
    net = network("odd")
    assert net.tensor_names[0] == "image"
    for index, n in enumerate(net.nests):
        for column in (Nest.SOURCE, Nest.DESTINATION):
            assert net.tensors[n[column], TensorColumn.LAST_USE] >= index
    assert [math.prod(t[: TensorColumn.TOP].tolist()) for t in net.tensors] == [
        math.prod(odd_graph().tensor(name).shape) for name in net.tensor_names
    ]


def test_a_network_of_views_is_refused():
    builder = GraphBuilder("views", [Tensor("in", (1, 4))])
    graph = builder.build([builder.add(Reshape("view", ("in",), "out", (1, 4, 1, 1)))])
    with pytest.raises(ValueError, match=r"^Network 'views' computes nothing\.$"):
        lower(graph)
