"""The kinds of trace file, by suffix; the libraries that write them are imported on use."""

from pathlib import Path

from apollo.arch.accelerator import Accelerator
from apollo.arch.whole_file import whole_file
from apollo.simulator.timeline import Timeline
from apollo.simulator.trace.window import Window

PERFETTO_SUFFIX = ".pftrace"
VCD_SUFFIX = ".vcd"


def check_suffix(path: Path) -> None:
    """Raises `ValueError`, one sentence, when a file has the suffix of no kind of trace."""
    if path.suffix not in (PERFETTO_SUFFIX, VCD_SUFFIX):
        raise ValueError(
            f"A trace file must end in {PERFETTO_SUFFIX} or {VCD_SUFFIX}, not '{path.name}'."
        )


def write_trace(
    timeline: Timeline,
    accelerator: Accelerator,
    path: Path,
    *,
    title: str,
    window: Window | None = None,
) -> None:
    """Write a run, or the part in a window, as the kind of file that the suffix says.

    The file is written whole or not at all. Raises `ValueError` for an unknown suffix.
    """
    check_suffix(path)
    with whole_file(path) as part:
        if path.suffix == VCD_SUFFIX:
            from apollo.simulator.trace.vcd_file import write_vcd

            write_vcd(timeline, accelerator, part, title=title, window=window)
        else:
            from apollo.simulator.trace.perfetto_file import write_perfetto

            write_perfetto(timeline, accelerator, part, title=title, window=window)
