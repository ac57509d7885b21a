"""`apollo` and `python -m apollo`."""

from apollo.cli import app


def main() -> None:
    """Run the command line."""
    app()


if __name__ == "__main__":
    main()
