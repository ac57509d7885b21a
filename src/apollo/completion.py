"""Names that the shell completes: networks, designs, optimizers, studies; docs/cli.md.

Whoever presses the tab key waits: nothing slow is imported, and no study is opened. Names that
stand in modules which are slow to import are repeated here; a test holds the two together.
"""

from collections.abc import Callable, Iterable
from pathlib import Path

import typer

Complete = Callable[[str], list[str]]

PLACED = (
    *("inception_v3", "rnnlm_2", "rnnlm_4", "rnnlm_8", "nmt_2", "nmt_4", "nmt_8"),
    *("rnnt", "transformer"),
)
PLACERS = (
    *("rl", "rl_local_search", "expert", "single", "random", "round_robin", "contiguous"),
    *("metis", "heft", "m_topo", "m_etf", "m_sct", "local_search"),
    *("evolutionary", "p3bo", "exhaustive", "cp_sat"),
)
PLACEMENT_FAMILIES = ("inception", "rnnlm", "nmt", "random")
PUBLISHED_SYSTEMS = ("apollo", "sparse", "tpu", "placement")
VERIFIED_PARTS = ("systolic", "tpu-v1", "sparse", "edgetpu", "rnnt", "compiler")
_PARTITION_GRAPHS = Path(__file__).parent / "search/placement/data/partition_graphs"


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


def clusters(incomplete: str) -> list[str]:
    """The clusters that are shipped."""
    from apollo.arch.cluster_file import cluster_names

    return _beginning(cluster_names(), incomplete)


def placed_graphs(incomplete: str) -> list[str]:
    """The graphs that placement has of its own, and networks."""
    return [*dict.fromkeys([*_beginning(PLACED, incomplete), *networks(incomplete)])]


def partition_graphs(incomplete: str) -> list[str]:
    """The third-party graphs, FOLDER/NAME."""
    files = (*_PARTITION_GRAPHS.glob("latency/*"), *_PARTITION_GRAPHS.glob("throughput/*"))
    return _beginning(sorted(f"{file.parent.name}/{file.stem}" for file in files), incomplete)


def placers(incomplete: str) -> list[str]:
    """The optimizers of placements."""
    return _beginning((*PLACERS, "all"), incomplete)


def placement_families(incomplete: str) -> list[str]:
    """The families of graphs that a policy learns."""
    return _beginning(PLACEMENT_FAMILIES, incomplete)


def published_systems(incomplete: str) -> list[str]:
    """What `apollo reproduce` reproduces."""
    return _beginning(PUBLISHED_SYSTEMS, incomplete)


def verified_parts(incomplete: str) -> list[str]:
    """The parts of the verification."""
    return _beginning(VERIFIED_PARTS, incomplete)


def settings(incomplete: str) -> list[str]:
    """The names of settings."""
    from apollo.settings import Settings

    return _beginning(Settings.model_fields, incomplete)


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
