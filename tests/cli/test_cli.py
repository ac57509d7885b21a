"""The commands of the README and what every command promises: exit codes, sentences, JSON."""

import json
import os
import subprocess
import sys
from pathlib import Path

import onnx
import pytest
from typer.testing import CliRunner, Result

from apollo.cli import app
from apollo.search.explore import default_study, make_problem

LIGHT = Path(onnx.__file__).parent / "backend/test/data/light"
SMALL = "mobilenet_v1_0.25_128"


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def refused(*arguments: object, code: int = 2) -> str:
    result = run(*arguments)
    assert result.exit_code == code, result.output
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    lines = result.stderr.strip().splitlines()
    assert lines[-1].startswith("apollo: ")
    return lines[-1].removeprefix("apollo: ")


def answer(*arguments: object) -> dict:
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_simulate_says_everything_with_units() -> None:
    facts = answer("simulate", SMALL, "--design", "edge_tpu_v3")
    for name in ("macs", "parameters", "cycles", "latency_ms", "warm_latency_ms", "area_mm2"):
        assert facts[name] > 0, name
    assert facts["throughput_per_s"] == pytest.approx(1000 / facts["warm_latency_ms"])
    assert sum(layer["cycles"] for layer in facts["layers"]) == facts["warm_cycles"]
    for engine, stalls in facts["stall_cycles"].items():
        assert facts["busy_cycles"][engine] + sum(stalls.values()) == facts["warm_cycles"]


def test_simulate_prints_tables() -> None:
    result = run("simulate", SMALL, "--design", "edge_tpu_v1")
    assert result.exit_code == 0
    for word in ("throughput", "block7/pointwise", "bound by", "800 MHz"):
        assert word in result.stdout


def test_simulate_takes_an_onnx_file() -> None:
    facts = answer("simulate", LIGHT / "light_squeezenet.onnx", "--design", "edge_tpu_v1")
    assert facts["cycles"] > 0


def test_a_batch_is_one_inference_of_several_images() -> None:
    one = answer("simulate", SMALL)
    four = answer("simulate", SMALL, "--batch", 4)
    assert four["macs"] == 4 * one["macs"]
    assert four["throughput_per_s"] > one["throughput_per_s"]


def test_compile_lists_the_program() -> None:
    result = run("compile", SMALL, "--design", "edge_tpu_v1", "--listing")
    assert result.exit_code == 0
    facts = answer("compile", SMALL, "--design", "edge_tpu_v1")
    instructions = [line for line in result.stdout.splitlines() if not line.startswith("#")]
    assert instructions == facts["listing"]
    assert len(instructions) == facts["instructions"] == sum(facts["by_opcode"].values())


def test_workloads_and_designs() -> None:
    names = [variant["name"] for variant in answer("workloads")]
    assert "mobilenet_v1" in names
    shown = answer("workloads", "show", "mobilenet_v2")
    assert shown["macs"] == sum(layer["macs"] for layer in shown["layers"])
    assert "block17/project" in run("workloads", "show", "mobilenet_v2").stdout
    assert [design["name"] for design in answer("designs")][-1] == "tpu_v1"
    assert "26.21" in run("designs").stdout


def test_explore_resumes_and_leaves_a_study(tmp_path: Path) -> None:
    options = (SMALL, "--max-area", 6.8, "--output", tmp_path, "--study", "s", "--seed", 3)
    first = answer("explore", *options, "--trials", 100)
    second = answer("explore", *options, "--trials", 160)
    assert (first["trials"], second["trials"]) == (100, 160)
    assert second["best"]["area_mm2"] <= 6.8
    assert second["best"]["reward"] >= first["best"]["reward"]
    presets = {preset["name"]: preset for preset in second["presets"]}
    assert presets["edge_tpu_v3"]["reward"] == 1
    assert presets["edge_tpu_v1"]["reward"] == 0
    files = {path.name for path in (tmp_path / "s").iterdir()}
    assert {"study.db", "trials.csv", "convergence.html", "best.toml"} <= files
    best = answer("simulate", SMALL, "--design", tmp_path / "s" / "best.toml")
    assert best["area_mm2"] == second["best"]["area_mm2"]

    assert answer("study", "list", "--output", tmp_path)[0]["trials"] == 160
    top = answer("study", "best", "s", "--output", tmp_path)
    assert top[0]["reward"] == second["best"]["reward"]
    rows = tmp_path / "rows.csv"
    assert run("study", "export", "s", "-o", rows, "--output", tmp_path).exit_code == 0
    assert len(rows.read_text().splitlines()) == 161
    sentence = refused("explore", *options[:-1], 4, "--trials", 160)
    assert sentence.startswith("Study 's'")


