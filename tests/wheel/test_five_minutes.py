"""The lines that CI runs from a wheel are those of the README, and Ctrl-C ends one of them."""

import os
import sys
from pathlib import Path

import pytest

from tests.wheel import five_minutes
from tests.wheel.five_minutes import README, interrupt, steps


def test_the_lines_are_those_of_the_readme_and_show_the_whole_road() -> None:
    lines = [line for line, _ in steps()]
    assert all(line in README.read_text(encoding="utf-8") for line in lines)
    commands = [line.split()[1] for line in lines]
    for command in ("workloads", "designs", "simulate", "explore", "report", "explain", "trace"):
        assert command in commands
    assert any(line.startswith("apollo simulate my.onnx") for line in lines)


def test_one_line_is_ended_by_ctrl_c_and_the_next_one_is_the_same() -> None:
    (at,) = (k for k, (_, ends) in enumerate(steps()) if ends)
    assert steps()[at + 1] == (steps()[at][0], False)


def test_a_readme_without_the_block_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "README.md"
    page.write_text("# Nothing\n")
    monkeypatch.setattr(five_minutes, "README", page)
    with pytest.raises(ValueError, match="must have a section 'Five minutes' with a block of sh"):
        steps()


def test_ctrl_c_comes_when_there_are_trials(tmp_path: Path) -> None:
    line = f"{sys.executable} -m apollo explore conv:8x8x3x8x3x1 --trials 20000 --study first"
    programs = Path(sys.executable).parent
    environment = os.environ | {"PATH": f"{programs}:{os.environ['PATH']}"}
    interrupt(line, tmp_path, environment)
    assert (tmp_path / "results" / "first" / "study.db").is_file()
    (tmp_path / "other").mkdir()
    with pytest.raises(ValueError, match="ended with 0, not 130"):
        interrupt(f"{sys.executable} -m apollo designs", tmp_path / "other", environment)
