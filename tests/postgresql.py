"""A PostgreSQL server of our own for the tests, on the loopback address, in a temporary folder."""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

SUPERUSER = "postgres"


def _program(name: str) -> str | None:
    """Debian keeps the server's programs out of PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return str(found[-1]) if found else shutil.which(name)


def _as_user(*command: str) -> list[str]:
    """The server refuses to run as root."""
    if os.geteuid() != 0:
        return list(command)
    paths = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"  # not always root's
    return [shutil.which("runuser", path=paths) or "runuser", "-u", SUPERUSER, "--", *command]


def _free_port() -> int:
    with socket.socket() as opened:
        opened.bind(("127.0.0.1", 0))
        return int(opened.getsockname()[1])


@dataclass(frozen=True)
class Server:
    """A server that runs, until it is stopped."""

    folder: Path
    port: int
    control: str

    @property
    def url(self) -> str:
        return f"postgresql://{SUPERUSER}@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -k {self.folder} -c fsync=off"
        self._run("-o", options, "start")

    def stop(self) -> None:
        """As a machine that loses power does."""
        self._run("-m", "immediate", "stop")

    def _run(self, *arguments: str) -> None:
        log = ("-w", "-l", str(self.folder / "log"))
        command = (self.control, "-D", str(self.folder / "data"), *log, *arguments)
        _quietly(self.folder, *command)


@contextmanager
def running() -> Iterator[Server]:
    """A new server, for as long as the context lasts.

    Skips the test where there is no PostgreSQL, but not in CI.
    """
    initdb, control = _program("initdb"), _program("pg_ctl")
    if initdb is None or control is None:
        assert not os.environ.get("CI"), "CI must have PostgreSQL."
        pytest.skip("PostgreSQL is not installed.")
    with TemporaryDirectory(prefix="apollo-postgresql-") as name:
        folder = Path(name)  # not in a folder of pytest: those are closed to other users
        if os.geteuid() == 0:
            shutil.chown(folder, SUPERUSER)
        make = (initdb, "-D", str(folder / "data"), "-U", SUPERUSER, "--auth=trust", "--no-sync")
        _quietly(folder, *make)
        opened = Server(folder, _free_port(), control)
        opened.start()
        try:
            yield opened
        finally:
            opened.stop()


@contextmanager
def server() -> Iterator[str]:
    """The URL of a new server's database."""
    with running() as opened:
        yield opened.url


def _quietly(folder: Path, *command: str) -> None:
    subprocess.run(_as_user(*command), check=True, stdout=subprocess.DEVNULL, cwd=folder)
