"""`--shape` and `--partial`: files that leave sizes free, or hold what is not supported."""

import json
from pathlib import Path

import pytest
from onnx import TensorProto, helper, save
from typer.testing import CliRunner

from apollo.cli import app

RUNNER = CliRunner()


def run(*arguments: str | Path) -> tuple[int, str, str]:
    result = RUNNER.invoke(app, [str(argument) for argument in arguments])
    return result.exit_code, result.stdout, result.stderr


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A convolution of an image of any size, whose ends go through what nothing here does."""
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 3, "h", "w"])
    weight = helper.make_tensor("weight", TensorProto.FLOAT, (8, 3, 3, 3), [0.1] * 216)
    output = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    nodes = [
        helper.make_node("Conv", ["image", "weight"], ["x"], name="conv", pads=[1, 1, 1, 1]),
        helper.make_node("Det", ["x"], ["z"], name="strange"),
        helper.make_node("Relu", ["z"], ["y"], name="relu"),
    ]
    graph = helper.make_graph(nodes, "free", [image], [output], [weight])
    path = tmp_path / "free.onnx"
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]), path)
    return path


def test_a_part_of_a_file_runs_and_says_so(file: Path) -> None:
    options = ("--shape", "image=1,3,16,16", "--partial")
    code, text, _ = run("simulate", file, *options)
    assert code == 0
    assert text.startswith("In part: 1 operators are left out")
    assert "strange (Det)" in text
    code, text, _ = run("simulate", file, *options, "--json")
    answer = json.loads(text)
    assert answer["macs"] == 16 * 16 * 8 * 27
    assert [item["name"] for item in answer["left_out"]] == ["strange"]
    code, text, _ = run("compile", file, *options, "--listing")
    assert text.startswith("# In part")
    code, text, _ = run("workloads", "show", file, *options)
    assert text.startswith("In part")


def test_without_the_option_the_operator_is_named(file: Path) -> None:
    code, _, error = run("simulate", file, "--shape", "image=1,3,16,16")
    assert code == 2
    assert "Det" in error
    assert "strange" in error


def test_a_free_size_is_asked_for(file: Path) -> None:
    code, _, error = run("workloads", "show", file, "--partial")
    assert code == 2
    assert "image" in error


@pytest.mark.parametrize("shape", ["image", "image=", "image=1,x", "=1,2", f"image={10**12}"])
def test_a_wrong_shape_is_one_sentence(shape: str) -> None:
    code, _, error = run("workloads", "show", "mobilenet_v1", "--shape", shape)
    assert code == 2
    assert "--shape must be as INPUT=1,3,224,224" in error


def test_shapes_are_of_files() -> None:
    code, _, error = run("simulate", "mobilenet_v1", "--shape", "image=1,3,16,16")
    assert code == 2
    assert "is built in: shapes can be given of files only." in error


@pytest.mark.parametrize("suffix", ["onnx", "tflite", "TFLITE"])
def test_a_file_of_a_network_is_not_taken_for_a_program(tmp_path: Path, suffix: str) -> None:
    file = tmp_path / f"broken.{suffix}"
    file.write_bytes(b"this is no network at all")
    code, _, error = run("simulate", file)
    assert code == 2
    assert "program" not in error
