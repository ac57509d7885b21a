"""Processes of a Ray cluster, or of a Ray that is begun on this machine and ends with the study.

Ray's control port listens on all interfaces, so a Ray of our own is begun with token
authentication, and its dashboard is left away.
"""

import os
import secrets
from collections.abc import Sequence
from concurrent.futures import Future
from typing import Any

from apollo.search.backends.processes import Answer, Do, answers_of
from apollo.search.evaluate import Job

_LOOPBACK = "127.0.0.1"
_DIES = 3  # of its processes before a job is given up; Ray does it again as often


class OnRay:
    """Jobs as Ray's remote tasks.

    Raises `ValueError` when Ray is not installed or its cluster is not to be reached.
    """

    def __init__(self, do: Do, count: int, address: str | None = None) -> None:
        """Tasks on the cluster at an address, else on `count` processors of this machine."""
        if address is None:
            _guard()
        try:
            import ray
        except ModuleNotFoundError:
            raise ValueError("The backend ray needs Ray: pip install 'apollo-dse[ray]'.") from None
        self._ray: Any = ray  # untyped
        if address is None:
            self._begin(count)
        else:
            self._join(address)
        self.count = max(count, int(self._ray.cluster_resources().get("CPU", count)))
        self._do = self._ray.put(do)
        self._answer = self._ray.remote(max_retries=_DIES)(_answer)

    def submit(self, jobs: Sequence[Job]) -> Future[list[Answer]]:
        """Do jobs one after the other in some process."""
        future: Future[list[Answer]] = self._answer.remote(self._do, jobs).future()
        return future

    def replace(self) -> None:
        """Nothing: Ray replaces processes that die."""

    def close(self) -> None:
        """Leave the cluster, or end the one that was begun here."""
        self._ray.shutdown()

    def _begin(self, count: int) -> None:
        self._ray.init(
            num_cpus=count,
            include_dashboard=False,
            log_to_driver=False,
            logging_level="ERROR",
            _node_ip_address=_LOOPBACK,
        )

    def _join(self, address: str) -> None:
        try:
            self._ray.init(address=address, log_to_driver=False, logging_level="ERROR")
        except (ConnectionError, RuntimeError, ValueError) as error:
            why = str(error).strip().splitlines()[0]
            raise ValueError(f"The Ray cluster '{address}' cannot be reached: {why}") from None


def _guard() -> None:
    """What Ray reads from the environment when it is imported."""
    os.environ.setdefault("RAY_AUTH_MODE", "token")
    os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")


def _answer(do: Do, jobs: Sequence[Job]) -> list[Answer]:
    return answers_of(do, jobs)
