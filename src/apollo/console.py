"""What every command shares: tables and JSON on stdout, one sentence on stderr, exit codes."""

import functools
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import IntEnum
from typing import Any, ParamSpec, TypeVar

import typer

P = ParamSpec("P")
T = TypeVar("T")


class ExitCode(IntEnum):
    """How a command ended; docs/cli.md."""

    OK = 0
    INTERNAL = 1
    USAGE = 2  # usage or bad input
    NOTHING_FEASIBLE = 3
    VERIFICATION_FAILED = 4
    INTERRUPTED = 130  # state is saved


def guarded(command: Callable[P, None]) -> Callable[P, None]:
    """A command that ends with one sentence and the documented exit code, whatever happens."""

    @functools.wraps(command)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
            sys.stdout.flush()
        except typer.Exit:
            raise
        except ValueError as error:
            fail(str(error), _code_of(error))
        except KeyboardInterrupt:
            fail("Interrupted.", ExitCode.INTERRUPTED)
        except BrokenPipeError:  # the reader, such as `head`, has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(ExitCode.OK) from None
        except OSError as error:
            why = error.strerror or str(error)
            what = f"'{error.filename}': {why}" if error.filename else why
            fail(f"A file could not be used: {what}.", ExitCode.USAGE)
        except Exception as error:
            _infeasible_or_internal(error)

    return wrapper


def _code_of(error: ValueError) -> ExitCode:
    from apollo.search.errors import NothingFeasible

    return ExitCode.NOTHING_FEASIBLE if isinstance(error, NothingFeasible) else ExitCode.USAGE


def _infeasible_or_internal(error: Exception) -> None:
    from apollo.compiler.errors import DoesNotFit

    if isinstance(error, DoesNotFit):
        fail(str(error), ExitCode.NOTHING_FEASIBLE)
    if os.environ.get("APOLLO_TRACEBACK"):
        raise error
    fail(
        f"Internal error ({type(error).__name__}: {error}); set APOLLO_TRACEBACK=1 to see where.",
        ExitCode.INTERNAL,
    )


def fail(sentence: str, code: ExitCode) -> None:
    """Say it on stderr and end with that exit code."""
    typer.echo(f"apollo: {sentence}", err=True)
    raise typer.Exit(code)


def each_that_works(names: Iterable[str], load: Callable[[str], T]) -> Iterator[T]:
    """What is loaded by names; a sentence on stderr for each name where that fails."""
    for name in names:
        try:
            yield load(name)
        except ValueError as error:
            typer.echo(f"apollo: {error}", err=True)


def is_terminal() -> bool:
    """Whether somebody can be asked."""
    return sys.stdin.isatty()


def print_json(value: Any) -> None:
    """JSON on stdout, keys in the order given."""
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False))


def tell(sentence: str, facts: Any, as_json: bool) -> None:
    """What was done: a sentence, or facts for programs."""
    if as_json:
        print_json(facts)
    else:
        typer.echo(sentence)


def tell_address(address: str, as_json: bool) -> None:
    """Where something is served until Ctrl-C."""
    tell(f"{address}; Ctrl-C ends.", {"address": address}, as_json)


def print_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A table on stdout; a column is right-aligned unless its name ends with a blank."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
    for column in columns:
        is_text = column.endswith(" ")
        table.add_column(column.strip(), justify="left" if is_text else "right", overflow="fold")
    for row in rows:
        table.add_row(*row)
    # A file or a pipe gets whole lines, whatever the terminal's width.
    console = Console(width=None if sys.stdout.isatty() else 160, markup=False)
    with console.capture() as text:  # rich would end a closed pipe by an exit code of its own
        console.print(table)
    typer.echo(text.get(), nl=False)


def millions(count: int) -> str:
    """A count in millions, three decimals below ten."""
    return f"{count / 1e6:,.3f}" if count < 10_000_000 else f"{count / 1e6:,.1f}"


def size_text(size_bytes: int) -> str:
    """Bytes as a power-of-two unit where that is exact."""
    for factor, unit in ((1 << 20, "MiB"), (1 << 10, "KiB")):
        if size_bytes % factor == 0:
            return f"{size_bytes // factor} {unit}"
    return f"{size_bytes} B"
