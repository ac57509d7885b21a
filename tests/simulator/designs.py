"""The designs of the worked examples, and when their bursts start.

Edge TPU V1: a burst costs 2,048 of credit and 153 comes in a cycle, so that bursts one after the
other start in cycles 14, 27, 41, 54, 67, 81, 94, ...; the latency is 80. The first burst of a
program, which holds four instructions of 64 B, is visible in cycle 94. From then on credit is full
(2,200), and bursts start in 94, 107, 120, 134, 147, ... if nothing else holds them back.
"""

from dataclasses import replace

from apollo.arch.accelerator import load_design
from apollo.simulator.timeline import Timeline

V1 = load_design("edge_tpu_v1")
LINK = replace(V1, host_gb_per_s=16, host_streams=("ACT", "STORE"))  # 84/5 B a cycle, L = 800
SLOW_LINK = replace(LINK, host_gb_per_s=1, host_streams=("STORE", "ACT"))  # 21/20 B a cycle
ARRAY = replace(
    V1, pes_x=1, pes_y=1, cores=1, array_rows=16, array_columns=32, accumulator_rows=256
)
NARROW = replace(V1, burst_bytes=16, dram_gb_per_s=8)  # 9 B a cycle
FIRST = 94  # cycle in which the first burst of a program is visible on V1
SECOND = 107  # the same of the second


def columns(timeline: Timeline) -> tuple[list[int], list[int]]:
    """Start and finish of every instruction."""
    return timeline.start.tolist(), timeline.finish.tolist()
