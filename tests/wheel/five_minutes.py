"""The five minutes of the README as a newcomer has them: `python -m tests.wheel.five_minutes`.

A wheel is built, a new environment gets it and what it needs and nothing else, and the very lines
of the README run there in an empty folder. The line that the README ends by Ctrl-C is ended so.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
README, CONSTRAINTS = ROOT / "README.md", ROOT / "constraints.txt"
LEFT_BEHIND = shutil.ignore_patterns(".*", "build", "dist", "results", "*.egg-info", "__pycache__")
BLOCK = re.compile(r"^## Five minutes\n.*?```sh\n(.*?)```", re.S | re.M)
CTRL_C = "Ctrl-C"
INTERRUPTED = 130
MOST_S = 300
LOOK_S = 0.1
ANY_NETWORK = """
import pathlib, shutil, onnx
light = pathlib.Path(onnx.__file__).parent / "backend/test/data/light"
shutil.copy(light / "light_squeezenet.onnx", "my.onnx")
"""
COUNT_TRIALS = """
import pathlib, sqlite3, sys
path = next(pathlib.Path("results").glob("*/study.db"), None)
try:
    rows = sqlite3.connect(path).execute("SELECT count(*) FROM trial").fetchone() if path else (0,)
except sqlite3.OperationalError:  # its tables are being made
    rows = (0,)
sys.exit(0 if rows[0] else 1)
"""


def steps() -> list[tuple[str, bool]]:
    """The lines of the README, each with whether Ctrl-C ends it."""
    found = BLOCK.search(README.read_text(encoding="utf-8"))
    if found is None:
        raise ValueError(f"'{README}' must have a section 'Five minutes' with a block of sh.")
    parted = (line.partition(" #") for line in found[1].splitlines())
    return [(line.strip(), CTRL_C in comment) for line, _, comment in parted if line.strip()]


def install(folder: Path) -> Path:
    """A new environment with the built wheel; its folder of programs."""
    source = shutil.copytree(ROOT, folder / "source", symlinks=True, ignore=LEFT_BEHIND)
    pip = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check")
    run(*pip, "wheel", "--no-deps", "--wheel-dir", str(folder), str(source), within=folder)
    wheel = next(folder.glob("*.whl"))
    venv.create(folder / "environment", with_pip=True)
    programs = folder / "environment" / "bin"
    there = (str(programs / "python"), *pip[1:])
    run(*there, "install", "--constraint", str(CONSTRAINTS), str(wheel), within=folder)
    return programs


def run(*command: str, within: Path, environment: dict[str, str] | None = None) -> None:
    """Run a command to its end, which must be a good one."""
    subprocess.run(command, cwd=within, env=environment, check=True)


def interrupt(line: str, within: Path, environment: dict[str, str]) -> None:
    """Run a line until its study has trials, then press Ctrl-C."""
    process = subprocess.Popen(line.split(), cwd=within, env=environment)
    look = [shutil.which("python", path=environment["PATH"]) or "python", "-c", COUNT_TRIALS]
    while process.poll() is None and subprocess.run(look, cwd=within, check=False).returncode:
        time.sleep(LOOK_S)
    process.send_signal(signal.SIGINT)
    if process.wait() != INTERRUPTED:
        raise ValueError(f"`{line}` ended with {process.returncode}, not {INTERRUPTED}.")


def tour(programs: Path, folder: Path) -> float:
    """Seconds that the lines take, one after the other, in an empty folder and home."""
    home, here = folder / "home", folder / "here"
    home.mkdir()
    here.mkdir()
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    environment = kept | {"PATH": f"{programs}:{kept['PATH']}", "HOME": str(home)}
    environment |= {"XDG_CACHE_HOME": str(home / "cache"), "XDG_CONFIG_HOME": str(home / "config")}
    run(str(programs / "python"), "-c", ANY_NETWORK, within=here, environment=environment)
    began = time.monotonic()
    for line, ends_by_ctrl_c in steps():
        at = time.monotonic()
        print(f"$ {line}", flush=True)
        if ends_by_ctrl_c:
            interrupt(line, here, environment)
        else:
            run(*line.split(), within=here, environment=environment)
        print(f"# {time.monotonic() - at:.1f} s\n", flush=True)
    return time.monotonic() - began


def main() -> None:
    """Run everything, say how long it took, and fail where it takes more than five minutes."""
    with tempfile.TemporaryDirectory() as name:
        folder, began = Path(name), time.monotonic()
        programs = install(folder)
        installed_s = time.monotonic() - began
        tour_s = tour(programs, folder)
    print(f"Installed in {installed_s:.0f} s; the five minutes of the README took {tour_s:.0f} s.")
    if tour_s > MOST_S:
        sys.exit(f"They must take {MOST_S} s at most.")


if __name__ == "__main__":
    main()
