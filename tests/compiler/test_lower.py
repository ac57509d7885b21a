import math

import pytest

from apollo.arch.isa import Opcode
from apollo.compiler.lower import dimensions, dimensions_inside, lower
from apollo.compiler.tables import Nest, TensorColumn
from apollo.workloads.catalogue import load
from apollo.workloads.graph import GraphBuilder, Tensor
from apollo.workloads.operators import Reshape
from tests.compiler.checks import (
    SLOW,
    network,
    odd_graph,
    parameter_bytes,
    rows_read,
    tensor_bytes,
)


def nests_of(net, layer):
    return [net.nests[i] for i, name in enumerate(net.layer_names) if name == layer]


@pytest.mark.parametrize("name", SLOW)
def test_nests_do_the_macs_of_the_graph(name):
    net = network(name)
    total = 0
    for n in net.nests:
        if n[Nest.OPCODE] in (Opcode.CONVOLVE, Opcode.DEPTHWISE):
            sizes = n[[Nest.ROWS, Nest.COLUMNS, Nest.CHANNELS, Nest.IN_CHANNELS]]
            total += math.prod(sizes.tolist()) * int(n[Nest.GROUPS] * n[Nest.TAPS])
    assert total == net.macs


@pytest.mark.parametrize("name", ["mobilenet_v1_0.25_128", "mobilenet_v2_0.35_96"])
def test_parameters_are_the_weights_and_nine_bytes_a_channel(name):
    graph = load(name)
    expected = graph.weights + 9 * (graph.parameters - graph.weights)
    assert sum(parameter_bytes(n) for n in lower(graph).nests) == expected


def test_the_same_parameters_serve_every_image():
    one, three = network("odd"), network("odd*3")
    assert [*map(parameter_bytes, one.nests)] == [*map(parameter_bytes, three.nests)]
    assert three.macs == 3 * one.macs


def test_rows_and_columns_and_channels():
    assert dimensions((2, 3, 5, 7)) == (10, 7, 3)
    assert dimensions((2, 4, 3, 5, 7)) == (10, 7, 12)
    assert dimensions((2, 3, 5)) == (6, 1, 5)
    assert dimensions((2, 3)) == (2, 1, 3)
    assert dimensions((4,)) == (1, 1, 4)


def test_channels_are_stored_inside_columns_inside_rows():
    assert dimensions_inside(4, 0) == (0, 2, 3, 1)
    assert dimensions_inside(4, 2) == (2, 3, 1)
    assert dimensions_inside(4, 1) == (1,)
    assert dimensions_inside(2, 0) == (0, 1)


def test_images_of_a_batch_do_not_drift():
    (n,) = nests_of(network("odd*3"), "valid")  # 19 rows, kernel 3, stride 2: 9 rows out
    assert n[[Nest.ROWS, Nest.IMAGE_ROWS, Nest.STRIDE_ROWS, Nest.SKIP_ROWS]].tolist() == [
        *(27, 9, 2, 1)
    ]
    assert rows_read(n, 3 * 19) == 3 * 19
    (n,) = nests_of(network("odd*3"), "squeeze")  # one row an image
    assert n[Nest.STRIDE_ROWS] + n[Nest.SKIP_ROWS] == 9


def test_parts_of_a_concatenation_begin_where_the_last_one_ended():
    net = network("odd")
    assert [int(n[Nest.FIRST]) for n in nests_of(net, "channels")] == [0, 72]
    assert [int(n[Nest.FIRST]) for n in nests_of(net, "rows")] == [0, 5 * 4 * 108]
    assert [int(n[Nest.FIRST]) for n in nests_of(net, "columns")] == [0, 4 * 108]
    for layer, in_dram in (("channels", 0), ("rows", 1), ("columns", 1)):
        tensor = nests_of(net, layer)[0][Nest.DESTINATION]
        assert net.tensors[tensor, TensorColumn.IN_DRAM] == in_dram


def test_a_transposition_reads_everything():
    net = network("odd")
    (n,) = nests_of(net, "turn")
    assert n[[Nest.EXTENT_ROWS, Nest.EXTENT_COLUMNS, Nest.WHOLE_CHANNELS]].tolist() == [10, 8, 1]
    (n,) = nests_of(net, "sigmoid")
    assert n[[Nest.EXTENT_ROWS, Nest.EXTENT_COLUMNS, Nest.WHOLE_CHANNELS]].tolist() == [1, 1, 0]


def test_tensors_live_until_their_last_reader():
    net = network("odd")
    assert net.tensor_names[0] == "image"
    for index, n in enumerate(net.nests):
        for column in (Nest.SOURCE, Nest.DESTINATION):
            assert net.tensors[n[column], TensorColumn.LAST_USE] >= index
    assert sum(tensor_bytes(t) for t in net.tensors) == sum(
        math.prod(odd_graph().tensor(name).shape) for name in net.tensor_names
    )


def test_a_network_of_views_is_refused():
    builder = GraphBuilder("views", [Tensor("in", (1, 4))])
    graph = builder.build([builder.add(Reshape("view", ("in",), "out", (2, 2)))])
    with pytest.raises(ValueError, match=r"^Network 'views' computes nothing\.$"):
        lower(graph)
