"""`apollo` and `python -m apollo`."""

import sys


def main() -> None:
    """Run the command line."""
    try:
        from apollo.cli import app  # here, so that Ctrl-C during the import leaves no traceback

        app(prog_name="apollo")  # also by `python -m apollo`
    except KeyboardInterrupt:
        print("apollo: Interrupted.", file=sys.stderr)
        sys.exit(130)


if __name__ == "__main__":
    main()
