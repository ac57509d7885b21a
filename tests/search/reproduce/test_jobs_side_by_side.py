"""Processes beside each other leave the cores to each other."""

from functools import partial
from pathlib import Path

from threadpoolctl import threadpool_info

from apollo.search.reproduce.processes import each_done


def _note(folder: Path, name: str) -> None:
    import numpy  # noqa: F401  its library is what is asked about

    threads = {pool["num_threads"] for pool in threadpool_info()}
    (folder / name).write_text(f"{sorted(threads)}")


def test_linear_algebra_has_one_thread_in_each(tmp_path: Path) -> None:
    assert sorted(each_done(partial(_note, tmp_path), ["one", "two"], 2)) == ["one", "two"]
    assert {path.read_text() for path in tmp_path.iterdir()} == {"[1]"}
