"""What Apollo needs of its environment, and whether it is there."""

import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from importlib import metadata
from pathlib import Path

DISTRIBUTION = "apollo-dse"
_SMALL = ("mobilenet_v1_0.25_128", "edge_tpu_v3")
# Extras; `dev` is for who works on Apollo.
_FOR_USERS = ("dashboard", "environment", "postgresql", "ray")


class State(Enum):
    """How something is."""

    OK = "ok"
    OPTIONAL = "optional"  # not there, and only some things need it
    FAILED = "failed"


@dataclass(frozen=True)
class Check:
    """Something that was looked at."""

    name: str
    state: State
    found: str
    advice: str = ""  # what to do, where something is missing


def checks(output: Path) -> Iterator[Check]:
    """Everything, one after the other; `output` is the folder of studies."""
    yield _python()
    yield Check("machine", State.OK, f"{platform.system()}, {os.cpu_count()} cores")
    yield from _packages()
    yield from _plugins()
    yield _folder("cache of kernels", _cache(), "set APOLLO_CACHE_DIR to a folder of yours")
    yield _folder("folder of studies", output, "give --output, a folder of yours")
    yield _evaluation()


def _python() -> Check:
    found = platform.python_version()
    wanted = metadata.metadata(DISTRIBUTION)["Requires-Python"]
    fits = (3, 11) <= sys.version_info[:2] < (3, 13)
    return Check("Python", State.OK if fits else State.FAILED, found, "" if fits else wanted)


def _packages() -> Iterator[Check]:
    """The package itself, what it needs, and what its extras need."""
    from packaging.requirements import Requirement

    yield Check("Apollo", State.OK, metadata.version(DISTRIBUTION))
    wanted = [Requirement(text) for text in metadata.requires(DISTRIBUTION) or ()]
    needed = [each for each in wanted if each.marker is None or each.marker.evaluate({"extra": ""})]
    wrong = {each.name: found for each in needed if (found := _unmet(each.name, each.specifier))}
    for name, found in wrong.items():
        again = f"pip install --upgrade {DISTRIBUTION}"
        yield Check(f"package {name}", State.FAILED, found, again)
    if not wrong:
        yield Check("packages", State.OK, f"{len(needed)} that are needed are there")
    for extra in _FOR_USERS:
        own = [each for each in wanted if each.marker and each.marker.evaluate({"extra": extra})]
        own = [each for each in own if each not in needed]
        missing = [each.name for each in own if _unmet(each.name, each.specifier)]
        if missing:
            found = f"without {', '.join(missing)}"
            advice = f"pip install '{DISTRIBUTION}[{extra}]'"
            yield Check(f"extra {extra}", State.OPTIONAL, found, advice)
        else:
            yield Check(f"extra {extra}", State.OK, ", ".join(each.name for each in own))


def _unmet(name: str, specifier: object) -> str:
    """What is wrong with a package; nothing where it is as it should be."""
    from packaging.specifiers import SpecifierSet

    try:
        found = metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"
    fits = isinstance(specifier, SpecifierSet) and specifier.contains(found, prereleases=True)
    return "" if fits else f"{found}, not {specifier}"


def _plugins() -> Iterator[Check]:
    """What other distributions add."""
    from apollo.arch.accelerator import load_design
    from apollo.plugins import Group, distribution, names
    from apollo.search.optimizers.table import optimizer_type
    from apollo.workloads.catalogue import plugin_listing

    loads: dict[Group, Callable[[str], object]] = {
        Group.NETWORKS: plugin_listing,
        Group.DESIGNS: load_design,
        Group.OPTIMIZERS: optimizer_type,
    }
    for group, load in loads.items():
        for name in names(group):
            what = f"{group.thing} {name}"
            try:
                load(name)
            except ValueError as error:
                advice = "upgrade or uninstall that distribution"
                yield Check(what, State.OPTIONAL, str(error), advice)
            else:
                yield Check(what, State.OK, distribution(group, name))


def _cache() -> Path:
    import platformdirs

    return Path(os.environ.get("APOLLO_CACHE_DIR") or platformdirs.user_cache_dir("apollo"))


def _folder(name: str, folder: Path, advice: str) -> Check:
    """Whether a file can be written to a folder, or to the first of its parents that is there."""
    there = next(parent for parent in (folder, *folder.absolute().parents) if parent.exists())
    try:
        with tempfile.TemporaryFile(dir=there):
            return Check(name, State.OK, str(folder))
    except OSError as error:
        return Check(name, State.FAILED, f"'{there}': {error.strerror}", advice)


def _evaluation() -> Check:
    """Whether a small network compiles and runs."""
    import apollo

    network, design = _SMALL
    began = time.perf_counter()
    try:
        metrics = apollo.evaluate(network, design).metrics
    except Exception as error:  # whatever it is, it is what was asked
        advice = "set APOLLO_TRACEBACK=1 and run `apollo simulate` to see where"
        return Check("evaluation", State.FAILED, f"{type(error).__name__}: {error}", advice)
    seconds = time.perf_counter() - began
    found = f"{network} on {design}: {metrics.warm_latency_ms:.3f} ms, simulated in {seconds:.1f} s"
    return Check("evaluation", State.OK, found)
