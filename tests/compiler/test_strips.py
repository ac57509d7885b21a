"""Nests cut into strips of rows: the tables, and that programs compute the same integers."""

import random
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from apollo.arch.accelerator import load_design
from apollo.compiler import strips
from apollo.compiler.bound import bound, is_layered
from apollo.compiler.lower import lower
from apollo.compiler.network import Network, origins_of
from apollo.compiler.options import Fixed, Options
from apollo.compiler.pipeline import Compiled, compile_network
from apollo.compiler.strips import Segment, inside
from apollo.compiler.tables import NO_TENSOR, From, Map, Nest, TensorColumn
from apollo.compiler.verify import Broken, verify_rows
from apollo.simulator.engine import simulate
from apollo.workloads.graph import Graph, GraphBuilder, Tensor
from apollo.workloads.operators import Binary, BinaryKind, Convolution
from tests.compiler.execution import check_compiled, seen_of
from tests.compiler.models import random_model
from tests.compiler.plain_strips import plain_cut, plain_inside, plain_margins
from tests.compiler.random_graphs import random_graph, tiny_design

FEW, MANY = 60, 1500
CUTS = 4
EDGE_TPU = load_design("edge_tpu_v1")


def block(rows: int = 8) -> Graph:
    """A convolution, one of stride 1 and one of stride 2 behind it, and a sum of the first two."""
    b = GraphBuilder("block", [Tensor("image", (1, 4, rows, 6))])
    b.add(Convolution("first", ("image",), "a", 8, (3, 3), padding=(1, 1, 1, 1)))
    b.add(Convolution("second", ("a",), "b", 8, (3, 3), padding=(1, 1, 1, 1)))
    b.add(Binary("sum", ("a", "b"), "c", BinaryKind.ADD))
    b.add(Convolution("third", ("c",), "d", 8, (3, 3), (2, 2), (1, 1, 1, 1)))
    return b.build(["d"])


def cut(network: Network, segments: Sequence[Segment]) -> Network | None:
    """The network cut, with its names; None where a strip would be empty."""
    found = strips.cut(network, segments)
    return found and found.named()


def lowered(seed: int) -> Network | None:
    """A random network; None where it has no lowering."""
    try:
        return lower(random_graph(seed))
    except ValueError:
        return None


def segments_of(network: Network) -> list[tuple[int, int]]:
    """First and last nests of all segments, of up to six, that may be cut."""
    count = len(network.nests)
    ends = ((first, last) for first in range(count) for last in range(first, first + 6))
    return [pair for pair in ends if inside(network, *pair) is not None]


def some_segments(network: Network, seed: int) -> list[Segment]:
    """Random ones that do not meet."""
    rng = random.Random(seed)
    found: list[Segment] = []
    pairs = segments_of(network)
    for first, last in rng.sample(pairs, len(pairs)):
        result = network.nests[last, Nest.DESTINATION]
        rows = int(network.tensors[result, TensorColumn.ROWS])
        if rows > 1 and all(last < each.first or first > each.last for each in found):
            found.append(Segment(first, last, min(rows, rng.choice([2, 3, 4, 7]))))
    return found


def of_seed(seed: int) -> Counter[str]:
    """A random network, cut at random, on a tiny design; nothing where it cannot be, or not fit."""
    model = random_model(random_graph(seed), seed)

    def compile_and_check() -> Compiled | None:
        network = lower(model.graph, model)
        found = cut(network, some_segments(network, seed))
        if found is None or len(found.nests) == len(network.nests):
            return None
        return check_compiled(compile_network(found, tiny_design(seed + 1)), model, seed)

    return seen_of(compile_and_check)


@pytest.mark.parametrize("count", [FEW, pytest.param(MANY, marks=pytest.mark.slow)])
def test_random_networks_cut_at_random_compute_the_same(count):
    seen: Counter[str] = Counter()
    cases = 0
    for seed in range(count):
        found = of_seed(seed)
        seen += found
        cases += bool(found)
    assert cases > count / 6
    wanted = ("parts on the chip", "spill", "shared", "source from HALO", "second from COPY")
    assert {*wanted} <= {*seen}


def test_strips_have_the_rows_that_they_need():
    network = lower(block())
    found = cut(network, [Segment(0, 3, 2)])
    assert found is not None
    assert origins_of(found).tolist() == [0, 1, 2, 3, 0, 1, 2, 3]
    rows = found.nests[:, Nest.ROWS].tolist()
    # The third convolution has 4 rows of 8; two of them read rows -1 to 3, and 3 to 7.
    assert rows == [5, 4, 4, 2, 6, 5, 5, 2]
    first = found.nests[:, Nest.FIRST_ROW].tolist()
    assert first == [0, 0, 0, 0, 0, 0, 0, 2]
    # The second strip begins with rows 2, 3 and 3 of the tensors, where there is no padding above.
    assert found.nests[4:, Nest.PAD_ROWS].tolist() == [1 - 2, 0, -1, 0]
    assert found.nests[4:, Nest.SECOND_ROW].tolist() == [0, 0, 0, 0]
    assert found.layer_names[5] == "second 2/2"
    names = [found.tensor_names[n[Nest.SOURCE]] for n in found.nests]
    assert names == ["image", "a 1/2", "a 1/2", "c 1/2", "image", "a 2/2", "a 2/2", "c 2/2"]


