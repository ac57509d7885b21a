"""`apollo` and `python -m apollo`."""

import io
import os
import sys
from contextlib import suppress


def main() -> None:
    """Run the command line."""
    _open_what_is_closed()
    try:
        from apollo.arch.compiling import tell_when_compiling
        from apollo.cli import app  # here, so that Ctrl-C during the import leaves no traceback

        tell_when_compiling(_say_compiling)
        app(prog_name="apollo")  # also by `python -m apollo`
    except KeyboardInterrupt:
        print("apollo: Interrupted.", file=sys.stderr)
        _end(130)
    except SystemExit as end:
        _end(end.code)


def _say_compiling() -> None:
    print("Compiling kernels: a minute or two …", file=sys.stderr, flush=True)


def _end(code: int | str | None) -> None:
    """End with that code, an interrupted run of JAX at once: its threads may compile on.

    They would crash in what is left of Python.
    """
    if code == 130 and "jax" in sys.modules:
        with suppress(OSError):
            sys.stdout.flush()
        os._exit(130)
    sys.exit(code)


def _open_what_is_closed() -> None:
    """A shell may have closed an output (`>&-`), which Python then has none for."""
    if sys.stdout is None:
        sys.stdout = io.StringIO()
    if sys.stderr is None:
        sys.stderr = io.StringIO()


if __name__ == "__main__":
    main()
