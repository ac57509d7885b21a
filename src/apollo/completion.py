"""Names that the shell completes: networks, designs, optimizers, studies; docs/cli.md.

Whoever presses the tab key waits: nothing slow is imported, and no study is opened.
"""

from collections.abc import Callable, Iterable
from pathlib import Path

import typer

Complete = Callable[[str], list[str]]


def networks(incomplete: str) -> list[str]:
    """The built-in networks, every variant of them once the family is written."""
    from apollo.plugins import Group, names
    from apollo.workloads.catalogue import NETWORKS, network_names

    families = _beginning([*NETWORKS, *names(Group.NETWORKS)], incomplete)
    return families if len(families) > 1 else _beginning(network_names(), incomplete)


def designs(incomplete: str) -> list[str]:
    """The presets, and the designs of plug-ins."""
    from apollo.arch.accelerator import design_names

    return _beginning(design_names(), incomplete)


def optimizers(incomplete: str) -> list[str]:
    """The optimizers, and the prefixes of the families."""
    from apollo.search.optimizers.table import FAMILIES, optimizer_names

    return _beginning([*optimizer_names(), *(f"{family}:" for family in FAMILIES)], incomplete)


def studies(context: typer.Context, incomplete: str) -> list[str]:
    """The folders in that of studies which have a database; the others of a database are not."""
    folder = context.params.get("output") or _folder_of_studies()
    names = sorted(path.parent.name for path in Path(folder).glob("*/study.db"))
    return _beginning(names, incomplete)


def _folder_of_studies() -> str:
    from apollo.settings import load_settings

    return next(str(each.value) for each in load_settings() if each.name == "output")


def compared(context: typer.Context, incomplete: str) -> list[str]:
    """What has names of the things that can be compared."""
    return designs(incomplete) + studies(context, incomplete)


def listed(complete: Complete) -> Complete:
    """Names with commas between them, of which the last one is completed."""

    def complete_last(incomplete: str) -> list[str]:
        before, comma, last = incomplete.rpartition(",")
        return [f"{before}{comma}{name}" for name in complete(last)]

    return complete_last


def _beginning(names: Iterable[str], incomplete: str) -> list[str]:
    return [name for name in names if name.startswith(incomplete)]
