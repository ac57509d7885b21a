"""Designs: presets, files, channels, and every field that is refused."""

import dataclasses
from fractions import Fraction

import pytest

from apollo.arch.accelerator import (
    Accelerator,
    Channel,
    design_text,
    load_design,
    preset_names,
)

PRESETS = {"edge_tpu_v1": 26.2, "edge_tpu_v2": 8.73, "edge_tpu_v3": 8.73}


@pytest.mark.parametrize(("name", "published_tops"), PRESETS.items())
def test_presets_have_the_published_peak(name: str, published_tops: float) -> None:
    assert load_design(name).peak_tops == pytest.approx(published_tops, abs=0.05)


def test_every_preset_loads() -> None:
    assert set(PRESETS) <= set(preset_names())
    for name in preset_names():
        assert load_design(name).name == name


def design(**changes: object) -> Accelerator:
    fields = dataclasses.asdict(load_design("edge_tpu_v1")) | {"name": "d"} | changes
    return Accelerator(**fields)


SYSTOLIC = {
    "pes_x": 1, "pes_y": 1, "cores": 1,
    "array_rows": 16, "array_columns": 8, "accumulator_rows": 64,
}  # fmt: skip


def test_dram_rate_is_exact() -> None:
    # 17 GB/s at 800 MHz, 9/10 of it sustained
    assert load_design("edge_tpu_v1").dram_bytes_per_cycle == Fraction(153, 8)


def test_latency_rounds_up_to_cycles() -> None:
    assert load_design("edge_tpu_v1").dram_latency_cycles == 80
    assert load_design("edge_tpu_v2").dram_latency_cycles == 107  # 106.6


def test_without_a_host_link_all_streams_use_the_dram() -> None:
    streams = ("FETCH", "PARAM", "ACT", "STORE")
    assert design().channels == (Channel(streams, Fraction(153, 8), 80),)


def test_a_host_link_takes_its_streams_in_the_order_of_service() -> None:
    dram, host = design(host_gb_per_s=10, host_streams=["ACT", "FETCH", "ACT"]).channels
    assert dram == Channel(("PARAM", "STORE"), Fraction(153, 8), 80)
    # 10 GB/s at 800 MHz is 12.5 bytes a cycle, 84 % of them sustained; 1,000 ns
    assert host == Channel(("FETCH", "ACT"), Fraction(21, 2), 800)


def test_an_array_computes_in_place_of_the_lanes() -> None:
    systolic = design(**SYSTOLIC, lanes=4)
    assert systolic.is_systolic
    assert systolic.peak_macs_per_cycle == 16 * 8
    assert not design().is_systolic
    assert design().peak_macs_per_cycle == 16 * 4 * 64 * 4


@pytest.mark.parametrize("burst", [16, 32, 64, 128, 256])
def test_memories_may_be_as_small_as_the_burst_allows(burst: int) -> None:
    """Two bursts, or a burst and an instruction of 64 bytes."""
    least = burst + max(burst, 64)
    memories = {"activation_memory_bytes": burst, "parameter_memory_bytes": burst}
    small = {"burst_bytes": burst, "dram_gb_per_s": 8} | memories
    design(**small, instruction_memory_bytes=least)
    with pytest.raises(ValueError, match=rf"must be at least {least} bytes \(bursts of {burst}\)"):
        design(**small, instruction_memory_bytes=least - 1)