def test_explore_prints_best_presets_and_what_next(tmp_path: Path) -> None:
    result = run("explore", SMALL, "--trials", 64, "--output", tmp_path)
    assert result.exit_code == 0, result.output
    for word in ("best", "edge_tpu_v2", "1066", "bound by", "Next: apollo simulate"):
        assert word in result.stdout


def test_variants_and_odd_paths_have_studies_of_their_own(tmp_path: Path) -> None:
    path = tmp_path / "a b:c.onnx"
    path.write_bytes((LIGHT / "light_squeezenet.onnx").read_bytes())
    names = [
        default_study(make_problem([name], max_area_mm2=5.8), "random", 0)
        for name in ("mobilenet_v1_0.25_128", "mobilenet_v1_0.5", "gemm:1x2x3", str(path))
    ]
    assert names == [
        "mobilenet_v1_0.25_128-random-5.8mm2-seed0",
        "mobilenet_v1_0.5-random-5.8mm2-seed0",
        "gemm_1x2x3-random-5.8mm2-seed0",
        "a_b_c-random-5.8mm2-seed0",
    ]


def test_an_edited_baseline_is_another_study(tmp_path: Path) -> None:
    from apollo.arch.accelerator import design_text, load_design

    path = tmp_path / "base.toml"
    text = design_text(load_design("edge_tpu_v3"))
    options = (SMALL, "--trials", 2, "--baseline", path, "--output", tmp_path, "--study", "s")
    path.write_text(text)
    assert answer("explore", *options)["presets"][2]["reward"] == 1
    path.write_text(text.replace("lanes = 32", "lanes = 16"))
    assert f"was made with content.{path} " in refused("explore", *options)


def test_json_says_that_nothing_is_feasible(tmp_path: Path) -> None:
    options = ("--max-area", 0.7, "--trials", 4, "--output", tmp_path, "--json")
    result = run("explore", SMALL, *options)
    assert result.exit_code == 3
    facts = json.loads(result.stdout)
    assert (facts["best"], facts["feasible"], facts["trials"]) == (None, 0, 4)


