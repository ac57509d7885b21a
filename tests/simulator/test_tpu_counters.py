import numpy as np
import pytest

from apollo.arch.accelerator import Accelerator, load_design
from apollo.arch.assembler import assemble
from apollo.simulator.timeline import Timeline
from apollo.simulator.tpu_counters import TpuCounters, tpu_counters

TPU = load_design("tpu_v1")

# Tile 0 waits for its weights, tile 1 for its shift, a product runs on the vector unit, tile 2
# waits for an input and then for a drain.
PROGRAM = """
LOAD_PARAMETERS segment_bytes=65536 block_bytes=65536
LOAD_ACTIVATIONS segment_bytes=256 channels=256 box_channels=256
SHIFT_WEIGHTS in_channels=256 out_channels=256 | PARAM>=1
MATMUL rows=100 in_channels=256 out_channels=128 | MOVE>=1
SHIFT_WEIGHTS buffer=1 in_channels=128 out_channels=256 | PARAM>=1
MATMUL rows=100 in_channels=128 out_channels=256 buffer=1 | MOVE>=2
MULTIPLY rows=10 out_channels=256
LOAD_ACTIVATIONS segment_bytes=256 channels=256 box_channels=256
DRAIN rows=100 out_channels=256 | COMPUTE>=2
MATMUL rows=50 in_channels=256 out_channels=256 flags=wide_source | ACT>=2 MOVE>=3
STORE segment_bytes=256 channels=256 box_channels=256
"""
#         PARAM  ACT SHIFT  MATMUL  SHIFT  MATMUL  MULTIPLY  ACT  DRAIN  MATMUL STORE
STARTS = [0, 0, 1000, 1256, 1300, 1556, 1656, 1200, 1700, 2400, 2500]
ENDS = [1000, 900, 1256, 1356, 1556, 1656, 1680, 1900, 2300, 2500, 3000]


def timeline(starts: list[int], ends: list[int], text: str = PROGRAM) -> Timeline:
    program = assemble(text)
    visible = np.zeros(len(program), np.int64)
    zeros = np.zeros(4, np.int64)
    times = (np.array(starts), np.array(ends))
    return Timeline(program, visible, *times, zeros, np.zeros(5, np.int64))


def test_every_category() -> None:
    found = tpu_counters(timeline(STARTS, ENDS), TPU)
    assert found == TpuCounters(
        total=3000,
        active=100 + 100 + 100,
        weight_stall=1000,
        weight_shift=256 + 200,
        # 24 of the vector unit, 720 before the last tile, 500 of the store.
        non_matrix=24 + 720 + 500,
        # Input until 1,900, then the drain.
        raw_stall=24 + 500,
        input_stall=220,
        useful=100 * 0.5 + 100 * 0.5 + 100,
    )
    shares = found.shares()
    parts = ("active", "weight_stall", "weight_shift", "non_matrix")
    assert sum(shares[part] for part in parts) == pytest.approx(100)
    assert found.unused == 100


def test_a_shift_that_waits_for_its_engine_is_not_a_weight_stall() -> None:
    starts, ends = list(STARTS), list(ENDS)
    starts[2], ends[2] = 1100, 1256  # its weights came at 1,000
    found = tpu_counters(timeline(starts, ends), TPU)
    assert (found.weight_stall, found.weight_shift) == (1000, 156 + 200)


def test_sums_that_stay_need_no_shift() -> None:
    text = """
    LOAD_PARAMETERS segment_bytes=65536 block_bytes=65536
    MATMUL rows=128 in_channels=512 out_channels=128 flags=output_stationary | PARAM>=1
    """
    found = tpu_counters(timeline([0, 1400], [1400, 1912], text), TPU)
    assert (found.weight_stall, found.weight_shift, found.active) == (1400, 0, 512)
    assert found.useful == pytest.approx(512 / 4)


def test_a_chip_of_lanes_has_no_such_counters() -> None:
    lanes: Accelerator = load_design("edge_tpu_v1")
    with pytest.raises(ValueError, match=r"^Design 'edge_tpu_v1' must have a systolic array\.$"):
        tpu_counters(timeline(STARTS, ENDS), lanes)
