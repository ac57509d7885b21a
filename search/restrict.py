"""A space with parameters fixed or restricted, as `--fix` and `--range` say."""

from collections.abc import Sequence

from apollo.arch.space import FIELDS, Space
from apollo.arch.text import suggestion
from apollo.search.decisions import SPARSE, STATES, decision_values, is_decision
from apollo.search.numbers import parse_numbers

FIX, RANGE = "--fix", "--range"


def restricted(space: Space, fixed: Sequence[str], ranges: Sequence[str]) -> Space:
    """The space with `NAME=VALUE` for every one of `fixed` and `NAME=VALUES` of `ranges`.

    A name is a number of a design (`cores=1..8`, choices of the space in that range, or values of
    one's own: `cores=3,5`), or a decision of the compiler (`states=1,4`, `sparse=no,yes`,
    `block*:split_x=rows,columns`). Raises `ValueError`, one sentence, for what is none.
    """
    named = set[str]()
    for flag, texts in ((FIX, fixed), (RANGE, ranges)):
        for text in texts:
            name, choices = _choices(space, flag, text)
            if name in named:
                raise ValueError(f"{FIX} and {RANGE} must name {name} once.")
            named.add(name)
            space = space.having(name, choices)
    return space


def _choices(space: Space, flag: str, text: str) -> tuple[str, tuple[int, ...]]:
    name, equals, items = text.partition("=")
    name = name.strip()
    known = [*FIELDS, STATES, SPARSE]
    if not equals or (name not in known and not is_decision(name)):
        raise ValueError(
            f"{flag} must be NAME=VALUE with a number of a design, {STATES}, {SPARSE} or "
            f"LAYERS:COLUMN, not '{text}'.{'' if name in known else suggestion(name, known)}"
        )
    if is_decision(name):
        choices = decision_values(name, items)
    else:
        offered = {parameter.name: parameter.choices for parameter in space.parameters}
        choices = parse_numbers(flag, name, items, offered.get(name))
    if flag == FIX and len(choices) > 1:
        raise ValueError(f"{FIX} must give {name} one value, not {items}; {RANGE} takes several.")
    return name, choices
