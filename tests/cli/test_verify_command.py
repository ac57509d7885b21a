import json

import pytest
from typer.testing import CliRunner

from apollo.cli import app
from apollo.search.verify import parts
from apollo.search.verify.figures import Figure, Part


def part(ours: float) -> Part:
    figure = Figure("MLP0", "TOPS", 10.0, ours, 0.1, True, "Because.")
    return Part(
        "p", "Title", (figure,), ("workload ", "TOPS"), (("MLP0", figure.text()),), ("Note.",)
    )


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> dict[str, Part]:
    found = {"good": part(10.5), "bad": part(12.0)}
    monkeypatch.setattr(parts, "PARTS", {name: lambda n=name: found[n] for name in found})
    return found


def test_all_aims_met(answers: dict[str, Part]) -> None:
    result = CliRunner().invoke(app, ["verify", "good"])
    assert result.exit_code == 0
    assert "10.0 | 10.5" in result.output
    assert "1 of 1 aims are met." in result.output


def test_a_miss_is_exit_code_4_with_its_reason(answers: dict[str, Part]) -> None:
    result = CliRunner().invoke(app, ["verify"])
    assert result.exit_code == 4
    assert "* MLP0, TOPS: +20%, aim 10%. Because." in result.stdout
    assert result.stderr == "apollo: 1 figure misses the aim.\n"


def test_json(answers: dict[str, Part]) -> None:
    result = CliRunner().invoke(app, ["verify", "bad", "--json"])
    assert result.exit_code == 4
    (found,) = json.loads(result.stdout)
    assert found["holds"] is False
    assert found["figures"][0]["difference"] == pytest.approx(0.2)
    assert found["figures"][0]["explanation"] == "Because."


def test_an_unknown_part(answers: dict[str, Part]) -> None:
    result = CliRunner().invoke(app, ["verify", "goo"])
    assert result.exit_code == 2
    assert "nothing named 'goo'" in result.stderr


def test_the_real_parts_run() -> None:
    result = CliRunner().invoke(app, ["verify", "systolic"])
    assert result.exit_code == 0, result.output
    result = CliRunner().invoke(app, ["verify", "tpu-v1", "--json"])
    assert result.exit_code == 4
    assert not json.loads(result.stdout)[0]["holds"]
