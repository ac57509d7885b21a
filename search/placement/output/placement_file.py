"""A placement as a file: the device of every group by name, as JSON."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from apollo.arch.text import suggestion
from apollo.arch.whole_file import whole_file
from apollo.search.placement.problem import GroupGraph, Ints, PlacementProblem

FORMAT = "apollo placement 1"


def write_placement(problem: PlacementProblem, placement: Ints, path: Path) -> None:
    """Write a placement [G]; the file is there whole or not at all."""
    devices = [problem.device_names[device] for device in placement.tolist()]
    value = {
        "format": FORMAT,
        "problem": problem.name,
        "devices": dict(zip(problem.groups.names, devices, strict=True)),
    }
    with whole_file(path) as part:
        part.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def read_placement(path: Path, problem: PlacementProblem) -> Ints:
    """The placement [G] in a file.

    Raises `ValueError`, one sentence, when it is none of this problem.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ValueError(f"There is no placement file '{path}'.") from None
    except (ValueError, RecursionError):
        raise ValueError(f"Placement file '{path}' is not readable JSON.") from None
    if not isinstance(value, dict) or value.get("format") != FORMAT:
        raise ValueError(f"Placement file '{path}' must have the format '{FORMAT}'.")
    devices = value.get("devices")
    if not isinstance(devices, dict):
        raise ValueError(f"Placement file '{path}' must give 'devices', a device for every group.")
    where = f"Placement file '{path.name}'"
    return np.array([_device(where, problem, devices, n) for n in problem.groups.names], np.int64)


def _device(where: str, problem: PlacementProblem, devices: dict[str, Any], group: str) -> int:
    if group not in devices:
        raise ValueError(f"{where} does not place '{group}' of {problem.name}.")
    name = devices[group]
    if name not in problem.device_names:
        known = ", ".join(problem.device_names)
        hint = suggestion(str(name), problem.device_names)
        raise ValueError(f"{where}: there is no device '{name}' (there are {known}).{hint}")
    device = problem.device_names.index(name)
    if not problem.groups.allowed[_number(problem.groups, group), device]:
        raise ValueError(f"{where}: device '{name}' cannot run '{group}'.")
    return device


def _number(groups: GroupGraph, name: str) -> int:
    return groups.names.index(name)
