import dataclasses
from fractions import Fraction

import pytest

from apollo.arch.accelerator import Accelerator, design_text, load_design, preset_names

PRESETS = {"edge_tpu_v1": 26.2, "edge_tpu_v2": 8.73, "edge_tpu_v3": 8.73}


@pytest.mark.parametrize(("name", "published_tops"), PRESETS.items())
def test_presets_have_the_published_peak(name: str, published_tops: float) -> None:
    assert load_design(name).peak_tops == pytest.approx(published_tops, abs=0.05)


def test_every_preset_loads() -> None:
    assert set(preset_names()) == set(PRESETS)
    for name in preset_names():
        assert load_design(name).name == name


def test_dram_rate_is_exact() -> None:
    # 17 GB/s at 800 MHz, 9/10 of it sustained
    assert load_design("edge_tpu_v1").dram_bytes_per_cycle == Fraction(153, 8)


def test_latency_rounds_up_to_cycles() -> None:
    assert load_design("edge_tpu_v1").dram_latency_cycles == 80
    assert load_design("edge_tpu_v2").dram_latency_cycles == 107  # 106.6


def test_a_design_round_trips_through_its_file(tmp_path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(design_text(load_design("edge_tpu_v2")))
    assert dataclasses.replace(load_design(str(path)), name="edge_tpu_v2") == load_design(
        "edge_tpu_v2"
    )


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
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
            f"Design 'd': pe_memory_bytes must be at most 68,719,476,736, not {1 << 62:,}.",
        ),
        (
            {"instruction_memory_bytes": 256},
            "Design 'd': instruction_memory_bytes must be at least 512 bytes "
            "(2 x the DRAM burst), not 256.",
        ),
        (
            {"dram_gb_per_s": 300},
            "Design 'd': dram_gb_per_s must be at most one burst of 256 bytes a cycle, "
            "not 337.5 bytes a cycle.",
        ),
    ],
)
def test_wrong_fields_are_refused(change: dict, sentence: str) -> None:
    fields = dataclasses.asdict(load_design("edge_tpu_v1")) | {"name": "d"} | change
    with pytest.raises(ValueError) as refusal:  # noqa: PT011 - the whole sentence is compared
        Accelerator(**fields)
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
