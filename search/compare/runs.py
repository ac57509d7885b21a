"""A network on two designs, or in two batches, stage by stage."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from apollo.arch.accelerator import Accelerator
from apollo.arch.area import area_of
from apollo.arch.program import Program
from apollo.compiler.dump.columns import value_text
from apollo.compiler.errors import DoesNotFit
from apollo.compiler.memory_map import MemoryMap, memory_map
from apollo.compiler.options import USUAL, Options
from apollo.compiler.pipeline import Compiled, compile_network
from apollo.compiler.tables import Map
from apollo.search.compare.difference import Cell, Section, amounts, facts, in_order
from apollo.search.measure import Measurement, measure_graph
from apollo.search.workload import Workload
from apollo.simulator.metrics import Metrics
from apollo.workloads.graph import Graph

_TOTALS = (
    *("cycles", "warm_cycles", "latency_ms", "warm_latency_ms", "throughput_per_s"),
    *("utilisation", "dram_utilisation", "energy_uj", "power_w"),
)
# What the mapping decides; addresses and estimates follow from it.
_FOLLOWS = ("_ADDRESS", "_BYTES", "CYCLES")


@dataclass(frozen=True)
class Side:
    """A network on a design: its run, or why there is none."""

    graph: Graph
    accelerator: Accelerator
    measurement: Measurement | None
    compiled: Compiled | None  # None for a systolic design
    reason: str | None


def run_side(workload: Workload, accelerator: Accelerator, options: Options = USUAL) -> Side:
    """Compile and simulate.

    Raises `ValueError` for an operator without lowering.
    """
    try:
        measurement = measure_graph(workload.graph, accelerator, workload.masks, options)
    except DoesNotFit as error:
        return Side(workload.graph, accelerator, None, None, str(error))
    compiled = None
    if not accelerator.is_systolic:
        compiled = compile_network(workload.lowered(), accelerator, options)
    return Side(workload.graph, accelerator, measurement, compiled, None)


def compare_runs(first: Side, second: Side) -> list[Section]:
    """Every stage; of a network that does not fit, what there is."""
    sections = [facts("parameters", _parameters(first), _parameters(second))]
    sections.append(amounts("area, mm²", _areas(first), _areas(second)))
    sections.append(facts("totals", _totals(first), _totals(second)))
    if first.measurement is None or second.measurement is None:
        return sections
    a, b = first.measurement, second.measurement
    if first.compiled is not None and second.compiled is not None:
        sections += _compiled(first.compiled, second.compiled, _change_of_layers(a, b))
    programs = a.warm.program, b.warm.program
    sections += compare_instructions(*programs)
    sections.append(amounts("cycles of a layer", _layer_cycles(a), _layer_cycles(b)))
    sections.append(facts("bound of a layer", _layer_bounds(a), _layer_bounds(b)))
    sections += compare_stalls(a.metrics, b.metrics)
    energy = a.metrics.energy_uj_by_component, b.metrics.energy_uj_by_component
    sections.append(amounts("energy, µJ", *energy))
    sections.append(amounts("DRAM bytes", a.metrics.dram_bytes, b.metrics.dram_bytes))
    return sections


def compare_instructions(first: Program, second: Program) -> list[Section]:
    """Instructions by opcode and by layer."""
    by_opcode = first.instructions_by_opcode(), second.instructions_by_opcode()
    by_layer = (_instructions_by_layer(program) for program in (first, second))
    return [
        amounts("instructions by opcode", *by_opcode),
        amounts("instructions by layer", *by_layer),
    ]


def compare_stalls(first: Metrics, second: Metrics) -> list[Section]:
    """Cycles of every engine: busy, or idle for a cause."""
    return [amounts("engine cycles", _engine_cycles(first), _engine_cycles(second))]


def numbered(names: Iterable[str]) -> list[str]:
    """Names that are each once: the second of a kind is `name (2)`."""
    seen = Counter[str]()
    found = []
    for name in names:
        seen[name] += 1
        found.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return found


def _parameters(side: Side) -> dict[str, Cell]:
    fields = {name: _cell(value) for name, value in asdict(side.accelerator).items()}
    return fields | {"network": side.graph.name, "batch": side.graph.batch}


def _cell(value: Any) -> Cell:
    """A field of a design: a number, a text, or texts."""
    return value if isinstance(value, int | str) else ", ".join(value) or "none"


def _areas(side: Side) -> dict[str, Cell]:
    area = area_of(side.accelerator)
    parts = {name.removesuffix("_mm2"): value for name, value in asdict(area).items()}
    return parts | {"total": area.total_mm2}


def _totals(side: Side) -> dict[str, Cell]:
    if side.measurement is None:
        return {"feasible": f"no: {side.reason}"}
    metrics = side.measurement.metrics
    return {"feasible": "yes"} | {name: getattr(metrics, name) for name in _TOTALS}


def _compiled(first: Compiled, second: Compiled, change: Mapping[str, float]) -> list[Section]:
    """Mapping and memory of two designs with lanes; `change` of the cycles of each layer."""
    maps = memory_map(first), memory_map(second)
    mapped = _mapping(first), _mapping(second)
    return [
        in_order("mapping", *_only_differing(*mapped, change)),
        facts("memory", _memory(maps[0]), _memory(maps[1])),
        amounts("PE memory of a layer, bytes", _in_use(maps[0]), _in_use(maps[1])),
    ]


def _mapping(compiled: Compiled) -> dict[str, dict[str, str]]:
    """By layer and column."""
    names, tensors = numbered(compiled.network.layer_names), compiled.network.tensor_names
    columns = [column for column in Map if not column.name.endswith(_FOLLOWS)]
    return {
        name: {c.name.lower(): value_text(c, int(row[c]), tensors) or "0" for c in columns}
        for name, row in zip(names, compiled.mapping, strict=True)
    }


def _change_of_layers(first: Measurement, second: Measurement) -> dict[str, float]:
    """How much each layer's cycles change, either way."""
    a, b = _layer_cycles(first), _layer_cycles(second)
    return {name: abs(b.get(name, 0) - a.get(name, 0)) for name in {**a, **b}}


