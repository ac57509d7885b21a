"""Programs of several layers, written by hand."""

import numpy as np

from apollo.arch.assembler import assemble
from apollo.arch.operands import ComputeFlag, TransferFlag
from apollo.simulator.functional import execute
from tests.simulator.functional.build import Image, Script, design
from tests.simulator.functional.layers import conv_sums, packed, record, requantised

# Two images of 8 x 6 x 4 through a 3 x 3 convolution to 8 channels and a depthwise 3 x 3, on two
# PEs above each other. A PE has 4 rows, in two tiles of 2: the loads of a tile (4 rows x 8 columns
# with its margin) and the computation of the other take turns in two buffers, at 0 and at 128. The
# first layer's results lie at 256 in 6 x 8 x 8 with room for a margin, the second's at 640.
TWO_LAYERS = """
# layer 0: convolution
LOAD_PARAMETERS segment_bytes=360 block_bytes=180 step_core=1
# layer 1: depthwise
LOAD_PARAMETERS segment_bytes=144 dram_address=360 block_bytes=72 step_core=1 destination=180
# layer 0: convolution
{load} dram_address=504 first_row=-1 address=0
{load} dram_address=504 first_row=1 address=128
{convolve} source=0 destination=328 | PARAM>=1 ACT>=1
{convolve} source=128 destination=456 | PARAM>=1 ACT>=2
# layer 1: depthwise
{halo} | COMPUTE>=2
{depthwise} | PARAM>=2 MOVE>=1
{store} dram_address=888 | COMPUTE>=3
# layer 0: convolution
{load} dram_address=696 first_row=-1 address=0 | COMPUTE>=1
{load} dram_address=696 first_row=1 address=128 | COMPUTE>=2
{convolve} source=0 destination=328 | ACT>=3
{convolve} source=128 destination=456 | ACT>=4
# layer 1: depthwise
{halo} | COMPUTE>=5
{depthwise} | MOVE>=2 STORE>=1
{store} dram_address=1272 | COMPUTE>=6
"""
PIECES = dict(
    load="LOAD_ACTIVATIONS segment_bytes=192 columns=6 channels=4 first_column=-1 split_y=rows "
    "step_y=4 box_rows=4 box_columns=8 box_channels=4 row_pitch=32 column_pitch=4 "
    "channel_pitch=1 fill=-5",
    convolve="CONVOLVE rows=2 columns=6 in_channels=4 out_channels=4 kernel_rows=3 "
    "kernel_columns=3 source_row_pitch=32 source_column_pitch=4 source_channel_pitch=1 "
    "row_pitch=64 column_pitch=8 channel_pitch=1 core_step=4 channels=8 zero_point=9",
    halo="MOVE bytes=96 rows=8 columns=6 channels=8 source=328 source_row_pitch=64 "
    "source_column_pitch=8 source_channel_pitch=1 source_split_y=rows source_step_y=4 flags=halo "
    "address=256 row_pitch=64 column_pitch=8 channel_pitch=1 box_rows=6 box_columns=8 "
    "box_channels=8 first_row=-1 first_column=-1 split_y=rows step_y=4 fill=9",
    depthwise="DEPTHWISE rows=4 columns=6 in_channels=1 out_channels=4 kernel_rows=3 "
    "kernel_columns=3 source=256 source_row_pitch=64 source_column_pitch=8 "
    "source_channel_pitch=1 destination=640 row_pitch=48 column_pitch=8 channel_pitch=1 "
    "parameters=180 core_step=4 channels=8 zero_point=-2",
    store="STORE segment_bytes=384 columns=6 channels=8 address=640 row_pitch=48 column_pitch=8 "
    "channel_pitch=1 box_rows=4 box_columns=6 box_channels=8 split_y=rows step_y=4",
)


def two_layers() -> tuple[str, Image, np.ndarray]:
    """The program, its image, and what both images must become, [2, 8, 6, 8]."""
    rng = np.random.default_rng(2)
    x = rng.integers(-128, 128, (2, 8, 6, 4)).astype(np.int8)
    first = rng.integers(-127, 128, (8, 3, 3, 4)).astype(np.int8)
    second = rng.integers(-127, 128, (8, 3, 3, 1)).astype(np.int8)
    bias = rng.integers(-5000, 5000, (2, 8))
    scale = rng.uniform(0.001, 0.002, (2, 8)) * [[1], [2]]
    image = Image()
    image.put(np.frombuffer(packed(first, bias[0], scale[0], -5), np.uint8))
    image.put(np.frombuffer(packed(second, bias[1], scale[1], 9), np.uint8))
    image.put(x)
    image.room(2 * 384)
    wanted = []
    for one in x:
        middle = requantised(conv_sums(one, first, 1, 1, -5) + bias[0], scale[0], 9)
        sums = np.stack(
            [conv_sums(middle[..., [c]], second[[c]], 1, 1, 9)[..., 0] for c in range(8)], axis=-1
        )
        wanted.append(requantised(sums + bias[1], scale[1], -2))
    return TWO_LAYERS.format(**PIECES), image, np.stack(wanted)


