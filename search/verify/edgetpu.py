"""The Edge TPU presets beside measured latencies of Coral and Pixel devices, nothing tuned.

The presets are the published classes of the family, not these devices: what is compared is the
order of networks, and how far the ratios spread. Warm latency at batch 1.
"""

import pandas as pd

from apollo.arch.accelerator import Accelerator, lane_presets
from apollo.compiler.errors import DoesNotFit
from apollo.search.measure import measure_graph
from apollo.search.verify.figures import Figure, Part, read_rows
from apollo.workloads.catalogue import load

AIM = 0.8  # rank correlation
# By device: its table, what picks its rows, the measured column, and our names for its networks.
CORAL = {
    "MobileNet v1": "mobilenet_v1",
    "MobileNet v2": "mobilenet_v2",
    "MobileNet v2 SSD": "ssd_mobilenet_v2",
    "ResNet-50 V1": "resnet50",
}
PIXEL = {
    "EfficientNet-lite0": "efficientnet_lite0",
    "EfficientNet-lite1": "efficientnet_lite1",
    "EfficientNet-lite2": "efficientnet_lite2",
    "EfficientNet-lite3": "efficientnet_lite3",
    "MobileNetEdgeTPU dm0.75": "mobilenet_edgetpu_0.75",
    "MobileNetEdgeTPU dm1.0": "mobilenet_edgetpu",
}
NOTES = (
    "Measured: Coral USB accelerator (coral.ai) and Pixel 4 (tensorflow model pages; its rows of "
    "MobileNetEdgeTPU are from memory and are shown, not counted). ResNet-50 was measured at 299, "
    "ours is at 224.",
    "Coral also pays for the USB transfer, and keeps 8 MB of parameters on the chip between "
    "inferences: networks above that are slower there by more.",
)


def measured() -> list[tuple[str, str, float, bool]]:
    """Device, our name of the network, milliseconds, and whether the figure was seen."""
    found = []
    for row in read_rows("coral_edgetpu_latency_ms.csv"):
        if row["model"] in CORAL:
            found.append(("Coral USB", CORAL[row["model"]], float(row["usb_accel"]), True))
    for row in read_rows("pixel_edgetpu_latency_ms.csv"):
        if row["model"] in PIXEL and row["device"].startswith("Pixel4"):
            seen = row["tag"] == "S"
            found.append(("Pixel 4", PIXEL[row["model"]], float(row["latency_ms"]), seen))
    return found


def verify_edgetpu() -> Part:
    """Rank correlation of every preset with the devices, over their networks."""
    rows, designs = measured(), lane_presets()
    ours = {
        (name, design.name): _latency_ms(name, design)
        for name in dict.fromkeys(name for _, name, _, _ in rows)
        for design in designs
    }
    table = tuple(
        (device, name, f"{ms:.2f}", *(_beside(ms, ours[name, each.name]) for each in designs))
        for device, name, ms, _ in rows
    )
    figures = [
        Figure(
            design.name,
            f"rank correlation with {device}",
            AIM,
            rank_correlation(
                [ms for at, _, ms, seen in rows if at == device and seen],
                [ours[name, design.name] for at, name, _, seen in rows if at == device and seen],
            ),
            0.0,
            is_least=True,
        )
        for device in dict.fromkeys(device for device, _, _, _ in rows)
        for design in designs
    ]
    names = (f"{each.name}, ms (ratio)" for each in designs)
    columns = ("device ", "network ", "measured, ms", *names)
    correlations = ", ".join(f"{each.subject} {each.name}: {each.ours:.2f}" for each in figures)
    title = "Edge TPU presets beside measured devices"
    return Part("edgetpu", title, tuple(figures), columns, table, (*NOTES, correlations + "."))


def rank_correlation(first: list[float], second: list[float]) -> float:
    """Spearman's, ties by mean ranks."""
    ranks = [pd.Series(values).rank() for values in (first, second)]
    return round(float(ranks[0].corr(ranks[1])), 9)


def _latency_ms(name: str, design: Accelerator) -> float:
    try:
        return measure_graph(load(name), design).metrics.warm_latency_ms
    except DoesNotFit:
        return float("nan")


def _beside(measured_ms: float, ours_ms: float) -> str:
    return f"{ours_ms:.3f} ({measured_ms / ours_ms:.1f}x)"