@pytest.mark.parametrize(
    "original",
    [
        *map(load_design, preset_names()),
        design(host_gb_per_s=10, host_streams=("FETCH",), dram="HBM2", technology_nm=28),
        design(**SYSTOLIC),
    ],
    ids=lambda original: original.name,
)
def test_a_design_round_trips_through_its_file(tmp_path, original: Accelerator) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(design_text(original))
    assert dataclasses.replace(load_design(str(path)), name=original.name) == original


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"name": 5}, "The name of a design must be text, not 5."),
        ({"lanes": 0}, "Design 'd': lanes must be a positive integer, not 0."),
        ({"cores": 2.5}, "Design 'd': cores must be a positive integer, not 2.5."),
        ({"cores": True}, "Design 'd': cores must be a positive integer, not True."),
        ({"pes_x": 10**30}, f"Design 'd': pes_x must be at most 1,024, not {10**30:,}."),
        (
            {"dram_latency_ns": 100_001},
            "Design 'd': dram_latency_ns must be at most 100,000, not 100,001.",
        ),
        (
            {"pe_memory_bytes": 1 << 62},
            f"Design 'd': pe_memory_bytes must be at most 268,435,456, not {1 << 62:,}.",
        ),
        (
            {"instruction_memory_bytes": 256},
            "Design 'd': instruction_memory_bytes must be at least 512 bytes "
            "(bursts of 256), not 256.",
        ),
        (
            {"instruction_memory_bytes": 262_145},
            "Design 'd': instruction_memory_bytes must be at most 262,144, not 262,145.",
        ),
        (
            {"parameter_memory_bytes": 255},
            "Design 'd': parameter_memory_bytes must be at least 256 bytes (bursts of 256), "
            "not 255.",
        ),
        (
            {"activation_memory_bytes": 128},
            "Design 'd': activation_memory_bytes must be at least 256 bytes (bursts of 256), "
            "not 128.",
        ),
        (
            {"burst_bytes": 48},
            "Design 'd': burst_bytes must be one of 16, 32, 64, 128, 256, not 48.",
        ),
        (
            {"dram": "SDRAM"},
            "Design 'd': dram must be one of LPDDR4, DDR3, GDDR5, HBM2, on_chip, not 'SDRAM'.",
        ),
        (
            {"technology_nm": 5},
            "Design 'd': technology_nm must be one of 130, 90, 65, 45, 32, 28, 22, 20, 16, 14, "
            "12, 10, 7, not 5.",
        ),
        (
            {"dram_efficiency_percent": 101},
            "Design 'd': dram_efficiency_percent must be at most 100, not 101.",
        ),
        (
            {"array_rows": -1},
            "Design 'd': array_rows must be an integer of at least 0, not -1.",
        ),
        (
            {"array_rows": 8, "array_columns": 8},
            "Design 'd': array_rows, array_columns and accumulator_rows must be given together.",
        ),
        (
            SYSTOLIC | {"cores": 2},
            "Design 'd': a systolic array must be the only core of the only PE.",
        ),
        (
            {"host_gb_per_s": 16},
            "Design 'd': host_gb_per_s and host_streams must be given together.",
        ),
        (
            {"host_streams": ["ACT"]},
            "Design 'd': host_gb_per_s and host_streams must be given together.",
        ),
        ({"host_streams": "ACT"}, "Design 'd': host_streams must be a list, not 'ACT'."),
        ({"host_streams": 5}, "Design 'd': host_streams must be a list, not 5."),
        (
            {"host_gb_per_s": 16, "host_streams": ["MOVE"]},
            "Design 'd': host_streams must be one of FETCH, PARAM, ACT, STORE, not 'MOVE'.",
        ),
        (
            {"host_gb_per_s": 300, "host_streams": ["ACT"]},
            "Design 'd': host_gb_per_s must be at most one burst of 256 bytes a cycle, "
            "not 315.0 bytes a cycle.",
        ),
        (
            {"dram_gb_per_s": 300},
            "Design 'd': dram_gb_per_s must be at most one burst of 256 bytes a cycle, "
            "not 337.5 bytes a cycle.",
        ),
    ],
)
def test_wrong_fields_are_refused(change: dict, sentence: str) -> None:
    with pytest.raises(ValueError) as refusal:  # noqa: PT011 - the whole sentence is compared
        design(**change)
    assert str(refusal.value) == sentence


def test_an_unknown_design_gets_a_suggestion() -> None:
    with pytest.raises(ValueError, match=r"Did you mean 'edge_tpu_v1'\?$"):
        load_design("edge_tpu_v11")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("lanes = ", "is not readable TOML"),
        ("lanez = 4", r"'lanez' is not a field of a design. Did you mean 'lanes'\?"),
        ("lanes = 4", "a design must give pes_x, pes_y, cores"),
    ],
)
def test_wrong_design_files_are_refused(tmp_path, text: str, sentence: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(ValueError, match=sentence):
        load_design(str(path))


def test_a_missing_design_file_is_named(tmp_path) -> None:
    with pytest.raises(ValueError, match=r"^There is no design file '.*none\.toml'\.$"):
        load_design(str(tmp_path / "none.toml"))
