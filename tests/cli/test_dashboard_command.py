"""`apollo dashboard`: a server on the loopback address that follows a study until Ctrl-C."""

import json
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.request import ProxyHandler, build_opener

import pytest
from typer.testing import CliRunner

from apollo.cli import app
from apollo.search.store import Store
from tests.stored import row, save, trials

LOG = trials(40)
PATIENCE_S = 60


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    save(Path("results"), row("s"), LOG[:20])
    return Path("results")


@pytest.fixture
def running(results: Path) -> Iterator[tuple[subprocess.Popen, str]]:
    """The command, and the address that it says."""
    command = [sys.executable, "-m", "apollo", "dashboard", "s", "--port", "0"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True) as process:
        line = process.stdout.readline()
        address = re.match(r"(http://127\.0\.0\.1:\d+)/", line)
        assert address, line + process.stderr.read()
        yield process, address[1]
        process.kill()


def get(address: str) -> str:
    with build_opener(ProxyHandler({})).open(address, timeout=PATIENCE_S) as answer:
        return answer.read().decode()


def study(address: str) -> dict:
    return json.loads(get(f"{address}/api/studies/0?after=0"))


def until(found: Callable[[], bool]) -> None:
    ends = time.monotonic() + PATIENCE_S
    while not found():
        assert time.monotonic() < ends
        time.sleep(0.1)


def listening(port: int) -> set[str]:
    """The local addresses, in hexadecimal, on which something listens at a port."""
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    lines += Path("/proc/net/tcp6").read_text().splitlines()[1:]
    sockets = [line.split()[1:4:2] for line in lines]
    return {
        local.split(":")[0]
        for local, state in sockets
        if state == "0A" and int(local.split(":")[1], 16) == port
    }


def test_it_serves_and_follows_on_the_loopback_address_and_ends_with_ctrl_c(
    running: tuple[subprocess.Popen, str], results: Path
) -> None:
    process, address = running
    assert "<html" in get(f"{address}/dashboard")
    page = study(address)
    assert [each["values"] for each in page["trials"]] == [[trial.reward] for trial in LOG[:20]]
    assert [each["constraints"] for each in page["trials"]] == [
        [0.0 if trial.feasible else 1.0, 0.0] for trial in LOG[:20]
    ]
    assert listening(int(address.rsplit(":", 1)[1])) == {"0100007F"}  # 127.0.0.1, no other
    with Store(results / "s" / "study.db") as store:
        store.add("s", LOG[20:])
        until(lambda: len(study(address)["trials"]) == 40)
        assert len(store.trials("s")) == 40
    process.send_signal(signal.SIGINT)
    assert process.wait(PATIENCE_S) == 0
    assert process.stderr.read() == ""


def refused(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["dashboard", *arguments])
    assert (result.exit_code, result.stdout) == (2, ""), result.output
    assert len(result.stderr.splitlines()) == 1
    return result.stderr.strip().removeprefix("apollo: ")


@pytest.mark.usefixtures("results")
def test_what_is_wrong_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    assert refused("r").startswith("There is no study 'r'")
    assert refused("s", "--port", "65536") == "--port must be in 0..65535, not 65536."
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert refused("s", "--port", str(port)) == (
            f"Port {port} is taken: --port must name another, or 0 for any that is free."
        )
    monkeypatch.setitem(sys.modules, "optuna_dashboard", None)
    assert refused("s") == (
        "The dashboard needs more packages: pip install 'apollo-dse[dashboard]'."
    )
