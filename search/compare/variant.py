"""A side of a comparison: a design, with other parameters, another batch or other options."""

import re
from dataclasses import dataclass, field, fields, replace

from apollo.arch.accelerator import Accelerator, load_design
from apollo.arch.text import suggestion
from apollo.compiler.options import Fixed, Options
from apollo.search.levers import BATCH, STATES, changed

SPARSE = "sparse"
_SETTING = re.compile(r"\s*(\w+)\s*=\s*([0-9]{1,12}|yes|no)\s*", re.ASCII)
_MODES = {"yes": True, "no": False}


@dataclass(frozen=True)
class Variant:
    """A design named by what was asked for, the batch if that was, and the compiler's options."""

    accelerator: Accelerator
    batch: int | None = None
    options: Options = field(default_factory=Options)


def parse_variant(text: str) -> Variant:
    """A design and settings: `edge_tpu_v1,lanes=32,batch=4,states=8,block*:split_x=rows`.

    Raises `ValueError`, one sentence, for an unknown design or parameter and for wrong values.
    """
    name, *settings = text.split(",")
    variant = Variant(load_design(name))
    for setting in settings:
        if ":" in setting:
            fixed = (*variant.options.fixed, Fixed.of(setting.strip()))
            variant = replace(variant, options=replace(variant.options, fixed=fixed))
        else:
            variant = _with(variant, setting, text)
    named = ",".join([variant.accelerator.name, *settings])
    return replace(variant, accelerator=replace(variant.accelerator, name=named))


def _with(variant: Variant, setting: str, text: str) -> Variant:
    """The variant with one setting more."""
    numbers = [each.name for each in fields(Accelerator) if each.type in (int, "int")]
    counts = [*numbers, BATCH, STATES]
    known = [*counts, SPARSE]
    match = _SETTING.fullmatch(setting)
    name, value = match.groups() if match else (setting.partition("=")[0].strip(), "")
    if name == SPARSE and value in _MODES:
        return replace(variant, options=replace(variant.options, sparse=_MODES[value]))
    if name not in counts or not value.isdigit():
        raise ValueError(
            f"'{setting}' of '{text}' must be PARAMETER=VALUE with a number of a design, {BATCH} "
            f"or {STATES}; {SPARSE}=yes or =no; or a decision of the compiler, "
            f"LAYERS:COLUMN=VALUE.{'' if name in known else suggestion(name, known)}"
        )
    if name == BATCH:
        return replace(variant, batch=int(value))
    if name == STATES:
        return replace(variant, options=replace(variant.options, states=int(value)))
    return replace(variant, accelerator=changed(variant.accelerator, {name: int(value)}))
