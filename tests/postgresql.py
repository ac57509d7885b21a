"""A PostgreSQL server of our own for the tests, on the loopback address, in a temporary folder."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

SUPERUSER = "postgres"


def _program(name: str) -> str | None:
    """Debian keeps the server's programs out of PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return str(found[-1]) if found else shutil.which(name)


def _as_user(*command: str) -> list[str]:
    """The server refuses to run as root."""
    is_root = os.geteuid() == 0
    return ["runuser", "-u", SUPERUSER, "--", *command] if is_root else list(command)


def _free_port() -> int:
    with socket.socket() as opened:
        opened.bind(("127.0.0.1", 0))
        return int(opened.getsockname()[1])


@contextmanager
def server() -> Iterator[str]:
    """The URL of a new server's database; it ends with the context.

    Skips the test where there is no PostgreSQL, but not in CI.
    """
    initdb, control = _program("initdb"), _program("pg_ctl")
    if initdb is None or control is None:
        assert not os.environ.get("CI"), "CI must have PostgreSQL."
        pytest.skip("PostgreSQL is not installed.")
    # Not in pytest's folder, which is closed to the server's user.
    with tempfile.TemporaryDirectory(prefix="apollo-postgresql-") as folder:
        if os.geteuid() == 0:
            shutil.chown(folder, SUPERUSER)
        with _running(Path(folder), initdb, control) as url:
            yield url


@contextmanager
def _running(folder: Path, initdb: str, control: str) -> Iterator[str]:
    data, port = folder / "data", _free_port()
    quiet = {"check": True, "stdout": subprocess.DEVNULL, "cwd": folder}
    make = (initdb, "-D", str(data), "-U", SUPERUSER, "--auth=trust", "--no-sync")
    subprocess.run(_as_user(*make), **quiet)
    options = f"-p {port} -c listen_addresses=127.0.0.1 -k {folder} -c fsync=off"
    run = (control, "-D", str(data), "-w", "-l", str(folder / "log"))
    subprocess.run(_as_user(*run, "-o", options, "start"), **quiet)
    try:
        yield f"postgresql://{SUPERUSER}@127.0.0.1:{port}/postgres"
    finally:
        subprocess.run(_as_user(*run, "-m", "immediate", "stop"), **quiet)
