"""What all commands have in common: each of them is in these tables."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from apollo import completion
from apollo.arch.accelerator import design_text, load_design, preset_names
from apollo.cli import app
from apollo.options import RESULTS
from apollo.search.optimizers.table import FAMILIES, OPTIMIZERS
from apollo.workloads.catalogue import NETWORKS, network_names
from tests.stored import row, save, trials

ROOT = Path(__file__).resolve().parent.parent.parent
TREE = typer.main.get_command(app)
TINY = "conv:8x8x3x8x3x1"

# What every command is given for an answer that is quick; None for those that go
# on until Ctrl-C, or take minutes and have tests of their own.
ANSWERED: dict[str, str | None] = {
    "explore": f"{TINY} --trials 4",
    "contest": f"{TINY} --optimizers random --seeds 1 --trials 4",
    "dashboard": None,
    "worker": None,
    "vizier-service": None,
    "simulate": TINY,
    "compile": TINY,
    "explain": TINY,
    "sweep": f"{TINY} --over lanes=16,32",
    "compare": f"edge_tpu_v1 edge_tpu_v2 --network {TINY}",
    "trace": TINY,
    "verify": "systolic",
    "assemble": "one.listing -o two.program",
    "disassemble": "one.program",
    "doctor": "",
    "designs": "",
    "config show": "",
    "config path": "",
    "config set": "seed 3",
    "workloads": "",
    "workloads show": TINY,
    "workloads picture": f"{TINY} -o net.svg",
    "report": "stored",
    "reproduce": None,
    "place run": f"{TINY} --optimizer heft",
    "place benchmark": "--graphs random:2x2:1@2gpu --optimizers heft --seeds 1",
    "place train": None,
    "place eval": None,
    "place clusters": "",
    "place partition": "throughput/resnet50_inference --optimizer random --simulations 20",
    "place codesign": f"{TINY} --chips 2 --design edge_tpu_v3",
    "study list": "",
    "study show": "stored",
    "study best": "stored",
    "study front": "stored",
    "study export": "stored -o rows.csv",
    "study merge": "stored --into merged",
    "study delete": "stored --yes",
}
OPTIONS_OF_DESIGNS = {"design", "baseline"}
ARGUMENTS_OF_NETWORKS = {"network", "networks"}


def commands() -> Iterator[tuple[str, list]]:
    """Every command with its parameters, and groups that are commands."""
    for name, command in TREE.commands.items():
        nested = getattr(command, "commands", None)
        if nested is None or command.invoke_without_command:
            yield name, command.params
        for inner, below in (nested or {}).items():
            yield f"{name} {inner}", below.params


COMMANDS = dict(commands())


def having(names: set[str]) -> list[tuple[str, str]]:
    return [
        (command, parameter.name)
        for command, parameters in COMMANDS.items()
        for parameter in parameters
        if parameter.name in names
    ]


def run(line: str) -> Result:
    return CliRunner(env={"COLUMNS": "400"}).invoke(app, line.split())


def refused(line: str) -> str:
    result = run(line)
    assert (result.exit_code, result.stdout) == (2, ""), (line, result.output)
    return " ".join(re.sub(r"[╭╰│─╮╯]", " ", result.stderr).split())


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def stored() -> None:
    save(Path("results"), row("stored"), trials(20))


@pytest.fixture
def programs() -> None:
    """The files that lines of `ANSWERED` name."""
    run(f"compile {TINY} --program one.program")
    Path("one.listing").write_text(run("disassemble one.program").stdout)


def test_every_command_is_in_the_table() -> None:
    assert ANSWERED.keys() == COMMANDS.keys()


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_says_what_it_does_and_takes(command: str) -> None:
    result = run(f"{command} --help")
    assert result.exit_code == 0
    for parameter in COMMANDS[command]:
        assert parameter.help, parameter.name


@pytest.mark.parametrize("command", [name for name, line in ANSWERED.items() if line is not None])
@pytest.mark.usefixtures("stored", "programs")
def test_results_are_on_stdout_and_json_is_nothing_but_json(command: str) -> None:
    result = run(f"{command} {ANSWERED[command]} --json")
    json.loads(result.stdout)
    assert result.exit_code == 0, result.output
    assert "Traceback" not in result.output


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_json(command: str) -> None:
    assert "--json" in {option for each in COMMANDS[command] for option in each.opts}


def given(command: str, parameter: str, value: str) -> str:
    """The line of a command with another value of a parameter."""
    line = ANSWERED[command] or ""
    option = next(each for each in COMMANDS[command] if each.name == parameter)
    if option.param_type_name == "argument":
        return f"{command} {line.replace(TINY, value)}"
    changed = re.sub(rf"--{parameter} \S+", "", line)
    return f"{command} {changed} --{parameter} {value}"


@pytest.mark.parametrize(("command", "parameter"), having(OPTIONS_OF_DESIGNS))
@pytest.mark.usefixtures("stored")
def test_designs_are_presets_or_paths(command: str, parameter: str) -> None:
    Path("mine.toml").write_text(design_text(load_design("edge_tpu_v2")))
    if command == "compare":  # where it is for programs
        command, parameter = "simulate", parameter
    for value in ("edge_tpu_v2", "./mine.toml"):
        shutil.rmtree("results", ignore_errors=True)  # a study has one baseline
        assert run(given(command, parameter, value)).exit_code == 0
    sentence = refused(given(command, parameter, "edge_tpu_v22"))
    assert sentence.endswith("Did you mean 'edge_tpu_v2'?")
    assert "There is no design file 'none.toml'." in refused(given(command, parameter, "none.toml"))


@pytest.mark.parametrize(("command", "parameter"), having(ARGUMENTS_OF_NETWORKS))
@pytest.mark.usefixtures("stored")
def test_networks_are_names_or_paths(command: str, parameter: str) -> None:
    if command == "verify":
        command, line = "verify compiler", "verify compiler --networks {}"
    else:
        line = given(command, parameter, "{}")
    assert "Did you mean 'mobilenet_v2'?" in refused(line.format("mobilnet_v2"))
    for suffix in ("onnx", "tflite"):
        assert f"'none.{suffix}'" in refused(line.format(f"none.{suffix}"))


MISTYPED = {
    "simulat": "No such command 'simulat'. Did you mean 'simulate'?",
    "study bst": "No such command 'bst'. Did you mean 'best'?",
    f"simulate {TINY} --desing x": "No such option: --desing (Possible options: --dense, --design)",
    "study show stord": "Did you mean 'stored'?",
    "study best stord --storage results/stored/study.db": "Did you mean 'stored'?",
    "dashboard stord --port 0": "Did you mean 'stored'?",
    "study merge stored stord --into both": "Did you mean 'stored'?",
    "worker --study stord --storage results/stored/study.db --idle 0": "Did you mean 'stored'?",
    "compare stored stord": "Did you mean 'stored'?",
    f"explore {TINY} --warm-start stord": "Did you mean 'stored'?",
    f"explore {TINY} --warm-start results/stored/study.db#stord": "Did you mean 'stored'?",
    f"explore {TINY} --optimizer evolutionry": "Did you mean 'evolutionary'?",
    f"explore {TINY} --optimizer vizer:nsga2": "Did you mean 'vizier:nsga2'?",
    f"explore {TINY} --optimizer vizier:eagl": "Did you mean 'eagle'?",
    f"contest {TINY} --optimizers random,nsga": "Did you mean 'nsga2'?",
    f"explore {TINY} --setting populaton=3": "Did you mean 'population'?",
    f"explore {TINY} --fix lane=3": "Did you mean 'lanes'?",
    f"explore {TINY} --range lane=3..4": "Did you mean 'lanes'?",
    f"explore {TINY} --objective latncy": "Did you mean 'latency'?",
    f"explore {TINY} --constraint latncy_ms<=5": "Did you mean 'latency_ms'?",
    f"explore {TINY} --mean geometrc": "Did you mean 'geometric'?",
    f"explore {TINY} --weight {TINY[:-1]}=2": f"Did you mean '{TINY}'?",
    f"sweep {TINY} --over lane=3": "Did you mean 'lanes'?",
    f"compare edge_tpu_v1 edge_tpu_v1,lane=3 --network {TINY}": "Did you mean 'lanes'?",
    "compare edge_tpu_v1 edge_tpu_2": "Did you mean 'edge_tpu_v2'?",
    f"simulate {TINY} --fix conv:splitx=rows": "Did you mean 'split_x'?",
    f"simulate {TINY} --fix conv:split_x=row": "Did you mean 'rows'?",
    f"place {TINY} --cluster 4gp": "Did you mean '4gpu'?",
    f"place {TINY} --optimizer hef": "Did you mean 'heft'?",
    "place inceptin_v3": "Did you mean 'inception_v3'?",
    "place mobilnet_v2": "Did you mean 'mobilenet_v2'?",
    "report stord": "Did you mean 'stored'?",
    "reproduce apolo": "Did you mean 'apollo'?",
    "verify systolc": "Did you mean 'systolic'?",
    "study front stored --least latency_m": "Did you mean 'net.latency_ms'?",
}


@pytest.mark.parametrize("line", MISTYPED)
@pytest.mark.usefixtures("stored")
def test_a_typing_error_is_answered_by_a_suggestion(line: str) -> None:
    assert MISTYPED[line] in refused(line)


def outside(*arguments: str, **environment: str) -> str:
    """What a process of its own says."""
    command = [sys.executable, *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return done.stdout + done.stderr


@pytest.fixture
def environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.endswith("_COLOR")}
    return kept | {"TERM": "xterm-256color"}


COLOUR = re.compile(r"\x1b\[(?:\d+;)*[349][0-7][;m]")


@pytest.mark.parametrize("line", ["--help", "designs", "explain --help"])
def test_no_color_is_honoured(environment: dict[str, str], line: str) -> None:
    forced = environment | {"FORCE_COLOR": "1"}
    arguments = ("-m", "apollo", *line.split())
    if "help" in line:
        assert COLOUR.search(outside(*arguments, **forced))
    assert not COLOUR.search(outside(*arguments, **forced, NO_COLOR="1"))


# Of what is installed, help and completion need the command line's own packages, and names NumPy.
LIGHT = {
    *("typer", "rich", "shellingham", "annotated_doc"),
    *("attr", "markdown_it", "mdurl", "pygments"),  # of rich
}
COMPLETING = {"pydantic", "pydantic_core", "annotated_types", "typing_extensions"}  # of typer
NAMING = {"typing_inspection", "numpy"}
FINDING = {"pydantic_settings", "dotenv", "platformdirs"}  # the folder of studies
SHOW_MODULES = """
import runpy, sys
sys.argv = ["apollo", *sys.argv[1:]]
try:
    runpy.run_module("apollo", run_name="__main__")
