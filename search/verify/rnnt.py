"""RNN-T, streaming, on the presets: real-time factor, and where the time goes.

Published (He et al., 2018, arXiv:1811.06621, and its announcement): 450 MB of floats become 80 MB,
a factor of 4 of which is quantisation, and a step is computed faster than it is spoken on one core
of a phone.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from apollo.arch.accelerator import Accelerator, load_design, preset_names
from apollo.compiler.errors import DoesNotFit
from apollo.search.verify.figures import Figure, Part, Table
from apollo.search.verify.streaming import (
    ENCODER,
    ENCODER_STEPS_PER_S,
    JOINT,
    LABELS_PER_S,
    PREDICTION,
    STEPS_PER_S,
    Streaming,
    product_graphs,
    stream,
)
from apollo.workloads.graph import Graph
from apollo.workloads.models.rnnt import FRAME_MS, REDUCTION

REAL_TIME, COMPRESSION, COMPRESSION_TOLERANCE = 1.0, 4.0, 0.1
PUBLISHED_FLOAT_MB, PUBLISHED_MB = 450.0, 80.0
ONE_CORE = "edge_tpu_v1"  # also with one core of one PE, as the published figure is of one core
LAYERS = 5
COLUMNS = (
    "design ",
    *(f"{part}, ms" for part in STEPS_PER_S),
    f"a {FRAME_MS} ms frame, ms",
    "real-time factor",
    "faster than real time, x",
    "DRAM, % of time",
    "computing, %",
)
TIME_COLUMNS = ("design ", "of the time, % ", "waits, % ", "largest layers, % ")
NOTES = (
    f"A second of speech is {ENCODER_STEPS_PER_S:.1f} steps of the encoder (each {REDUCTION} "
    f"frames of {FRAME_MS} ms), {LABELS_PER_S:.1f} steps of the prediction network (graphemes, "
    f"3 for 8 frames; an assumption) and a joint step for each of both: "
    f"{STEPS_PER_S[JOINT]:.1f}. Batch 1, the steps one after the other.",
    "Each network is a program that takes the whole chip, and they take turns: all parameters "
    "come from the DRAM every time. A joint step multiplies both features anew.",
    "Published sizes (450 MB of floats, 80 MB) are of a product whose sizes and further "
    "compression are not published; a factor of 4 is what 8 bits give. That it runs 4 times as "
    "fast as floats cannot be shown on a machine without floats.",
)


def designs_of_part() -> list[Accelerator]:
    """The presets, and one of them with a single core."""
    presets = [load_design(name) for name in preset_names()]
    name = f"{ONE_CORE}, one core"
    alone = replace(load_design(ONE_CORE), name=name, pes_x=1, pes_y=1, cores=1)
    return [*presets, alone]


def verify_rnnt() -> Part:
    """The product's networks on every preset."""
    return rnnt_part(product_graphs(), designs_of_part())


def rnnt_part(graphs: Mapping[str, Graph], designs: Sequence[Accelerator]) -> Part:
    """Real-time factors of the three networks on designs, where they fit."""
    found: list[Streaming] = []
    refused: list[str] = []
    for design in designs:
        try:
            found.append(stream(graphs, design))
        except DoesNotFit as error:
            refused.append(f"Does not fit {design.name}: {error}")
    figures = [*size_figures(graphs), *(figure for each in found for figure in _figures(each))]
    return Part(
        "rnnt",
        "RNN-T, streaming, batch 1",
        tuple(figures),
        COLUMNS,
        tuple(_row(each) for each in found),
        (*NOTES, _sizes(graphs), *refused),
        tables=(Table("Where the time goes", TIME_COLUMNS, tuple(map(_time_row, found))),),
    )


def megabytes(graphs: Mapping[str, Graph]) -> tuple[float, float]:
    """Parameters as floats, and with a byte for every weight; biases and scales keep four."""
    weights = sum(graph.weights for graph in graphs.values())
    parameters = sum(graph.parameters for graph in graphs.values())
    return 4 * parameters / 1e6, (weights + 4 * (parameters - weights)) / 1e6


def size_figures(graphs: Mapping[str, Graph]) -> list[Figure]:
    """Compression, and both sizes beside the published ones."""
    floats, stored = megabytes(graphs)
    aim = Figure(
        "parameters", "floats / 8 bits", COMPRESSION, floats / stored, COMPRESSION_TOLERANCE
    )
    return [
        aim,
        Figure("parameters", "MB of floats", PUBLISHED_FLOAT_MB, floats),
        Figure("parameters", "MB of 8 bits", PUBLISHED_MB, stored),
    ]


def _sizes(graphs: Mapping[str, Graph]) -> str:
    floats, stored = megabytes(graphs)
    return (
        f"Parameters: {floats:.1f} MB of floats (published {PUBLISHED_FLOAT_MB:.0f}), "
        f"{stored:.1f} MB stored (published {PUBLISHED_MB:.0f}): {floats / stored:.2f} times less."
    )


def _figures(found: Streaming) -> list[Figure]:
    faster = 1 / found.real_time_factor
    figures = [
        Figure(found.design, "times faster than real time", REAL_TIME, faster, 0.0, is_least=True)
    ]
    for part in (ENCODER, PREDICTION, JOINT):
        share = found.ms_per_s(part) / (1000 * found.real_time_factor)
        figures.append(Figure(found.design, f"share of the {part}", 1.0, share))
    return figures


def _row(found: Streaming) -> tuple[str, ...]:
    factor = found.real_time_factor
    return (
        found.design,
        *(f"{found.steps[part].ms:.3f}" for part in STEPS_PER_S),
        f"{factor * FRAME_MS:.3f}",
        f"{factor:.3f}",
        f"{1 / factor:.1f}{'' if factor <= 1 / REAL_TIME else ' *'}",
        f"{100 * found.dram_share:.0f}",
        f"{100 * found.shares()['compute']:.0f}",
    )


def _time_row(found: Streaming) -> tuple[str, ...]:
    whole = 1000 * found.real_time_factor
    parts = ((part, found.ms_per_s(part) / whole) for part in STEPS_PER_S)
    waits = ((name, share) for name, share in found.shares().items() if name != "compute")
    return (
        found.design,
        _percents(parts),
        _percents((name, share) for name, share in waits if share >= 0.01),
        _percents(found.largest_layers(LAYERS)),
    )


def _percents(shares: Iterable[tuple[str, float]]) -> str:
    return ", ".join(f"{name} {100 * share:.0f}" for name, share in shares)
