"""`apollo workloads`: the list, one network, its sparsity, its picture."""

import json
from pathlib import Path
from xml.etree import ElementTree

import onnx
import pytest
from typer.testing import CliRunner, Result

from apollo.cli import app
from apollo.workloads.catalogue import listing, load

SMALL = "mobilenet_v1_0.25_128"
LIGHT = Path(onnx.__file__).parent / "backend/test/data/light"


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["workloads", *map(str, arguments)])


def answer(*arguments: object) -> dict:
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def refused(*arguments: object) -> str:
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (2, ""), result.output
    return result.stderr.strip().splitlines()[-1].removeprefix("apollo: ")


def test_the_list_has_the_counts_of_every_network() -> None:
    rows = {row["name"]: row for row in answer()}
    assert list(rows) == [variant.name for variant in listing()]
    row = rows["tpu_mlp0"]
    assert (row["layers"], row["macs"], row["batch"]) == (5, 20_480_000, 1)
    assert row["macs_per_weight_byte"] == pytest.approx(1, rel=1e-3)
    assert row["operations_per_byte"] == pytest.approx(2, rel=2e-3)
    for name in ("parameters", "activation_bytes", "largest_activation_bytes"):
        assert all(row[name] > 0 for row in rows.values())
    text = run().stdout
    assert all(name in text for name in rows)


def test_a_network_by_layers() -> None:
    facts = answer("show", SMALL)
    assert "sparsity" not in facts
    layer = next(layer for layer in facts["layers"] if layer["name"] == "block13/pointwise")
    assert layer["macs"] == 1048576
    assert layer["activations"] == layer["activation_bytes"] == 4096
    assert layer["read_bytes"] == 4096
    assert layer["operations_per_byte"] > 0
    assert sum(layer["parameters"] for layer in facts["layers"]) == facts["parameters"]


def test_sparsity_by_layers() -> None:
    facts = answer("show", SMALL, "--sparsity", 0.8)
    layers = {layer["name"]: layer for layer in facts["layers"]}
    assert layers["block13/pointwise"]["density"] == pytest.approx(0.2, abs=0.001)
    assert layers["block13/depthwise"]["compressed_bytes"] is None
    assert layers["stem/norm"]["density"] is None
    sparsity = facts["sparsity"]
    assert sparsity["random_weights"] is True
    assert len(sparsity["pruned"]) == 13
    totals = sparsity["totals"]
    assert totals["pruned_layers"]["density"] == pytest.approx(0.2, abs=0.001)
    rows = [layer for layer in layers.values() if layer["density"] is not None]
    assert totals["all_factors"]["stored_bytes"] == sum(row["stored_bytes"] for row in rows)
    text = run("show", SMALL, "--sparsity", 0.8).stdout
    for word in ("pruned layers", "all factors", "0.2000", "compressed bytes", "are random"):
        assert word in text


def test_blocks_thresholds_and_layers_are_options() -> None:
    options = ("--block", "4x1", "--prune", "global", "--layers", "matrices", "--ends")
    facts = answer("show", "transformer_encoder_tiny", "--sparsity", 0.5, *options)
    assert "pooler" in facts["sparsity"]["pruned"]
    density = facts["sparsity"]["totals"]["pruned_layers"]["density"]
    assert density == pytest.approx(0.5, abs=0.005)  # less the zeros in blocks that stay


def test_a_file_has_weights_of_its_own() -> None:
    facts = answer("show", LIGHT / "light_squeezenet.onnx", "--sparsity", 0.5)
    assert facts["sparsity"]["random_weights"] is False


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("show", SMALL, "--sparsity", 1), "Sparsity must be in 0..1, below 1, not 1."),
        (
            ("show", SMALL, "--sparsity", 0.5, "--block", "4"),
            "A block must be CHANNELSxINPUTS, such as 1x4 or 4x1, not '4'.",
        ),
        (
            ("show", SMALL, "--prune", "global"),
            "--prune, --block, --layers and --ends must come with --sparsity.",
        ),
        (
            ("picture", SMALL, "-o", "x.svg", "--sparsity", 0.5),
            "--sparsity must come with --colour density.",
        ),
        (
            ("picture", SMALL, "-o", "missing/x.svg"),
            "A file could not be used: 'missing/x.svg': No such file or directory.",
        ),
        (
            ("picture", SMALL, "-o", "x.svg", "--values", "none.csv"),
            "A file could not be used: 'none.csv': No such file or directory.",
        ),
    ],
)
def test_wrong_input_is_one_sentence(
    arguments: tuple, sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert refused(*arguments) == sentence
    assert not list(tmp_path.iterdir())


def test_a_picture(tmp_path: Path) -> None:
    path = tmp_path / "net.svg"
    result = run("picture", SMALL, "-o", path, "--colour", "density", "--sparsity", 0.8)
    count = len(load(SMALL).operators)
    assert result.stdout == f"{count} operators drawn to '{path}'.\n"
    assert ElementTree.parse(path).getroot().tag.endswith("svg")
    assert "density of the factors: 0.2" in path.read_text()
    values = tmp_path / "cycles.csv"
    values.write_text("layer,cycles\nstem,100\n")
    assert run("picture", SMALL, "-o", path, "--values", values).exit_code == 0
    assert "cycles: 100" in path.read_text()