finally:
    print("\\n#", *sorted({
        name.split(".")[0] for name, module in sys.modules.items()
        if "site-packages" in (getattr(module, "__file__", None) or "") and name[0] != "_"
    }))
"""
COMPLETED = {
    "explore mobilenet_v3_l": {name for name in NETWORKS if name.startswith("mobilenet_v3_l")},
    "simulate unet": {name for name in network_names() if name.startswith("unet")},
    "simulate mobilenet_v1_0.25_1": {f"mobilenet_v1_0.25_{size}" for size in (128, 160, 192)},
    "compare edge_tpu_v1 edge": {name for name in preset_names() if name.startswith("edge")},
    "compare s": {"stored"},
    "simulate net --design ": set(preset_names()),
    "explore net --optimizer ": {*OPTIMIZERS, *(f"{family}:" for family in FAMILIES)},
    "contest net --optimizers random,ns": {"random,nsga2"},
    "study best st": {"stored"},
    "study best --output elsewhere st": set(),
    "study be": {"best"},
    "verify compiler --networks unet,resnet": {"unet,resnet50"},
    "verify sp": {"sparse"},
    "report st": {"stored"},
    "reproduce pl": {"placement"},
    "config set ca": {"cache_dir"},
    "place b": {"benchmark"},
    "place nmt": {"nmt", "nmt_2", "nmt_4", "nmt_8"},
    "place nmt_2 --cluster 4g": {"4gpu"},
    "place nmt_2 --optimizer heft,m_e": {"heft,m_etf"},
    "place train rn": {"rnnlm"},
    "place partition latency/": {
        f"latency/{name}_inference" for name in ("gnmt", "inceptionv3", "resnet50")
    },
    "place codesign rnnt_j --cluster 2c": {"2chip"},
}


def test_words_that_the_shell_completes_are_those_that_there_are() -> None:
    from apollo.search.placement.graphs.catalogue import MODELS
    from apollo.search.placement.graphs.families import FAMILIES as OF_GRAPHS
    from apollo.search.placement.optimizers import optimizer_names as placers
    from apollo.search.reproduce.others import APOLLO, SYSTEMS
    from apollo.search.verify.parts import PARTS

    assert (*MODELS,) == completion.PLACED
    assert (*placers(),) == completion.PLACERS
    assert (*OF_GRAPHS,) == completion.PLACEMENT_FAMILIES
    assert (APOLLO, *SYSTEMS) == completion.PUBLISHED_SYSTEMS
    assert (*PARTS,) == completion.VERIFIED_PARTS


def test_help_imports_nothing_slow(environment: dict[str, str]) -> None:
    said = outside("-c", SHOW_MODULES, "--help", **environment)
    assert "explore" in said
    assert set(said.rsplit("#", 1)[1].split()) <= LIGHT


@pytest.mark.parametrize("line", COMPLETED)
@pytest.mark.usefixtures("stored")
def test_names_are_completed(line: str) -> None:
    words = line.split(" ")
    asked = {"COMP_WORDS": f"apollo {line}", "COMP_CWORD": str(len(words))}
    runner = CliRunner(env=asked | {"_APOLLO_COMPLETE": "complete_bash"})
    assert set(runner.invoke(app, prog_name="apollo").stdout.split()) == COMPLETED[line]


@pytest.mark.parametrize(
    ("line", "allowed"),
    [("explore net --optimizer evo", NAMING), ("study best sto", NAMING - {"numpy"} | FINDING)],
)
@pytest.mark.usefixtures("stored")
def test_completion_imports_nothing_slow(
    environment: dict[str, str], line: str, allowed: set[str]
) -> None:
    asked = {"COMP_WORDS": f"apollo {line}", "COMP_CWORD": str(len(line.split()))}
    said = outside("-c", SHOW_MODULES, **environment, **asked, _APOLLO_COMPLETE="complete_bash")
    completed, modules = said.rsplit("#", 1)
    assert completed.strip() in ("evolutionary", "stored")
    assert set(modules.split()) <= LIGHT | COMPLETING | allowed


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_of_a_shell_is_shown_and_installed(
    shell: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION", "1")  # it is named
    monkeypatch.setenv("HOME", str(folder))
    runner = CliRunner()
    shown = runner.invoke(app, ["--show-completion", shell], prog_name="apollo")
    assert "_APOLLO_COMPLETE=complete_" in shown.stdout
    runner.invoke(app, ["--install-completion", shell], prog_name="apollo")
    written = [path.read_text() for path in folder.rglob("*") if path.is_file()]
    assert any("_APOLLO_COMPLETE=complete_" in text for text in written)


def test_the_version_is_that_of_the_distribution() -> None:
    assert run("--version").stdout.strip() == metadata.version("apollo-dse")


# One checks the folder, one has many databases.
WITHOUT_STORAGE = {"doctor", "reproduce"}


def test_what_has_a_folder_of_studies_has_a_storage() -> None:
    having_folder = {
        command
        for command, parameters in COMMANDS.items()
        for each in parameters
        if each.name == "output" and each.default == RESULTS
    }
    having_storage = {command for command, _ in having({"storage"})}
    assert having_folder - having_storage == WITHOUT_STORAGE
    assert having_storage - having_folder == {"worker"}


def test_studies_of_all_kinds_share_a_storage() -> None:
    storage = "--storage all.db"
    for line in (f"{TINY} --trials 2 --study one", f"{TINY} --trials 2 --study two --seed 1"):
        assert run(f"explore {line} {storage}").exit_code == 0
    assert run(f"contest {ANSWERED['contest']} {storage}").exit_code == 0
    assert run(f"place {ANSWERED['place run']} --study three {storage}").exit_code == 0
    assert run(f"place benchmark {ANSWERED['place benchmark']} {storage}").exit_code == 0
    chips = f"place codesign {TINY} --chips 2 --trials 2 {storage}"
    assert run(f"{chips} --design study:one").exit_code == 0
    assert "Did you mean 'one'?" in refused(f"{chips} --design study:onee")
    assert run(f"compare one two {storage}").exit_code == 0
    assert "Did you mean 'three'?" in refused(f"compare thre one {storage}")
    listed = json.loads(run(f"study list {storage} --json").stdout)
    assert len(listed) == 5 + 2  # two searches of codesign: for a chip as large, and one as wide
    assert {"one", "two", "three"} < {each["study"] for each in listed}
    assert not list(Path("results").rglob("*.db"))