def run_two_layers() -> None:
    text, image, wanted = two_layers()
    machine = execute(assemble(text), design(1, 2, 2), image.array)
    got = machine.dram[888:].view(np.int8).reshape(wanted.shape)
    np.testing.assert_array_equal(got, wanted)
    assert len(np.unique(got)) > 100


def test_two_layers_with_a_halo_and_double_buffering() -> None:
    run_two_layers()


def test_every_wait_of_the_two_layers_is_needed() -> None:
    """Each wait of the text, dropped alone, is a race."""
    text, image, _ = two_layers()
    lines = text.splitlines()
    dropped = 0
    for number, line in enumerate(lines):
        body, bar, waits = line.partition(" | ")
        for word in waits.split() if bar else []:
            rest = [other for other in waits.split() if other != word]
            weaker = [*lines]
            weaker[number] = body + (" | " + " ".join(rest) if rest else "")
            try:
                execute(assemble("\n".join(weaker)), design(1, 2, 2), image.array)
            except ValueError as refusal:
                dropped += "(M32)" in str(refusal)
            else:
                # The second convolution comes after the first, which waits for the parameters.
                assert word == "PARAM>=1"
                assert "source=128" in line
    assert dropped == 15


def attention(pes_y: int, cores: int) -> tuple[np.ndarray, np.ndarray]:
    """S = Q K^T of activations [12, 8]: K moves to the core memories as weights of Q."""
    rng = np.random.default_rng(pes_y)
    chip, script, image = design(1, pes_y, cores), Script(), Image()
    length, depth = 12, 8
    q, k = rng.integers(-128, 128, (2, length, depth)).astype(np.int8)
    rows, each = length // pes_y, length // cores
    layout = dict(row_pitch=depth, column_pitch=1, channel_pitch=1)
    box = dict(box_rows=rows, box_channels=depth, split_y="rows", step_y=rows)
    script.add("LOAD_PARAMETERS", segment_bytes=9, block_bytes=9,
               dram_address=image.put(np.frombuffer(record(0, 0.002), np.uint8)))  # fmt: skip
    for address, tensor in ((0, q), (200, k)):
        script.add("LOAD_ACTIVATIONS", segment_bytes=tensor.size, channels=depth, address=address,
                   dram_address=image.put(tensor), **box, **layout)  # fmt: skip
    script.add(
        "MOVE", bytes=k.size, rows=length, channels=depth, source=200, source_row_pitch=depth,
        source_channel_pitch=1, source_split_y="rows", source_step_y=rows, address=9,
        flags=TransferFlag.TO_CORE, box_rows=each, box_channels=depth, core_split="rows",
        step_core=each, **layout,
    )  # fmt: skip
    script.add(
        "CONVOLVE", rows=rows, in_channels=depth, out_channels=each, core_step=each,
        channels=length, source_row_pitch=depth, source_channel_pitch=1, destination=400,
        row_pitch=length, channel_pitch=1, flags=ComputeFlag.UNIFORM,
    )  # fmt: skip
    address = image.room(length * length)
    script.add(
        "STORE", segment_bytes=length * length, dram_address=address, channels=length,
        address=400, box_rows=rows, box_channels=length, split_y="rows", step_y=rows,
        row_pitch=length, channel_pitch=1,
    )  # fmt: skip
    machine = execute(script.program, chip, image.array)
    got = machine.dram[address:].view(np.int8).reshape(length, length)
    sums = q.astype(int) @ k.astype(int).T
    return got, requantised(sums, np.full(length, 0.002), 0)


def test_a_product_of_two_activations() -> None:
    for pes_y, cores in ((1, 1), (3, 2), (2, 4)):
        got, wanted = attention(pes_y, cores)
        np.testing.assert_array_equal(got, wanted)


def test_tensors_change_hands_and_layouts() -> None:
    """Rows over PEs, then channels over PEs in channel-major order, then out: nothing changes."""
    chip, script, image = design(2, 3), Script(), Image()
    x = np.random.default_rng(0).integers(-128, 128, (7, 5, 8)).astype(np.int8)
    script.add("LOAD_ACTIVATIONS", segment_bytes=x.size, dram_address=image.put(x), columns=5,
               channels=8, box_rows=3, box_columns=3, box_channels=8, row_pitch=24,
               column_pitch=8, channel_pitch=1, split_y="rows", step_y=3, split_x="columns",
               step_x=3)  # fmt: skip
    script.add("MOVE", bytes=x.size, rows=7, columns=5, channels=8, source_row_pitch=24,
               source_column_pitch=8, source_channel_pitch=1, source_split_x="columns",
               source_step_x=3, source_split_y="rows", source_step_y=3, address=100,
               row_pitch=5, column_pitch=1, channel_pitch=36, box_rows=7, box_columns=5,
               box_channels=2, split_x="channels", step_x=2, split_y="channels",
               step_y=4)  # fmt: skip
    address = image.room(x.size)
    script.add("STORE", segment_bytes=x.size, dram_address=address, columns=5, channels=8,
               address=100, row_pitch=5, column_pitch=1, channel_pitch=36, box_rows=7,
               box_columns=5, box_channels=2, split_x="channels", step_x=2,
               split_y="channels", step_y=4)  # fmt: skip
    machine = execute(script.program, chip, image.array)
    np.testing.assert_array_equal(machine.dram[address:].view(np.int8), x.reshape(-1))
