"""Where the values of options come from: flag, environment, folder, user, Apollo."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from apollo.cli import app
from apollo.settings import Settings
from tests.stored import row, save, trials

TINY = "conv:8x8x3x8x3x1"
MANY = 'jobs = "many"'


def run(line: str, **environment: str) -> Result:
    return CliRunner(env=environment).invoke(app, line.split())


def settings(**environment: str) -> dict[str, tuple[Any, str]]:
    result = run("config show --json", **environment)
    assert result.exit_code == 0, result.output
    return {each["name"]: (each["value"], each["origin"]) for each in json.loads(result.stdout)}


def sentence(line: str, **environment: str) -> str:
    result = run(line, **environment)
    assert (result.exit_code, result.stdout) == (2, ""), result.output
    assert len(result.stderr.splitlines()) == 1
    return result.stderr.strip().removeprefix("apollo: ")


@pytest.fixture(autouse=True)
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's file in an empty home; the current folder is another one."""
    for name in Settings.model_fields:
        monkeypatch.delenv(f"APOLLO_{name.upper()}", raising=False)
    file, here = tmp_path / "home" / "apollo" / "apollo.toml", tmp_path / "here"
    file.parent.mkdir(parents=True)
    here.mkdir()
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(here)
    return file


def test_without_any_file_settings_are_the_defaults_of_the_options() -> None:
    shown = settings()
    assert {origin for _, origin in shown.values()} == {"default"}
    assert {name: value for name, (value, _) in shown.items()} == {
        "output": "results",
        "storage": None,
        "jobs": 1,
        "design": "edge_tpu_v1",
        "baseline": "edge_tpu_v3",
        "seed": 0,
        "cache_dir": None,
    }


def test_the_first_that_has_a_value_gives_it(user: Path) -> None:
    user.write_text("seed = 1\njobs = 1\noutput = 'u'\ndesign = 'edge_tpu_v2'")
    assert settings()["seed"] == (1, str(user))
    Path("pyproject.toml").write_text("[tool.apollo]\nseed = 2\njobs = 2\noutput = 'p'")
    assert settings()["seed"] == (2, "pyproject.toml")
    Path("apollo.toml").write_text("seed = 3\njobs = 3")
    assert settings()["seed"] == (3, "apollo.toml")
    assert settings(APOLLO_SEED="4") == {
        "output": ("p", "pyproject.toml"),
        "storage": (None, "default"),
        "jobs": (3, "apollo.toml"),
        "design": ("edge_tpu_v2", str(user)),
        "baseline": ("edge_tpu_v3", "default"),
        "seed": (4, "environment"),
        "cache_dir": (None, "default"),
    }
    assert settings(APOLLO_SEED="")["seed"] == (3, "apollo.toml")


def simulated(line: str, **environment: str) -> str:
    return str(json.loads(run(f"simulate {TINY} --json {line}", **environment).stdout)["design"])


def test_options_come_before_settings() -> None:
    Path("apollo.toml").write_text("design = 'edge_tpu_v2'")
    assert simulated("") == "edge_tpu_v2"
    assert simulated("", APOLLO_DESIGN="edge_tpu_v3") == "edge_tpu_v3"
    assert simulated("--design edge_tpu_v1", APOLLO_DESIGN="edge_tpu_v3") == "edge_tpu_v1"


def test_a_study_is_made_and_found_where_the_settings_say() -> None:
    Path("apollo.toml").write_text("output = 'mine'\nseed = 5")
    assert run(f"explore {TINY} --trials 2 --study s").exit_code == 0
    assert (Path("mine") / "s" / "study.db").is_file()
    assert json.loads(run("study show s --json").stdout)["seed"] == 5
    assert json.loads(run("study list --json --output other").stdout) == []
    assert run("study list --help").stdout.count("mine") == 1


def test_a_storage_is_found_where_the_settings_say() -> None:
    save(Path("results"), row("stored"), trials(3))
    storage = "results/stored/study.db"
    assert json.loads(run("study list --json --output x", APOLLO_STORAGE=storage).stdout)
    waited = run("worker --study stord --idle 0", APOLLO_STORAGE=storage)  # which must be given
    assert "Did you mean 'stored'?" in waited.stderr


def test_a_file_to_write_is_no_folder_of_studies() -> None:
    Path("apollo.toml").write_text("output = 'mine'")
    assert run(f"sweep {TINY} --over lanes=16").exit_code == 0
    assert not Path("mine").exists()


