"""`apollo compile --dump`."""

from pathlib import Path

from typer.testing import CliRunner

from apollo.cli import app


def test_compile_dumps_the_artifact_of_every_stage(tmp_path: Path) -> None:
    folder = tmp_path / "stages"
    arguments = ["compile", "mobilenet_v1_0.25_128", "--dump", str(folder)]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    assert str(folder) in result.stdout
    names = sorted(path.name for path in folder.iterdir())
    assert names[0] == "01_graph.txt"
    assert names[-1] == "memory_map.svg"
    assert len(names) == 11


def test_a_folder_that_is_a_file_is_a_sentence(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    result = CliRunner().invoke(app, ["compile", "mobilenet_v1_0.25_128", "--dump", str(file)])
    assert result.exit_code == 2
    assert result.stderr.startswith("apollo: A file could not be used")
