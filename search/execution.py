"""Where a study keeps its rows and evaluates its points; neither shows in any row."""

from dataclasses import dataclass
from pathlib import Path

from apollo.search.backends.base import Backend
from apollo.search.backends.pool import Pool
from apollo.search.backends.serial import Serial
from apollo.search.backends.shared import Shared
from apollo.search.evaluate import EvaluatePoint, Measure
from apollo.search.store import Store
from apollo.search.store.queue import Queue
from apollo.search.studies import DATABASE


@dataclass(frozen=True)
class Execution:
    """Processes and storage.

    Attributes:
        jobs: processes of this machine that evaluate; 1 is this one.
        storage: a path or URL of a database; None is a file in the folder of the study.
        is_shared: whether workers on any machine evaluate too (`worker.py`).

    Raises `ValueError` when there is no process, or several beside workers.

    """

    jobs: int = 1
    storage: str | None = None
    is_shared: bool = False

    def __post_init__(self) -> None:
        """Check the processes."""
        if self.jobs < 1:
            raise ValueError(f"--jobs must be at least 1, not {self.jobs}.")
        if self.is_shared and self.jobs > 1:
            raise ValueError("A shared study has workers of its own: leave --jobs away.")

    def open(self, folder: Path) -> Store:
        """The database of a study in that folder, which is made.

        Raises `ValueError` as `Store` does.
        """
        folder.mkdir(parents=True, exist_ok=True)
        return Store(folder / DATABASE if self.storage is None else self.storage)

    def backend(self, store: Store, study: str, evaluate: EvaluatePoint, do: Measure) -> Backend:
        """What evaluates the points of a study that the store has."""
        if self.is_shared:
            return Shared(evaluate, do, Queue(store, study))
        return Serial(evaluate) if self.jobs == 1 else Pool(evaluate, do, self.jobs)
