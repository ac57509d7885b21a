"""What is published of the two systolic presets."""

import pytest

from apollo.arch.accelerator import Channel, load_design

GIB = 1 << 30


def channel(name: str, stream: str) -> Channel:
    return next(c for c in load_design(name).channels if stream in c.streams)


def test_tpu_v1() -> None:
    tpu = load_design("tpu_v1")
    assert tpu.peak_tops == pytest.approx(92, abs=0.3)
    assert tpu.accumulator_rows * tpu.array_columns * 4 == 4 << 20
    assert tpu.pe_memory_bytes == 24 << 20
    assert tpu.core_memory_bytes >= 4 << 16
    assert (tpu.clock_mhz, tpu.technology_nm, tpu.dram) == (700, 28, "DDR3")
    # The block diagram of the paper: 30 GiB/s of weights, 14 GiB/s of host.
    for stream, gib_per_s in (("PARAM", 30), ("ACT", 14), ("STORE", 14), ("FETCH", 14)):
        rate = channel("tpu_v1", stream).bytes_per_cycle * 700_000_000
        assert float(rate) == pytest.approx(gib_per_s * GIB, rel=0.005)


@pytest.mark.parametrize(
    ("name", "stream", "staging"),
    [
        ("tpu_v1", "PARAM", "parameter_memory_bytes"),
        ("tpu_v1", "ACT", "activation_memory_bytes"),
    ],
)
def test_staging_covers_the_latency(name: str, stream: str, staging: str) -> None:
    """Little's law: what is in flight at full rate fits."""
    found = channel(name, stream)
    assert getattr(load_design(name), staging) > found.bytes_per_cycle * found.latency_cycles


def test_gemmini() -> None:
    gemmini = load_design("gemmini")
    assert gemmini.peak_macs_per_cycle == 256
    assert gemmini.accumulator_rows * gemmini.array_columns * 4 == 64 << 10
    results = 16 << 10
    assert gemmini.pe_memory_bytes + gemmini.core_memory_bytes == (256 << 10) + 2 * results
    # Sixteen requests of 64 bytes in flight, over both loads; a beat of 16 bytes a cycle.
    assert gemmini.activation_memory_bytes + gemmini.parameter_memory_bytes == 16 * 64
    assert channel("gemmini", "ACT").bytes_per_cycle == 16
    assert gemmini.burst_bytes == 16
