"""What published rows are of: commit, versions, machine, seeds."""

import json
import os
import platform
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any

from apollo.search.measure import evaluator_version
from apollo.search.report.files import whole_file

_ROOT = Path(__file__).resolve().parents[2]
_PACKAGES = ("numpy", "numba", "google-vizier", "jax", "scikit-learn")


def provenance(**facts: Any) -> dict[str, Any]:
    """The facts, and what every published row depends on."""
    return {
        **facts,
        "commit": commit(),
        "version": evaluator_version(),
        "python": platform.python_version(),
        "packages": {name: metadata.version(name) for name in _PACKAGES},
        "cores": os.cpu_count(),
    }


def commit() -> str:
    """The commit of the checkout, `+` behind it when files differ; "none" where there is none."""
    git = ["git", "-C", str(_ROOT)]
    try:
        found = subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, text=True)
        state = subprocess.run([*git, "status", "--porcelain", "-uno"], capture_output=True)
    except OSError:
        return "none"
    if found.returncode:
        return "none"
    return found.stdout.strip() + ("+" if state.stdout else "")


def write_json(value: Any, path: Path) -> None:
    """Write it as JSON."""
    with whole_file(path) as part:
        part.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
