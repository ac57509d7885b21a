"""Chips to compare: a cluster of small ones, and the best single ones of the same area."""

from dataclasses import dataclass
from itertools import permutations
from pathlib import Path

from apollo.arch import technology as tech
from apollo.arch.accelerator import Accelerator
from apollo.arch.area import area_of
from apollo.arch.cluster import LARGEST, Cluster, Device, Link
from apollo.arch.constants import DEFAULT
from apollo.arch.scaling import interface_area_scale
from apollo.arch.space import SPACE, Space
from apollo.search.execution import Execution
from apollo.search.explore import explore
from apollo.search.goals import Goal
from apollo.search.problem import Problem, with_budget
from apollo.search.store.brief import best_trials
from apollo.search.studies import open_study, row_of

GOAL = "speedup"  # over the baseline in throughput: area is given
_WIDE_BUS_BYTES = (64, 128, 256)


@dataclass(frozen=True)
class Search:
    """How single chips are found; studies of the same name go on.

    Raises `ValueError`, one sentence, for what `explore` refuses.
    """

    output: Path  # of the studies
    trials: int = 600
    seed: int = 0
    optimizer: str = "evolutionary"
    storage: str | None = None  # their database, a path or a URL; None is a file in the folder

    def best(self, network: str, area_mm2: float, space: Space = SPACE) -> Accelerator | None:
        """The chip of the most throughput within an area; None where none was found."""
        problem = Problem((network,), (Goal.of(GOAL),), space=space)
        bounded = with_budget(problem, round(area_mm2, 3))
        found = explore(
            bounded,
            optimizer=self.optimizer,
            trials=self.trials,
            seed=self.seed,
            output=self.output,
            execution=Execution(storage=self.storage),
        )
        return None if found.best is None else found.best.accelerator


def designs_of_study(
    output: Path, study: str, count: int = 1, storage: str | None = None
) -> list[Accelerator]:
    """The best designs of a stored study, best first.

    Raises `ValueError`, one sentence, when there is no such study or nothing in it is feasible.
    """
    with open_study(output, study, storage) as store:
        options, best = row_of(store, study).options, best_trials(store, study, count)
    if not best:
        raise ValueError(f"Study '{study}' has no feasible design.")
    space = Problem.of_options(options).space
    return [space.accelerator_at(trial.index) for trial in best]


def wide_space(dram_gb_per_s: int) -> Space:
    """The published space for a chip that may have the DRAM bandwidth of several together.

    Its buses may be wider, to keep up.
    """
    (dram,) = (each for each in SPACE.parameters if each.name == "dram_gb_per_s")
    space = SPACE.having(dram.name, sorted({*dram.choices, dram_gb_per_s}))
    for bus in ("activation_bus_bytes", "parameter_bus_bytes"):
        space = space.having(bus, _WIDE_BUS_BYTES)
    return space


def cluster_of(design: Accelerator, count: int, link: Link) -> Cluster:
    """So many chips of a design, a link of its own from each to each.

    Raises `ValueError`, one sentence, as `Cluster` does.
    """
    names = [f"chip{number}" for number in range(count)]
    devices = tuple(Device(name, LARGEST, design=design) for name in names)
    links = {
        (one, two): Link(f"{one}->{two}", link.bytes_per_us, link.overhead_ns, link.latency_ns)
        for one, two in permutations(names, 2)
    }
    return Cluster(f"{count} x {design.name}", devices, links)


def chain_area_mm2(design: Accelerator, count: int, link: Link) -> float:
    """The area of a chain of chips: themselves, and at both ends of each link a port.

    A port is as large for its bandwidth as a host interface.
    """
    payload = tech.HOST_EFFICIENCY_PERCENT / 100
    gb_per_s = link.bytes_per_us / 1000 / payload
    port = DEFAULT.host_interface_mm2_per_gb_per_s * interface_area_scale(design.technology_nm)
    return count * area_of(design).total_mm2 + 2 * (count - 1) * gb_per_s * port
