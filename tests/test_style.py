"""The rules of the house that no linter checks: sizes, a line budget, and a clean tree."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("arch", "compiler", "search", "simulator", "workloads", "src/apollo")
SOURCES = sorted(
    path
    for folder in FOLDERS
    for path in (ROOT / folder).rglob("*.py")
    if folder != "src/apollo" or path.parent == ROOT / folder
)
FILE_LINES = 400
FUNCTION_LINES = 60
# Raised on purpose, in the change that needs it, by about what the change adds.
BUDGET_LINES = 73_500


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_and_functions_are_small(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= FILE_LINES
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            lines = (node.end_lineno or 0) - node.lineno + 1
            assert lines <= FUNCTION_LINES, f"{node.name} has {lines} lines"


def test_the_sources_stay_within_their_budget() -> None:
    lines = sum(len(path.read_text(encoding="utf-8").splitlines()) for path in SOURCES)
    assert lines <= BUDGET_LINES


def test_modules_are_imported_as_apollo() -> None:
    names = {folder for folder in FOLDERS if "/" not in folder}
    for path in [*SOURCES, *(ROOT / "tests").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            module = node.module if isinstance(node, ast.ImportFrom) else None
            assert (module or "").split(".")[0] not in names, f"{path}: import {module}"
