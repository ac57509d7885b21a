"""The artifact of every stage as a text of its own, in the order of the stages."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from apollo.arch.listing import listing
from apollo.compiler.dump.array import dram_text, places_text, weights_text
from apollo.compiler.dump.columns import table_text
from apollo.compiler.dump.memory import aligned, blocks_text, residents_text
from apollo.compiler.dump.picture import draw
from apollo.compiler.dump.systolic import stack_layout
from apollo.compiler.memory_map import memory_map, parameter_bytes, stored_tensors
from apollo.compiler.pipeline import Compiled
from apollo.compiler.systolic.nests import CompiledNests
from apollo.compiler.systolic.network import Compiled as SystolicCompiled
from apollo.compiler.tables import NO_TENSOR, Map, Nest, Place, TensorColumn
from apollo.workloads.graph import Graph

AnyCompiled = Compiled | CompiledNests | SystolicCompiled


def artifacts(graph: Graph, compiled: AnyCompiled) -> dict[str, str]:
    """Text by file name; the numbers are the order of the stages."""
    if isinstance(compiled, Compiled):
        return _of_lanes(graph, compiled)
    texts = {"01_graph.txt": graph_text(graph)}
    if isinstance(compiled, CompiledNests):
        network, names = compiled.network, compiled.network.tensor_names
        texts |= {
            "02_nests.txt": table_text(Nest, network.nests, network.layer_names, names),
            "03_tensors.txt": table_text(TensorColumn, network.tensors, names, names),
            "04_weights.txt": weights_text(compiled),
            "05_places.txt": places_text(compiled),
            "06_layout.txt": dram_text(compiled),
            "07_program.lst": listing(compiled.program),
        }
    else:
        texts |= {
            "02_layout.txt": stack_layout(compiled),
            "03_program.lst": listing(compiled.program),
        }
    return {name: _joined(lines) for name, lines in texts.items()}


def _of_lanes(graph: Graph, compiled: Compiled) -> dict[str, str]:
    network, memory = compiled.network, memory_map(compiled)
    layers, tensors = network.layer_names, network.tensor_names
    texts = {
        "01_graph.txt": graph_text(graph),
        "02_nests.txt": table_text(Nest, network.nests, layers, tensors),
        "03_tensors.txt": table_text(TensorColumn, network.tensors, tensors, tensors),
        "04_mapping.txt": table_text(Map, compiled.mapping, layers, tensors),
        "05_memory.txt": blocks_text(memory),
        "06_places.txt": table_text(Place, compiled.places, tensors, tensors),
        "07_residency.txt": residents_text(memory),
        "08_layout.txt": layout_text(compiled),
        "09_cold.lst": listing(compiled.cold),
        "10_warm.lst": listing(compiled.warm),
    }
    title = f"{graph.name} on {compiled.accelerator.name}"
    return {name: _joined(lines) for name, lines in texts.items()} | {
        "memory_map.svg": draw(memory, title)
    }


def write_artifacts(graph: Graph, compiled: AnyCompiled, folder: Path) -> list[Path]:
    """Write every artifact to a folder, which is made; their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, text in artifacts(graph, compiled).items():
        paths.append(folder / name)
        paths[-1].write_text(text, encoding="utf-8")
    return paths


def _joined(lines: Iterable[str]) -> str:
    return "\n".join(lines) + "\n"


def graph_text(graph: Graph) -> Iterator[str]:
    """The operators in order, with what they read and write."""
    totals = f"{graph.macs:,} MACs, {graph.parameters:,} parameters"
    yield f"# {graph.name}: batch {graph.batch}, {totals}"
    for name in graph.inputs:
        yield f"input {name} {_shape(graph, name)}"
    for operator, layer in zip(graph.operators, graph.layers, strict=True):
        outputs = ", ".join(f"{name} {_shape(graph, name)}" for name in operator.outputs)
        counts = f"{layer.macs:,} MACs, {layer.parameters:,} parameters"
        yield f"# {operator.name}: {operator.label}, {counts}"
        yield f"  {', '.join(operator.inputs)} -> {outputs}"
    for name in graph.outputs:
        yield f"output {name} {_shape(graph, name)}"


def _shape(graph: Graph, tensor: str) -> str:
    return "x".join(map(str, graph.tensor(tensor).shape))


def layout_text(compiled: Compiled) -> Iterator[str]:
    """DRAM: the parameters of every nest, then the tensors."""
    network = compiled.network
    yield f"# DRAM: {compiled.dram_bytes:,} B"
    rows, stored = [], stored_tensors(compiled)
    for nest, layer in enumerate(network.layer_names):
        if size := parameter_bytes(compiled, nest):
            rows.append(
                (str(compiled.parameters[nest]), str(size), "parameters", f"{nest} {layer}")
            )
    for tensor, (name, t) in enumerate(zip(network.tensor_names, network.tensors, strict=True)):
        if tensor not in stored:
            continue
        is_view = t[TensorColumn.ALIAS] != NO_TENSOR
        size = t[TensorColumn.IMAGES] * t[TensorColumn.ROWS] * t[TensorColumn.COLUMNS]
        size *= t[TensorColumn.CHANNELS] * t[TensorColumn.WIDTH]
        kind = "view" if is_view else "tensor"
        rows.append((str(compiled.dram[tensor]), str(size), kind, name))
    yield from aligned(("first", "bytes", "kind", "name"), rows, 2)
