"""Tables of the compiler as text: a heading a row, then `column=value`, with names for numbers.

# 3 block1/pointwise
  split_x=rows split_y=rows split_cores=rows pe_rows=16 pe_columns=64 …

A line has a fixed run of columns, so that a change of one of them changes one line; columns that
are 0 are left out, as most are in most rows. Columns and their order are those of the enums in
`compiler.tables`: a new one appears by itself.
"""

from collections.abc import Callable, Iterator, Sequence
from enum import IntEnum

from apollo.arch.isa import Opcode
from apollo.arch.operands import ComputeFlag
from apollo.compiler.tables import (
    FILLED_BASE,
    IN_ORDER,
    NO_TENSOR,
    Form,
    From,
    Ints,
    Map,
    Nest,
    Place,
    Split,
    TensorColumn,
)

COLUMNS_A_LINE = 8
Name = Callable[[int, Sequence[str]], str]  # value, names of the tensors -> text; "" leaves it out


def table_text(
    columns: type[IntEnum], table: Ints, rows: Sequence[str], tensors: Sequence[str]
) -> Iterator[str]:
    """Lines of a table; `rows` and `tensors` are names.

    Table: [rows, columns].
    """
    for number, (name, values) in enumerate(zip(rows, table.tolist(), strict=True)):
        yield f"# {number} {name}"
        yield from row_text(columns, values, tensors)


def row_text(
    columns: type[IntEnum], values: Sequence[int], tensors: Sequence[str]
) -> Iterator[str]:
    """Lines of one row."""
    members = list(columns)
    for first in range(0, len(members), COLUMNS_A_LINE):
        run = members[first : first + COLUMNS_A_LINE]
        texts = [
            f"{column.name.lower()}={text}"
            for column in run
            if (text := value_text(column, values[column], tensors))
        ]
        if texts:
            yield "  " + " ".join(texts)


def value_text(column: IntEnum, value: int, tensors: Sequence[str]) -> str:
    """The value of a column, by its name where it has one; empty where it says nothing."""
    name = _NAMED.get((type(column), column.name)) or _by_name(column.name)
    if name is not None:
        return name(value, tensors)
    return str(value) if value else ""


def _by_name(column: str) -> Name | None:
    """What the name of a column says about its values."""
    if "SPLIT" in column:
        return lambda value, _: "" if value == Split.NONE else Split(value).name.lower()
    if column.endswith("_FROM"):
        return lambda value, _: "" if value == From.NOWHERE else From(value).name.lower()
    return None


def _tensor(value: int, tensors: Sequence[str]) -> str:
    return "" if value == NO_TENSOR else repr(tensors[value])


def _number(value: int, _: Sequence[str]) -> str:
    return str(value)


def _opcode(value: int, _: Sequence[str]) -> str:
    return Opcode(value).name


def _flags(value: int, _: Sequence[str]) -> str:
    return "+".join(
        flag.name.lower() for flag in ComputeFlag if flag and flag & value and flag.name
    )


def _permutation(value: int, _: Sequence[str]) -> str:
    """The source's coordinate that each of the nest's is: rows, columns, channels."""
    if value == IN_ORDER:
        return ""
    return ",".join(Split(value >> shift & 0xF).name.lower() for shift in (0, 4, 8))


def _form(value: int, _: Sequence[str]) -> str:
    return "" if value == Form.DENSE else Form(value).name.lower()


def _filled(value: int, _: Sequence[str]) -> str:
    return str(value - FILLED_BASE) if value else ""


_NAMED: dict[tuple[type[IntEnum], str], Name] = {
    (type(column), column.name): name
    for column, name in (
        (Nest.OPCODE, _opcode),
        (Nest.SOURCE, _tensor),
        (Nest.SECOND, _tensor),
        (Nest.DESTINATION, _tensor),
        (Nest.PERMUTATION, _permutation),
        (Nest.FLAGS, _flags),
        (Nest.FORM, _form),
        (TensorColumn.LAST_USE, _number),
        (TensorColumn.ALIAS, _tensor),
        (Map.SOURCE_ADDRESS, _number),
        (Map.DESTINATION_ADDRESS, _number),
        (Place.FILLED, _filled),
    )
}
