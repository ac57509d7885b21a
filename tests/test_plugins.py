"""Plug-ins: the example of docs/extending.md, and broken ones."""

import json
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

import apollo
from apollo import plugins
from apollo.arch.accelerator import design_names, load_design, preset_names
from apollo.cli import app
from apollo.search.optimizers.table import make_optimizer, optimizer_names
from apollo.workloads import catalogue

DOCS = Path(__file__).resolve().parent.parent / "docs"
EXAMPLE = DOCS / "example_plugin"
TINY = "conv:8x8x3x8x3x1"

Install = Callable[[str, Mapping[str, Mapping[str, str]], str], None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Puts a distribution where Python finds it: entry points by group, and one module."""
    target = tmp_path / "target"
    target.mkdir()
    monkeypatch.syspath_prepend(target)
    monkeypatch.chdir(tmp_path)
    plugins.forget()

    def installed(name: str, points: Mapping[str, Mapping[str, str]], module: str) -> None:
        project = name.replace("-", "_")
        info = target / f"{project}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        lines = [
            f"[{group}]\n" + "".join(f"{key} = {value}\n" for key, value in of.items())
            for group, of in points.items()
        ]
        (info / "entry_points.txt").write_text("\n".join(lines))
        (target / f"{project}.py").write_text(module)
        plugins.forget()

    yield installed
    monkeypatch.undo()
    plugins.forget()


@pytest.fixture
def example(install: Install) -> None:
    project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text())["project"]
    install(project["name"], project["entry-points"], (EXAMPLE / "apollo_example.py").read_text())


def run(line: str) -> Result:
    return CliRunner(env={"COLUMNS": "200"}).invoke(app, line.split())


def answer(line: str) -> dict:
    result = run(f"{line} --json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def sentence(line: str) -> str:
    result = run(line)
    assert (result.exit_code, result.stdout) == (2, ""), result.output
    assert len(result.stderr.splitlines()) == 1
    return result.stderr.strip().removeprefix("apollo: ")


def test_the_page_shows_the_example() -> None:
    page = (DOCS / "extending.md").read_text(encoding="utf-8")
    for language, file in (("toml", "pyproject.toml"), ("python", "apollo_example.py")):
        shown = re.findall(rf"```{language}\n(.*?)```", page, re.S)
        assert shown == [(EXAMPLE / file).read_text(encoding="utf-8")]


@pytest.mark.usefixtures("example")
def test_the_example_is_what_the_page_says() -> None:
    page = (DOCS / "extending.md").read_text(encoding="utf-8")
    lines = re.findall(r"^apollo .*", page, re.M)
    assert [run(line.removeprefix("apollo ")).exit_code for line in lines] == [0, 0]
    assert apollo.load("two_layers", batch=3).macs == 3 * (64 * 128 + 128 * 10)
    half, whole = load_design("half_edge"), load_design("edge_tpu_v1")
    assert (half.name, 2 * half.pes) == ("half_edge", whole.pes)
    points = make_optimizer("sweeping").ask(3, None)  # type: ignore[arg-type]
    assert points.sum(axis=1).tolist() == [0, 1, 2]


@pytest.mark.usefixtures("example")
def test_its_names_stand_beside_the_others() -> None:
    assert design_names() == [*preset_names(), "half_edge"]
    assert optimizer_names()[-1] == "sweeping"
    assert catalogue.network_names()[-1] == "two_layers"
    assert answer("designs")[-1]["name"] == "half_edge"
    assert answer("workloads")[-1]["name"] == "two_layers"
    assert answer("workloads show two_layers")["macs"] == 64 * 128 + 128 * 10
    found = {each["name"]: (each["state"], each["found"]) for each in answer("doctor")}
    for name in ("network two_layers", "design half_edge", "optimizer sweeping"):
        assert found[name] == ("ok", "apollo-example 1.0")
    assert answer(f"compare edge_tpu_v1 half_edge --network {TINY}")["kind"] == "designs"
    assert "Did you mean 'two_layers'?" in sentence("simulate two_layer")
    assert "Did you mean 'half_edge'?" in sentence(f"simulate {TINY} --design half_edg")
    assert "Did you mean 'sweeping'?" in sentence(f"explore {TINY} --optimizer sweepin")


FAMILY = """
from dataclasses import replace
from apollo.workloads.models.mobilenet_v1 import FAMILY, mobilenet_v1
MINE = replace(FAMILY, name="mine", build=mobilenet_v1)
OTHER = replace(FAMILY, name="others")
"""


def test_a_family_has_its_variants(install: Install) -> None:
    install("fam", {"apollo.networks": {"mine": "fam:MINE", "wrong": "fam:OTHER"}}, FAMILY)
    assert apollo.load("mine_0.25_128").macs == apollo.load("mobilenet_v1_0.25_128").macs
    assert "must be one of 0.25, 0.5, 0.75, 1.0, not 0.3" in sentence("simulate mine_0.3")
    assert "must have that name, not 'others'" in sentence("simulate wrong")
    assert sum(each["family"] == "mine" for each in answer("workloads")) == 16


def test_a_design_may_be_a_file(install: Install, tmp_path: Path) -> None:
    from apollo.arch.accelerator import design_text

    file = tmp_path / "other.toml"
    file.write_text(design_text(load_design("edge_tpu_v2")))
    install("files", {"apollo.designs": {"mine": "files:PATH"}}, f"PATH = {str(file)!r}")
    assert load_design("mine").name == "mine"
    assert load_design("mine").pes == load_design("edge_tpu_v2").pes
    file.write_text("lanes = 'many'")
    assert sentence(f"simulate {TINY} --design mine").startswith(
        "The plug-in for design 'mine' of the distribution files 1.0 fails by ValueError: Design "
    )


BROKEN = {
    "raises": "raise RuntimeError('two\\nlines')",
    "ends": "import sys\nsys.exit(3)",
    "needs": "import a_module_that_is_not_there",
    "lacks": "",
    "number": "thing = 3",
    "fails": "def thing():\n    return 1 / 0",
    "makes": "def thing():\n    return 'a graph'",
}
SAID = {
    "raises": "fails by RuntimeError: two lines",
    "ends": "fails by SystemExit: 3",
    "needs": "fails by ModuleNotFoundError: No module named 'a_module_that_is_not_there'",
    "lacks": "fails by AttributeError: module 'lacks' has no attribute 'thing'",
    "number": "must be a function or a Family, not a int",
    "fails": "fails by ZeroDivisionError: division by zero",
    "makes": "must make a Graph, not a str",
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_network_is_a_sentence_that_names_its_distribution(
    install: Install, name: str
) -> None:
    install(name, {"apollo.networks": {"net": f"{name}:thing"}}, BROKEN[name])
    said = f"The plug-in for network 'net' of the distribution {name} 1.0 {SAID[name]}."
    assert sentence("simulate net") == said
    listed = run("workloads --json")
    assert (listed.exit_code, listed.stderr.strip()) == (0, f"apollo: {said}")
    assert len(json.loads(listed.stdout)) == len(catalogue.listing())
    assert run(f"simulate {TINY}").exit_code == 0


def test_broken_designs_and_optimizers_are_sentences_too(install: Install) -> None:
    groups = ("apollo.designs", "apollo.optimizers")
    install("bad", {group: {"net": "bad:thing", "no": "bad:gone"} for group in groups}, "thing = 3")
    begins = "The plug-in for {} of the distribution bad 1.0 {}."
    assert sentence(f"simulate {TINY} --design net") == begins.format(
        "design 'net'", "must be an Accelerator or a path, not a int"
    )
    assert "has no attribute 'gone'" in sentence(f"simulate {TINY} --design no")
    assert sentence(f"explore {TINY} --optimizer net") == begins.format(
        "optimizer 'net'", "must be a subclass of Optimizer, not 3"
    )
    assert not list(Path.cwd().rglob("study.db"))
    doctor = {each["name"]: each["state"] for each in answer("doctor")}
    assert {doctor[f"{kind} net"] for kind in ("design", "optimizer")} == {"optional"}


def test_the_built_in_comes_first_and_two_of_a_name_are_refused(install: Install) -> None:
    points = {"apollo.designs": {"edge_tpu_v1": "one:thing", "twice": "one:thing"}}
    install("one", points, "raise RuntimeError")
    install("two", {"apollo.designs": {"twice": "two:thing"}}, "raise RuntimeError")
    assert load_design("edge_tpu_v1").lanes == 64
    assert sentence(f"simulate {TINY} --design twice") == (
        "There are 2 plug-ins for design 'twice', of the distributions one and two: all but one "
        "must be uninstalled."
    )
