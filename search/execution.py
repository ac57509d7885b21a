"""Where a study keeps its rows and evaluates its points; neither shows in any row."""

from dataclasses import dataclass
from pathlib import Path

from apollo.search.backends.base import Backend
from apollo.search.backends.on_ray import OnRay
from apollo.search.backends.pool import Pool
from apollo.search.backends.processes import Local
from apollo.search.backends.serial import Serial
from apollo.search.backends.shared import Shared
from apollo.search.evaluate import EvaluatePoint, Measure
from apollo.search.store import Store
from apollo.search.store.queue import Queue
from apollo.search.studies import DATABASE

PROCESSES, RAY = "processes", "ray"


@dataclass(frozen=True)
class Execution:
    """Processes and storage.

    Attributes:
        jobs: processes of this machine that evaluate; 1 is this one.
        storage: a path or URL of a database; None is a file in the folder of the study.
        is_shared: whether workers on any machine evaluate too (`worker.py`).
        backend_name: whose processes they are: "processes" of this machine, or "ray".
        ray_address: of a cluster that runs; None begins one here.

    Raises `ValueError` when there is no process, several beside workers, or an unknown backend.

    """

    jobs: int = 1
    storage: str | None = None
    is_shared: bool = False
    backend_name: str = PROCESSES
    ray_address: str | None = None

    def __post_init__(self) -> None:
        """Check the processes."""
        if self.jobs < 1:
            raise ValueError(f"--jobs must be at least 1, not {self.jobs}.")
        if self.is_shared and self.jobs > 1:
            raise ValueError("A shared study has workers of its own: leave --jobs away.")
        if self.backend_name not in (PROCESSES, RAY):
            raise ValueError(f"--backend must be {PROCESSES} or {RAY}, not '{self.backend_name}'.")

    def location(self, folder: Path) -> str | Path:
        """Where the database of a study in that folder is."""
        return folder / DATABASE if self.storage is None else self.storage

    def open(self, folder: Path) -> Store:
        """The database of a study in that folder, which is made.

        Raises `ValueError` as `Store` does.
        """
        folder.mkdir(parents=True, exist_ok=True)
        return Store(self.location(folder))

    def backend(self, store: Store, study: str, evaluate: EvaluatePoint, do: Measure) -> Backend:
        """What evaluates the points of a study that the store has."""
        if self.is_shared:
            return Shared(evaluate, do, Queue(store, study))
        if self.backend_name == RAY:
            return Pool(evaluate, OnRay(do, self.jobs, self.ray_address))
        return Serial(evaluate) if self.jobs == 1 else Pool(evaluate, Local(do, self.jobs))
