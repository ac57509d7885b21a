"""A side of a comparison: a design, with other values of some parameters or another batch."""

import re
from dataclasses import dataclass, fields, replace

from apollo.arch.accelerator import Accelerator, load_design
from apollo.arch.text import suggestion
from apollo.search.levers import BATCH, changed

_VALUE = re.compile(r"\s*(\w+)\s*=\s*([0-9]{1,12})\s*", re.ASCII)


@dataclass(frozen=True)
class Variant:
    """A design named by what was asked for, and the batch if that was."""

    accelerator: Accelerator
    batch: int | None


def parse_variant(text: str) -> Variant:
    """`edge_tpu_v1`, `best.toml` or `edge_tpu_v1,lanes=32,batch=4`.

    Raises `ValueError`, one sentence, for an unknown design or parameter and for wrong values.
    """
    name, *settings = text.split(",")
    accelerator = load_design(name)
    known = [field.name for field in fields(Accelerator) if field.type in (int, "int")]
    values = dict[str, int]()
    for setting in settings:
        match = _VALUE.fullmatch(setting)
        if match is None or match[1] not in (*known, BATCH):
            hint = suggestion(setting.partition("=")[0], [*known, BATCH])
            raise ValueError(
                f"'{setting}' of '{text}' must be PARAMETER=VALUE with a number of a design, or "
                f"{BATCH}.{hint}"
            )
        values[match[1]] = int(match[2])
    named = replace(changed(accelerator, values), name=",".join([accelerator.name, *settings]))
    return Variant(named, values.get(BATCH))
