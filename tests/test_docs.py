"""Everything that the README and docs show is run: their shell commands and Python examples."""

import doctest
import re
import shlex
import shutil
from pathlib import Path

import onnx
import pytest
from typer.testing import CliRunner

import apollo
from apollo.cli import app

ROOT = Path(__file__).resolve().parent.parent
NETWORK = Path(onnx.__file__).parent / "backend/test/data/light/light_squeezenet.onnx"
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def shell_lines(page: Path) -> list[str]:
    blocks = re.findall(r"```(?:sh|console)\n(.*?)```", page.read_text(encoding="utf-8"), re.S)
    lines = "".join(blocks).replace("\\\n", " ").splitlines()
    return [line.split(" #")[0].strip() for line in lines if line.strip()]


def files(page: Path) -> list[tuple[str, str]]:
    """Blocks that begin with the name of a file of the reader's."""
    return re.findall(r"```toml\n# (mine\S*)\n(.*?)```", page.read_text(encoding="utf-8"), re.S)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the order of the page, in an empty folder; long searches are cut short."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(NETWORK, "my.onnx")
    for name, text in files(page):
        Path(name).write_text(text, encoding="utf-8")
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M)
    for line in shell_lines(page):
        program, *arguments = shlex.split(line)
        if program == "make":
            assert set(arguments) <= set(targets), line
            continue
        assert program == "apollo", f"not tested: {line}"
        if "--trials" in arguments:
            arguments[arguments.index("--trials") + 1] = "150"
        result = CliRunner().invoke(app, arguments)
        assert result.exit_code == 0, f"{line}: {result.output}"


def test_python_examples_run() -> None:
    assert doctest.testmod(apollo, raise_on_error=True).attempted > 0
    for page in PAGES:
        doctest.testfile(str(page), module_relative=False, raise_on_error=True)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target
