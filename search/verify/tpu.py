"""TPU v1's six workloads on the preset, beside table 3 of Jouppi et al., ISCA 2017."""

from apollo.arch.accelerator import Accelerator, load_design
from apollo.compiler.systolic.layers import Stack
from apollo.compiler.systolic.network import compile_stack
from apollo.search.verify.figures import Figure, Part, read_rows
from apollo.search.verify.tpu_workloads import WORKLOADS
from apollo.simulator.engine import simulate
from apollo.simulator.tpu_counters import tpu_counters

# Our counter -> the row of table 3.
ROWS = {
    "active": "array_active_pct",
    "useful": "useful_macs_pct_of_peak",
    "unused": "unused_macs_pct",
    "weight_stall": "weight_stall_pct",
    "weight_shift": "weight_shift_pct",
    "non_matrix": "non_matrix_pct",
    "raw_stall": "raw_stall_pct",
    "input_stall": "input_stall_pct",
}
_CNN_AIM = ("useful",)
_AIM = ("active", "weight_stall", "weight_shift", "non_matrix")
SHARE_POINTS = 10.0
TOPS_AIM = {"MLP0": 0.1, "MLP1": 0.1, "LSTM0": 0.1, "LSTM1": 0.2}
NOTES = (
    "Layer shapes of these workloads are not published; ours agree with table 1 (weights, "
    "operations per weight byte, batch, layers) and with the useful part of the active share.",
    "One batch, start to end: inputs and carried state from the host, results back, nothing of "
    "the next batch overlapped.",
    "Published TOPS are from production, shares from counters; the two are not perfectly "
    "consistent (the authors).",
)


def measure(stack: Stack, accelerator: Accelerator) -> dict[str, float]:
    """Shares of cycles in percent, and TOPS, of one batch."""
    compiled = compile_stack(stack, accelerator)
    timeline = simulate(compiled.program, accelerator)
    shares = tpu_counters(timeline, accelerator).shares()
    operations = 2 * compiled.macs * accelerator.clock_mhz * 1e6
    return shares | {"TOPS": operations / timeline.latency_cycles / 1e12}


def verify_tpu() -> Part:
    """Every workload, figure by figure."""
    accelerator = load_design("tpu_v1")
    table = {row["metric"]: row for row in read_rows("tpuv1_table3_cycles.csv")}
    misses = {
        (row["workload"], row["figure"]): row["explanation"]
        for row in read_rows("tpuv1_misses.csv")
    }
    figures = []
    for name, make in WORKLOADS.items():
        ours = measure(make(), accelerator)
        aims = _CNN_AIM if name.startswith("CNN") else _AIM
        for figure, row in ROWS.items():
            figures.append(
                Figure(
                    name,
                    figure,
                    float(table[row][name]),
                    ours[figure],
                    SHARE_POINTS if figure in aims else None,
                    explanation=misses.get((name, figure), ""),
                )
            )
        figures.append(
            Figure(
                name,
                "TOPS",
                float(table["measured_TOPS"][name]),
                ours["TOPS"],
                TOPS_AIM.get(name),
                is_relative=True,
                explanation=misses.get((name, "TOPS"), ""),
            )
        )
    title = "TPU v1, table 3 (% of cycles; TOPS): published | ours, * misses its aim"
    names = (*ROWS, "TOPS")
    rows = tuple(
        (name, *(figure.text() for figure in figures if figure.subject == name))
        for name in WORKLOADS
    )
    columns = ("workload ", *(name.replace("_", " ") for name in names))
    return Part("tpu-v1", title, tuple(figures), columns, rows, NOTES)