def _only_differing(
    first: Mapping[str, Mapping[str, str]],
    second: Mapping[str, Mapping[str, str]],
    change: Mapping[str, float],
) -> tuple[dict[str, Cell], dict[str, Cell]]:
    """A text for every layer: the columns that differ; the layer that changed most first."""
    names = sorted({**first, **second}, key=lambda name: -change.get(name, 0))
    left, right = dict[str, Cell](), dict[str, Cell]()
    for name in names:
        a, b = first.get(name), second.get(name)
        if a is not None:
            left[name] = _columns(a, b or {})
        if b is not None:
            right[name] = _columns(b, a or {})
    return left, right


def _columns(own: Mapping[str, str], other: Mapping[str, str]) -> str:
    return " ".join(f"{name}={text}" for name, text in own.items() if other.get(name) != text)


def _memory(memory: MemoryMap) -> dict[str, Cell]:
    spilled = [tensor for tensor in memory.stored if tensor.spilled]
    return {
        "PE memory at most, bytes": memory.high_water,
        "resident parameters, bytes": sum(resident.bytes for resident in memory.residents),
        "layers with resident parameters": len(memory.residents),
        "tensors by way of DRAM": len(spilled),
        "tensors by way of DRAM, bytes": sum(tensor.bytes for tensor in spilled),
        "pairs of buffers": sum(block.buffers > 1 for block in memory.blocks),
    }


def _in_use(memory: MemoryMap) -> dict[str, Cell]:
    return {name: memory.used(nest) for nest, name in enumerate(numbered(memory.layers))}


def _instructions_by_layer(program: Program) -> dict[str, Cell]:
    names = numbered(program.layer_names)
    counts = Counter(program.layer.tolist())
    return {name: counts[number] for number, name in enumerate(names)}


def _layer_cycles(measurement: Measurement) -> dict[str, int]:
    rows = measurement.layers()
    names = numbered(row.layer for row in rows)
    return {name: row.cycles for name, row in zip(names, rows, strict=True)}


def _layer_bounds(measurement: Measurement) -> dict[str, Cell]:
    rows = measurement.layers()
    names = numbered(row.layer for row in rows)
    return {name: row.bound_by for name, row in zip(names, rows, strict=True)}


def _engine_cycles(metrics: Metrics) -> dict[str, Cell]:
    cells: dict[str, Cell] = {f"{name} busy": n for name, n in metrics.busy_cycles.items()}
    for engine, causes in metrics.stall_cycles.items():
        cells |= {f"{engine} waits for {cause}": count for cause, count in causes.items()}
    return cells
