"""What sparse weights take: the table of pairs, what instructions say of it, and who is sparse."""

import numpy as np
import pytest

from apollo.arch.accelerator import Accelerator, load_design
from apollo.arch.isa import Opcode
from apollo.arch.operands import Load, Window
from apollo.compiler.lower import lower
from apollo.compiler.options import Options
from apollo.compiler.pairs import by_input
from apollo.compiler.pipeline import compile_network
from apollo.compiler.tables import Form, Map, Nest, PairColumn, Split
from apollo.workloads.catalogue import load, load_model
from apollo.workloads.operators import FullyConnected
from apollo.workloads.sparsity import encode, masks_at
from apollo.workloads.sparsity.statistics import core_cycles
from apollo.workloads.sparsity.storage import pair_counts

ONE_PE = Accelerator(
    "one_pe", 1, 1, lanes=8, cores=4, pe_memory_bytes=1 << 20, core_memory_bytes=1 << 20,
    activation_memory_bytes=1024, instruction_memory_bytes=16384, parameter_memory_bytes=2048,
    dram_gb_per_s=100,
)  # fmt: skip


def masked(name: str, mask: np.ndarray):
    """A network of one layer with that mask, lowered."""
    graph = load(name)
    return lower(graph, masks={(graph.operators[0].name, "weight"): mask})


def random_mask(shape, density, seed=0):
    return np.random.default_rng(seed).random(shape) < density


def test_the_table_has_the_bytes_of_the_encoded_channels():
    mask = random_mask((37, 300, 1, 1), 0.01)
    table = masked("conv:6x6x300x37x1x1", mask).pairs
    weights = mask.reshape(37, 300).astype(np.int8)
    sizes = [len(encode(weights[channel : channel + 1])) for channel in range(37)]
    assert np.diff(table[:, PairColumn.BYTES]).tolist() == sizes
    counts = pair_counts(mask.reshape(37, 300))
    assert np.diff(table[:, PairColumn.STEPS]).tolist() == (-(-counts // 2)).tolist()


def test_a_product_of_an_image_walks_it_as_it_lies():
    values = np.arange(24).reshape(1, 24)
    operator = FullyConnected("dense", ("x",), "y", 1)
    # Channels last: both channels of the first position, then of the next.
    assert by_input(operator, values, (2, 3, 4)).reshape(-1)[:4].tolist() == [0, 12, 1, 13]


@pytest.mark.parametrize("density", [0.0, 0.05, 0.5, 1.0])
def test_instructions_say_what_the_busiest_core_walks(density):
    mask = random_mask((50, 90, 1, 1), density)
    compiled = compile_network(masked("conv:3x3x90x50x1x1", mask), ONE_PE, Options(sparse=True))
    program, (m,) = compiled.cold, compiled.mapping
    assert m[Map.SPLIT_CORES] == Split.CHANNELS
    sparse = program.opcode == Opcode.CONVOLVE_SPARSE
    (pairs,) = set(program.operand[sparse, Window.PAIRS].tolist())  # every tile of rows
    counts = pair_counts(mask.reshape(50, 90))
    cycles = core_cycles(counts, ONE_PE.cores)
    assert pairs == cycles.max()
    (load_,) = program.operand[program.opcode == Opcode.LOAD_PARAMETERS]
    sizes = (11 + 2 * np.append(counts, np.full(2, -5.5))).reshape(4, 13).sum(1)
    assert load_[Load.BLOCK_BYTES] == sizes.max()
    assert load_[Load.SEGMENT_BYTES] == 3 * sizes.max() + sizes[-1]


def test_options_fix_the_form():
    model = load_model("mobilenet_v1_0.25_128")
    network = lower(model.graph, masks=masks_at(model, 0.7))
    design = load_design("edge_tpu_v3")
    may = network.nests[:, Nest.FORM] == Form.EITHER
    assert may.sum() == 15  # depthwise kernels never
    for sparse, count in ((False, 0), (True, 15)):
        mapping = compile_network(network, design, Options(sparse)).mapping
        assert mapping[:, Map.SPARSE].sum() == count
    assert 0 < compile_network(network, design).mapping[:, Map.SPARSE].sum() <= 15


def test_without_masks_nothing_is_sparse():
    network = lower(load("mobilenet_v1_0.25_128"))
    assert (network.nests[:, Nest.FORM] == Form.DENSE).all()
    assert len(network.pairs) == 0


def test_only_weights_that_are_not_masked_count_as_work():
    mask = random_mask((50, 90, 1, 1), 0.3)
    network = masked("conv:3x3x90x50x1x1", mask)
    assert network.macs == 9 * mask.sum()


def test_a_channel_of_more_pairs_than_its_count_can_say_is_dense():
    mask = np.ones((2, 65536), np.bool_)
    assert masked("gemm:1x65536x2", mask).nests[0, Nest.FORM] == Form.DENSE
    mask[:, 0] = False
    assert masked("gemm:1x65536x2", mask).nests[0, Nest.FORM] == Form.EITHER


def test_wrong_masks_are_refused():
    graph = load("conv:3x3x90x50x1x1")
    with pytest.raises(
        ValueError,
        match=r"^The mask of 'conv' must have shape \(50, 90, 1, 1\), not \(50, 90\)\.$",
    ):
        lower(graph, masks={("conv", "weight"): np.ones((50, 90), np.bool_)})
    with pytest.raises(
        ValueError, match=r"^The mask of 'weight' belongs to no operator: 'other'\.$"
    ):
        lower(graph, masks={("other", "weight"): np.ones((50, 90, 1, 1), np.bool_)})
