"""Decisions of the compiler as commands take them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from apollo.compiler.options import Options

Fix = Annotated[
    list[str] | None,
    typer.Option(help="LAYERS:COLUMN=VALUE, as block*:split_x=rows; repeatable."),
]
States = Annotated[
    int | None, typer.Option(help="Layouts that the mapping keeps; 1 is greedy, the quickest.")
]
Sparse = Annotated[
    bool | None, typer.Option("--sparse/--dense", help="How pruned layers are computed.")
]


def open_options(fix: Sequence[str] | None, states: int | None, sparse: bool | None) -> "Options":
    """The compiler's options.

    Raises `ValueError`, one sentence, for what is none.
    """
    from apollo.compiler.options import USUAL, Fixed, Options

    kept = USUAL.states if states is None else states
    return Options(sparse=sparse, states=kept, fixed=tuple(map(Fixed.of, fix or ())))


def refuse_for_programs(options: "Options") -> None:
    """Raises `ValueError` where there are options: a program has been compiled."""
    from apollo.compiler.options import USUAL

    if options != USUAL:
        raise ValueError("--fix, --states, --sparse and --dense are for networks, not programs.")
