"""Sparse networks on the presets: the curve from dense to 95 % zeros, beside published figures.

Published are shares of 1x1 convolutions in the time of a CPU and the speed-up of its kernels (Fast
Sparse ConvNets, arXiv:1911.09723); the aims are of the Edge TPU presets.
"""

import csv
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from apollo.arch.accelerator import lane_presets
from apollo.search.report.convergence import write_html
from apollo.search.report.speedup import speedup_figure
from apollo.search.verify.figures import Figure, Part
from apollo.search.verify.sparse_curve import SPARSITIES, Point, curve

# Share of 1x1 convolutions in the time of a dense network, published, in percent.
PUBLISHED_SHARE = {
    "mobilenet_v1": 85.0,
    "mobilenet_v2": 71.0,
    "mobilenet_v3_large": 71.0,
    "efficientnet_lite0": 66.0,
}
LAYER_AIM, NETWORK_AIM, NO_LOSS = 1.8, 1.2, 1.0
LAYER_SPARSITIES, NETWORK_SPARSITY = (0.8, 0.9), 0.8
SHOWN = (0.3, 0.5, 0.6, 0.7, 0.8, 0.9)
COLUMNS = (
    "network ",
    "design ",
    "1x1 share, %: published | ours",
    *(f"{sparsity:.0%}" for sparsity in SHOWN),
    "1x1 at 80%",
    "1x1 at 90%",
    "least",
)
NOTES = (
    "Speed-up of a following inference of batch 1 over the same compiler with all layers dense; "
    "weights are random, pruned layer by layer, the first convolution and the final layers dense.",
    "1x1 at 80% and 90%: pruned 1x1 convolutions that compute binds when dense (their number), "
    "their cycles over those of the compiler's choice. Least: of the whole curve, 0 to 95 %.",
    "The published shares are of a CPU: here a share falls where parameters or activations of "
    "other layers wait for the DRAM.",
)


def verify_sparse(sparsities: Sequence[float] = SPARSITIES) -> Part:
    """Aims by network and preset: 1x1 convolutions, whole networks, nothing lost anywhere."""
    designs = lane_presets()
    points = [point for name in PUBLISHED_SHARE for point in curve(name, designs, sparsities)]
    curves: dict[tuple[str, str], dict[float, Point]] = {}
    for point in points:
        curves.setdefault((point.network, point.design), {})[point.sparsity] = point
    figures = [figure for of_curve in curves.values() for figure in figures_of(of_curve)]
    figures += layer_figures(points)
    return Part(
        "sparse",
        "Sparse networks: speed-up by share of zeros, * misses its aim",
        tuple(figures),
        COLUMNS,
        tuple(_row(of_curve) for of_curve in curves.values()),
        NOTES,
        partial(write_curve, points),
    )


def figures_of(points: dict[float, Point]) -> list[Figure]:
    """The figures of a network on a design, by sparsity."""
    dense = points[0.0]
    subject = f"{dense.network} on {dense.design}"
    published = PUBLISHED_SHARE[dense.network]
    figures = [Figure(subject, "share of 1x1, %", published, 100 * dense.pointwise_share)]
    ours = points[NETWORK_SPARSITY].speedup
    figures.append(_at_least(subject, f"end to end at {NETWORK_SPARSITY:.0%}", NETWORK_AIM, ours))
    least = min(point.speedup for point in points.values())
    figures.append(_at_least(subject, "least of the curve", NO_LOSS, least))
    return figures


def layer_figures(points: Sequence[Point]) -> list[Figure]:
    """The speed-up of the 1x1 convolutions that compute binds, on each network's best preset.

    On a preset whose DRAM binds the network a mapping may give up some of it for fewer bytes.
    """
    figures = []
    for network in PUBLISHED_SHARE:
        for sparsity in LAYER_SPARSITIES:
            found = [
                point.bound_speedup
                for point in points
                if (point.network, point.sparsity) == (network, sparsity) and point.bound_layers
            ]
            name = f"1x1 convolutions at {sparsity:.0%}"
            subject = f"{network} on its best preset"
            figures.append(_at_least(subject, name, LAYER_AIM, max(found, default=0.0)))
    return figures


def _at_least(subject: str, name: str, aim: float, ours: float) -> Figure:
    return Figure(subject, name, aim, ours, tolerance=0.0, is_least=True)


def _row(points: dict[float, Point]) -> tuple[str, ...]:
    dense = points[0.0]
    missed = {figure.name for figure in figures_of(points) if not figure.holds}

    def text(value: float, name: str = "") -> str:
        return f"{value:.2f}{' *' if name in missed else ''}"

    share = f"{PUBLISHED_SHARE[dense.network]:.0f} | {100 * dense.pointwise_share:.0f}"
    layers = []
    for sparsity in LAYER_SPARSITIES:
        layers.append(f"{points[sparsity].bound_speedup:.2f} ({points[sparsity].bound_layers})")
    return (
        dense.network,
        dense.design,
        share,
        *(text(points[sparsity].speedup, f"end to end at {sparsity:.0%}") for sparsity in SHOWN),
        *layers,
        text(min(point.speedup for point in points.values()), "least of the curve"),
    )


def write_curve(points: Sequence[Point], folder: Path) -> list[Path]:
    """`sparse_curve.csv` and `sparse_curve.html` in a folder."""
    records = [point.record() for point in points]
    table, page = folder / "sparse_curve.csv", folder / "sparse_curve.html"
    with table.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, records[0])
        writer.writeheader()
        writer.writerows(records)
    write_html(speedup_figure(records, "Sparse networks on the Edge TPU presets"), page)
    return [table, page]
