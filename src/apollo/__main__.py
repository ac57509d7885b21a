"""`apollo` and `python -m apollo`."""

import io
import sys


def main() -> None:
    """Run the command line."""
    _open_what_is_closed()
    try:
        from apollo.cli import app  # here, so that Ctrl-C during the import leaves no traceback

        app(prog_name="apollo")  # also by `python -m apollo`
    except KeyboardInterrupt:
        print("apollo: Interrupted.", file=sys.stderr)
        sys.exit(130)


def _open_what_is_closed() -> None:
    """A shell may have closed an output (`>&-`), which Python then has none for."""
    if sys.stdout is None:
        sys.stdout = io.StringIO()
    if sys.stderr is None:
        sys.stderr = io.StringIO()


if __name__ == "__main__":
    main()