@pytest.mark.parametrize("seed", range(40))
def test_strips_leave_no_row_out(seed):
    network = lowered(seed)
    if network is None:
        return
    for first, last in segments_of(network):
        rows = int(network.tensors[network.nests[last, Nest.DESTINATION], TensorColumn.ROWS])
        found = cut(network, [Segment(first, last, rows)]) if rows > 1 else None
        if found is None:
            continue
        verify_rows(found)
        origins = origins_of(found)
        assert {*origins.tolist()} == {*range(len(network.nests))}
        for nest in range(first, last + 1):
            own = found.nests[origins == nest]
            assert own[:, Nest.ROWS].sum() >= network.nests[nest, Nest.ROWS]
            assert (own[:, Nest.ROWS] > 0).all()


@pytest.mark.parametrize("seed", range(40))
def test_strips_are_those_found_row_by_row(seed):
    network = lowered(seed)
    if network is None:
        return
    for first in range(len(network.nests)):
        for last in range(first, min(first + 6, len(network.nests))):
            marks, plain = inside(network, first, last), plain_inside(network, first, last)
            assert (marks is None) == (plain is None)
            assert marks is None or {*np.flatnonzero(marks)} == plain
    for number in range(CUTS):
        segments = some_segments(network, CUTS * seed + number)
        found, expected = cut(network, segments), plain_cut(network, segments)
        assert (found is None) == (expected is None)
        if found is not None and expected is not None:
            assert np.array_equal(found.nests, expected.nests)
            assert np.array_equal(found.tensors, expected.tensors)
            assert found.layer_names == expected.layer_names
            assert found.tensor_names == expected.tensor_names
            assert origins_of(found).tolist() == expected.origins.tolist()
            assert found.recipes == tuple(network.recipes[index] for index in expected.origins)


@pytest.mark.parametrize("seed", range(40))
def test_margins_are_those_of_the_definition(seed):
    network = lowered(seed)
    if network is None:
        return
    tensors = network.tensors.copy()
    tensors[:, TensorColumn.TOP : TensorColumn.RIGHT + 1] = 0
    tensors[:, TensorColumn.ALIGN_ROWS :] = 1
    plain_margins([*network.nests], [*tensors])
    assert np.array_equal(network.tensors, tensors)


def test_what_others_read_is_not_inside():
    network = lower(block())
    assert inside(network, 0, 1) is None  # the sum reads the first
    marks = inside(network, 0, 2)
    assert marks is not None
    assert {*np.flatnonzero(marks)} == {*network.nests[:2, Nest.DESTINATION]}
    with pytest.raises(ValueError, match=r"^Nests 0 to 1 cannot be cut into strips\.$"):
        cut(network, [Segment(0, 1, 2)])
    with pytest.raises(ValueError, match="cannot be cut into strips"):
        cut(network, [Segment(0, 2, 2), Segment(2, 3, 2)])


def test_more_strips_than_rows_are_none():
    network = lower(block())
    assert cut(network, [Segment(0, 3, 4)]) is not None
    assert cut(network, [Segment(0, 3, 5)]) is None


@pytest.mark.parametrize("values", [(1, 0, 2), (-1, 2, 2), (0, 3, 1)])
def test_a_segment_is_some_nests_in_two_strips_or_more(values):
    sentence = re.escape("A segment must be some nests in order, in two strips or more, not ")
    with pytest.raises(ValueError, match=sentence):
        Segment(*values)


def test_a_row_that_is_missing_is_found():
    found = cut(lower(block()), [Segment(0, 3, 2)])
    assert found is not None
    found.nests[1, Nest.ROWS] -= 1
    with pytest.raises(Broken, match="Layer 'sum 1/2': reads rows of 'b 1/2' before they are writ"):
        verify_rows(found)


def test_parameters_of_strips_are_those_of_the_first():
    network = lower(block())
    found = cut(network, [Segment(1, 3, 3)])
    assert found is not None
    shares = found.nests[:, Nest.SHARES]
    assert (origins_of(found)[shares] == network.nests[origins_of(found), Nest.SHARES]).all()
    assert shares.tolist() == [0, *([1, 2, 3] * 3)]
    assert (found.nests[:, Nest.SECOND] != NO_TENSOR).sum() == 3


def test_strips_are_no_program_of_nest_after_nest():
    network = lower(block())
    found = cut(network, [Segment(0, 3, 2)])
    assert found is not None
    compiled = compile_network(found, EDGE_TPU)
    assert not is_layered(compiled.cold, compiled.network)
    cycles = simulate(compiled.cold, EDGE_TPU).latency_cycles
    assert cycles >= bound(network, EDGE_TPU).cold
    whole = compile_network(network, EDGE_TPU)
    assert is_layered(whole.cold, whole.network)
    assert np.array_equal(origins_of(whole.network), np.arange(4))


def test_a_copy_for_a_strip_moves_the_rows_that_it_reads():
    network = lower(block(16))
    found = cut(network, [Segment(1, 3, 4)])
    assert found is not None
    decisions = ("first:split_x=channels", "first:to_dram=no", "second*:split_x=columns")
    fixed = Options(fixed=tuple(map(Fixed.of, decisions)))
    compiled = compile_network(found, replace(EDGE_TPU, pes_x=2, pes_y=1), fixed)
    own = compiled.mapping[[name.startswith("second") for name in found.layer_names]]
    assert (own[:, Map.SOURCE_FROM] == From.COPY).all()
    # Of 16 rows of 6 columns and 8 channels: its own, one above and one below, but at the ends.
    rows = (own[:, Map.MOVE_BYTES] / (6 * 8)).tolist()
    assert rows == [n[Nest.ROWS] + 2 - (i in (0, 3)) for i, n in enumerate(found.nests[1::3])]
