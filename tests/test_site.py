"""The documentation builds as a site: no warning, no broken link, nothing asked of a network."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from apollo import __all__ as functions
from apollo.cli import app

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
OFFLINE = """
import socket, sys
def refuse(*_): raise OSError("The site must be built without a network.")
socket.socket.connect = socket.getaddrinfo = refuse
from sphinx.cmd.build import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    options = ("--fail-on-warning", "--keep-going", "--quiet")
    command = [sys.executable, "-c", OFFLINE, *options, str(DOCS), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return folder


def pages(site: Path) -> list[Path]:
    return [path for path in site.glob("*.html") if (DOCS / path.name).with_suffix(".md").exists()]


def test_every_page_is_there_and_in_the_contents(site: Path) -> None:
    assert len(pages(site)) == len(list(DOCS.glob("*.md")))
    index = (site / "index.html").read_text(encoding="utf-8")
    for page in pages(site):
        assert page.name == "index.html" or f'href="{page.name}"' in index


def test_a_reader_needs_no_network(site: Path) -> None:
    fetched = re.compile(r"<(?:script|img|iframe|link)[^>]*(?:src|href)=\"(?:https?:)?//")
    for page in pages(site):
        assert not fetched.search(page.read_text(encoding="utf-8")), page.name
    for sheet in site.rglob("*.css"):
        assert not re.search(r"(?:url\(|@import )[\"']?(?:https?:)?//", sheet.read_text("utf-8"))


def test_links_within_the_site_lead_to_a_heading(site: Path) -> None:
    texts = {page.name: page.read_text(encoding="utf-8") for page in pages(site)}
    for text in texts.values():
        for name, anchor in re.findall(r'href="(\w+\.html)#([\w.-]+)"', text):
            assert f'id="{anchor}"' in texts.get(name, f'id="{anchor}"'), f"{name}#{anchor}"


def test_the_reference_has_every_function_and_option(site: Path) -> None:
    python = (site / "reference_python.html").read_text(encoding="utf-8")
    assert all(f'id="apollo.{name}"' in python for name in functions)
    commands = (site / "reference_cli.html").read_text(encoding="utf-8")
    shown = set(re.findall(r"<code[^>]*><span class=\"pre\">(.*?)</code>", commands))
    told = {re.sub(r"<.*?>", "", each) for each in shown}
    words = {word.strip(",") for each in told for word in each.split()}
    for command in typer.main.get_command(app).commands.values():
        for each in getattr(command, "commands", {"": command}).values():
            assert {option for parameter in each.params for option in parameter.opts} <= words


def test_a_broken_link_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "conf.py").write_text((DOCS / "conf.py").read_text())
    (tmp_path / "commands.py").write_text((DOCS / "commands.py").read_text())
    (tmp_path / "index.md").write_text("# One\n\n[two](two.md)\n")
    command = [sys.executable, "-m", "sphinx", "-W", "-q", str(tmp_path), str(tmp_path / "site")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "two.md" in done.stderr