def test_a_budget_that_nothing_meets_keeps_its_trials(tmp_path: Path) -> None:
    sentence = refused(
        "explore", SMALL, "--max-area", 0.7, "--trials", 32, "--output", tmp_path, "--study", "s",
        code=3,
    )  # fmt: skip
    assert sentence.startswith("None of 32 trials is feasible under 0.7 mm² (by cause: area 32;")
    assert answer("study", "list", "--output", tmp_path)[0]["trials"] == 32
    assert refused("study", "best", "s", "--output", tmp_path, code=3) == (
        "No trial of 's' is feasible."
    )


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("simulate", "mobilnet_v1"), "There is no network 'mobilnet_v1'"),
        (("simulate", "missing.onnx"), "There is no file 'missing.onnx'."),
        (("simulate", SMALL, "--design", "edge_tpu_v9"), "There is no design 'edge_tpu_v9'"),
        (("simulate", SMALL, "--batch", "0"), "Batch must be a positive integer, not 0."),
        (("explore", SMALL, "--trials", "0"), "must have at least 1 trial, not 0."),
        (
            ("explore", SMALL, "--max-area", "-1"),
            "The bound of area_mm2 must be at least 0, not -1.0.",
        ),
        (("explore", SMALL, "--optimizer", "evolution"), "Did you mean 'evolutionary'?"),
        (("explore", SMALL, "--seed", "-1"), "The seed must be at least 0, not -1."),
        (("explore", SMALL, "--study", ""), "A study's name must be"),
        (("explore", SMALL, "--study", "../x"), "A study's name must be"),
        (("explore", SMALL, "--baseline", "none"), "There is no design 'none'"),
        (("study", "best", "nothing"), "There is no study 'nothing'"),
        (("study", "best", "nothing", "--count", "0"), "--count must be at least 1, not 0."),
    ],
)
def test_wrong_input_is_one_sentence(
    arguments: tuple[str, ...], sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert sentence in refused(*arguments)
    assert not list(tmp_path.rglob("study.db"))


def test_corrupt_and_unsupported_files_are_named(tmp_path: Path) -> None:
    path = tmp_path / "broken.onnx"
    path.write_bytes((LIGHT / "light_squeezenet.onnx").read_bytes()[:1000])
    assert "broken.onnx" in refused("simulate", path)
    node = onnx.helper.make_node("Det", ["x"], ["y"], name="the_determinant")
    values = [
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)
        for name, shape in (("x", [1, 3, 8, 8]), ("y", [1, 3]))
    ]
    graph = onnx.helper.make_graph([node], "g", values[:1], values[1:])
    path = tmp_path / "unsupported.onnx"
    onnx.save(onnx.helper.make_model(graph), path)
    sentence = refused("simulate", path)
    assert "the_determinant" in sentence
    assert "Det" in sentence


def test_a_design_too_small_is_an_answer_with_its_cause(tmp_path: Path) -> None:
    from apollo.arch.accelerator import design_text, load_design

    text = design_text(load_design("edge_tpu_v1")).replace("32768", "128")
    path = tmp_path / "small.toml"
    path.write_text(text)
    sentence = refused("simulate", "mobilenet_v1", "--design", path, code=3)
    assert sentence.startswith("Layer 'block7/depthwise' does not fit: it needs at least ")
    assert sentence.endswith("bytes of core memory, the design has 128.")


@pytest.mark.parametrize("command", ["workloads", f"simulate {SMALL}", "workloads --json"])
def test_a_closed_pipe_is_no_error(command: str) -> None:
    command = f"{sys.executable} -m apollo {command} | head -c 1"
    shell = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {command}"], capture_output=True, text=True, check=False
    )
    assert "Traceback" not in shell.stderr
    assert "Error" not in shell.stderr
    assert shell.returncode == 0


def test_closed_and_full_outputs_are_no_crash() -> None:
    command = [sys.executable, "-m", "apollo", "designs"]
    for redirection, code in ((">&-", 0), (">/dev/full", 2), ("2>&-", 0)):
        line = f"{' '.join(command)} {redirection}"
        shell = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=False)
        assert (shell.returncode, "Traceback" in shell.stderr) == (code, False), redirection
        assert "Internal" not in shell.stderr


def test_help_is_quick_because_it_imports_no_numba() -> None:
    code = "import sys, apollo.cli; sys.exit('numba' in sys.modules or 'numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_crash_is_one_sentence_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("APOLLO_TRACEBACK", raising=False)
    monkeypatch.setattr("apollo.evaluate", lambda *_: 1 / 0)
    assert "Internal error (ZeroDivisionError: " in refused("simulate", SMALL, code=1)


def test_colour_and_width_do_not_depend_on_the_terminal() -> None:
    environment = os.environ | {"COLUMNS": "40", "NO_COLOR": "1"}
    shown = subprocess.run(
        [sys.executable, "-m", "apollo", "designs"],
        capture_output=True, text=True, check=True, env=environment,
    )  # fmt: skip
    assert "\x1b" not in shown.stdout
    assert any("edge_tpu_v1" in line and "26.21" in line for line in shown.stdout.splitlines())