def test_the_cache_of_kernels_is_where_the_settings_say() -> None:
    Path("apollo.toml").write_text("cache_dir = 'kernels'")
    code = (
        "from typer.testing import CliRunner; from apollo.cli import app; "
        "CliRunner().invoke(app, ['designs']); import apollo.arch.jit as jit; print(jit._CACHE)"
    )
    kept = {name: value for name, value in os.environ.items() if not name.startswith("APOLLO_")}
    command = [sys.executable, "-c", code]
    said = subprocess.run(command, env=kept, capture_output=True, text=True, check=True).stdout
    assert said.strip() == "kernels"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (MANY, "jobs in 'apollo.toml' must be an integer of at least 1, not 'many'."),
        ("jobs = 0", "jobs in 'apollo.toml' must be an integer of at least 1, not 0."),
        ("jobs = true", "jobs in 'apollo.toml' must be an integer of at least 1, not True."),
        ("jobs = [1]", "jobs in 'apollo.toml' must be an integer of at least 1, not [1]."),
        ("seed = -1", "seed in 'apollo.toml' must be an integer of at least 0, not -1."),
        ('storage = ""', "storage in 'apollo.toml' must be a path or a URL of a database, not ''."),
        ("output = 3", "output in 'apollo.toml' must be a path, not 3."),
        (
            "[design]\nlanes = 3",
            "design in 'apollo.toml' must be a preset or the path of a .toml file, "
            "not {'lanes': 3}.",
        ),
        (
            "job = 3",
            "'job' in 'apollo.toml' is not a setting (known: output, storage, jobs, design, "
            "baseline, seed, cache_dir). Did you mean 'jobs'?",
        ),
        (
            "jobs =",
            "Settings file 'apollo.toml' is not readable TOML: Invalid value (at end of document).",
        ),
    ],
)
def test_a_wrong_file_is_one_sentence(text: str, said: str) -> None:
    Path("apollo.toml").write_text(text)
    assert sentence("config show") == sentence("designs") == said
    assert run("config path").exit_code == 0
    assert run("--help").exit_code == 0


def test_a_wrong_project_or_variable_is_one_sentence() -> None:
    Path("pyproject.toml").write_text("tool.apollo = 3")
    assert sentence("designs") == "tool.apollo in 'pyproject.toml' must be a table, not 3."
    Path("pyproject.toml").write_text(f"[tool.apollo]\n{MANY}")
    assert sentence("designs").startswith("jobs in 'pyproject.toml' must be an integer")
    Path("pyproject.toml").write_text("tool.other.jobs = 3\n[project]\nname = 'x'")
    assert run("designs").exit_code == 0
    assert sentence("designs", APOLLO_JOBS="many") == (
        "APOLLO_JOBS must be an integer of at least 1, not 'many'."
    )
    # Others have variables that begin so, too.
    assert run("designs", APOLLO_KEY="x").exit_code == 0


def test_a_wrong_value_of_a_setting_is_refused_by_the_option() -> None:
    assert "Did you mean 'edge_tpu_v2'?" in sentence(
        f"simulate {TINY}", APOLLO_DESIGN="edge_tpu_v22"
    )


def test_the_files_are_named_in_order(user: Path) -> None:
    user.write_text("")
    files = json.loads(run("config path --json").stdout)
    assert [(Path(each["path"]).name, each["exists"]) for each in files] == [
        ("apollo.toml", False),
        ("pyproject.toml", False),
        ("apollo.toml", True),
    ]
    assert str(user) in run("config path").stdout.replace("\n", "")


def test_a_setting_is_written_and_read(user: Path) -> None:
    assert run("config set jobs 4").stdout == "jobs is 4 in 'apollo.toml'.\n"
    assert settings()["jobs"] == (4, "apollo.toml")
    facts = json.loads(run('config set design a"b.toml --user --json').stdout)
    assert facts == {"name": "design", "value": 'a"b.toml', "file": str(user)}
    assert settings()["design"] == ('a"b.toml', str(user))


def test_comments_and_other_settings_stay() -> None:
    Path("apollo.toml").write_text("# mine\nseed = 3  # lucky\njobs = 2")
    run("config set seed 4")
    run("config set output here")
    text = '# mine\nseed = 4\njobs = 2\noutput = "here"\n'
    assert Path("apollo.toml").read_text() == text


def test_a_setting_that_another_place_gives_says_so(user: Path) -> None:
    run("config set seed 1")
    assert "Here seed comes from 'apollo.toml'" in run("config set seed 2 --user").stderr
    said = run("config set seed 2", APOLLO_SEED="3").stderr
    assert "Here seed comes from APOLLO_SEED" in said
    assert not run("config set seed 5").stderr
    assert user.read_text() == "seed = 2\n"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("job 3", "'job' is not a setting (known: output, storage, jobs, design, baseline, seed, "
         "cache_dir). Did you mean 'jobs'?"),
        ("jobs many", "jobs must be an integer of at least 1, not 'many'."),
        ("jobs 0", "jobs must be an integer of at least 1, not '0'."),
        ("seed -- -1", "seed must be an integer of at least 0, not '-1'."),
        ("seed 1.5", "seed must be an integer of at least 0, not '1.5'."),
    ],
)  # fmt: skip
def test_a_wrong_setting_is_not_written(line: str, said: str) -> None:
    assert sentence(f"config set {line}") == said
    assert not Path("apollo.toml").exists()


def test_a_file_that_cannot_be_changed_is_left_alone() -> None:
    for text in ("jobs =", "jobs = '''\nseed = 3\n'''\n", "[seed]\na = 1\n"):
        Path("apollo.toml").write_text(text)
        assert "apollo.toml" in sentence("config set seed 4")
        assert Path("apollo.toml").read_text() == text
    Path("apollo.toml").unlink()
    Path("apollo.toml").mkdir()
    assert sentence("config set seed 4") == "The settings file 'apollo.toml' must not be a folder."
