import json
from importlib import metadata
from pathlib import Path

import pytest
from typer.testing import CliRunner

from apollo.cli import app


def by_name(*arguments: str) -> tuple[int, dict[str, dict[str, str]]]:
    result = CliRunner().invoke(app, ["doctor", "--json", *arguments])
    return result.exit_code, {each["name"]: each for each in json.loads(result.stdout)}


def test_all_is_in_order_here(tmp_path: Path) -> None:
    code, found = by_name("--output", str(tmp_path / "results"))
    assert code == 0
    assert {each["state"] for each in found.values()} == {"ok"}
    assert "mobilenet_v1_0.25_128 on edge_tpu_v3" in found["evaluation"]["found"]
    assert not (tmp_path / "results").exists()


def test_a_missing_package_and_extra_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = metadata.version

    def version(name: str) -> str:
        if name in ("ray", "moocore"):
            raise metadata.PackageNotFoundError(name)
        return "0.1" if name == "networkx" else whole(name)

    monkeypatch.setattr(metadata, "version", version)
    code, found = by_name()
    assert code == 4
    assert found["extra ray"]["state"] == "optional"
    assert found["extra ray"]["advice"] == "pip install 'apollo-dse[ray]'"
    assert found["package moocore"]["found"] == "not installed"
    assert found["package networkx"]["found"].startswith("0.1, not ")


def test_a_folder_that_cannot_be_written_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "file"
    file.write_text("")
    monkeypatch.setenv("APOLLO_CACHE_DIR", str(file))
    result = CliRunner().invoke(app, ["doctor"])
    assert result.exit_code == 4
    assert "Not in order: cache of kernels." in result.output
