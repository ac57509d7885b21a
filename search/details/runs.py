"""A run as rows: cycles of layers by cause, intervals of engines, blocks of memory, energy.

Every column is a list of numbers or strings, `L` layers, `S` spans or `B` blocks long.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from apollo.arch.accelerator import Accelerator
from apollo.arch.isa import Engine
from apollo.arch.operands import Transfer
from apollo.arch.program import Ints, Program
from apollo.compiler.memory_map import memory_map
from apollo.compiler.pipeline import Compiled
from apollo.search.measure import Measurement
from apollo.search.store.detail import RunRow
from apollo.simulator.stalls import StallCause, stall_cycles_by_layer
from apollo.simulator.timeline import Timeline
from apollo.simulator.trace.spans import Spans, oldest_in_flight, stalls

Columns = Mapping[str, Sequence[Any]]

BUSY = "busy"
_FINEST = 1200  # parts of a run: a gap of less than one is not seen
RESIDENTS, TILES = "resident parameters", "tile of parameters"  # of core memory
PE_MEMORY, CORE_MEMORY = "pe_memory", "core_memory"


def run_row(network: str, measurement: Measurement, compiled: Compiled) -> RunRow:
    """The following inference of a network on a design with lanes."""
    design, warm = measurement.accelerator, measurement.warm
    metrics = measurement.metrics
    facts = {
        "cycles": metrics.warm_cycles,
        "clock_mhz": design.clock_mhz,
        "peak_macs_per_cycle": design.peak_macs_per_cycle,
        "dram_bytes_per_cycle": float(design.dram_bytes_per_cycle),
        "pe_memory_bytes": design.pe_memory_bytes,
        "core_memory_bytes": design.core_memory_bytes,
    }
    return RunRow(
        network,
        facts,
        layer_columns(warm, design, measurement.layer_macs()),
        span_columns(warm),
        memory_columns(compiled),
        metrics.energy_uj_by_component,
    )


def layer_columns(timeline: Timeline, design: Accelerator, macs: Ints) -> Columns:
    """What the compute engine does for each layer; the cycles add up to those of the run."""
    program = timeline.program
    computing = oldest_in_flight(timeline, Engine.COMPUTE)
    busy = np.zeros(len(program.layer_names), np.int64)
    np.add.at(busy, program.layer[computing.instruction], computing.end - computing.begin)
    waits = stall_cycles_by_layer(timeline)[:, Engine.COMPUTE]
    return {
        "layer": list(program.layer_names),
        BUSY: busy.tolist(),
        **{cause.name.lower(): waits[:, cause].tolist() for cause in StallCause},
        "macs": macs.tolist(),
        "dram_bytes": _moved_bytes(program, design).tolist(),
    }


def _moved_bytes(program: Program, design: Accelerator) -> Ints:
    """Bytes to and from DRAM for each layer [L]: transfers in whole bursts, and instructions."""
    burst = design.burst_bytes
    moved = program.encoded_bytes.astype(np.int64)
    is_transfer = np.isin(program.engine, (Engine.PARAM, Engine.ACT, Engine.STORE))
    size = program.operand[:, Transfer.SEGMENT_BYTES].astype(np.int64)
    moved += is_transfer * program.operand[:, Transfer.SEGMENTS] * -(-size // burst) * burst
    total = np.zeros(len(program.layer_names), np.int64)
    np.add.at(total, program.layer, moved)
    return total


def span_columns(timeline: Timeline) -> Columns:
    """When each engine works, by layer, and what the compute engine waits for when it does not."""
    program = timeline.program
    columns: dict[str, list[Any]] = {
        name: [] for name in ("engine", "what", "layer", "begin", "end")
    }
    for engine in Engine:
        spans = oldest_in_flight(timeline, engine)
        layer = program.layer[spans.instruction]
        _add(columns, engine, spans, layer, [BUSY] * len(layer), timeline.latency_cycles)
    waits = stalls(timeline, Engine.COMPUTE)
    what = [StallCause(code).name.lower() for code in waits.code.tolist()]
    after = np.append(program.layer, program.layer[-1:])  # behind the end: the last one's
    layer = after[waits.instruction]
    _add(columns, Engine.COMPUTE, waits, layer, what, timeline.latency_cycles)
    return columns


def _add(
    columns: dict[str, list[Any]],
    engine: Engine,
    spans: Spans,
    layer: npt.NDArray[np.integer],
    what: list[str],
    cycles: int,
) -> None:
    """Spans of an engine; neighbours of one layer and kind are joined over gaps nobody sees."""
    before: tuple[int, str] | None = None
    for begin, end, number, kind in zip(
        spans.begin.tolist(), spans.end.tolist(), layer.tolist(), what, strict=True
    ):
        if begin == end:
            continue
        is_near = before == (number, kind) and begin - columns["end"][-1] < cycles / _FINEST
        if is_near:
            columns["end"][-1] = end
            continue
        before = (number, kind)
        for name, value in zip(columns, (engine.name, kind, number, begin, end), strict=True):
            columns[name].append(value)


def memory_columns(compiled: Compiled) -> Columns:
    """Who lives where while which layers run, in each PE memory and each core memory."""
    found = memory_map(compiled)
    last = len(found.layers) - 1
    blocks = [
        (PE_MEMORY, str(b.kind), b.name, b.first, min(b.last, last), b.address, b.bytes)
        for b in found.blocks
    ]
    for each in found.residents:
        layer = found.layers[each.nest]
        blocks.append((CORE_MEMORY, RESIDENTS, layer, 0, last, each.address, each.bytes))
    kept = found.core_memory_bytes - found.ring_bytes
    for nest, size in enumerate(found.tiles):
        if size:
            blocks.append((CORE_MEMORY, TILES, found.layers[nest], nest, nest, kept, size))
    names = ("memory", "kind", "tensor", "first", "last", "address", "bytes")
    columns = zip(*blocks, strict=True) if blocks else ([] for _ in names)
    return {name: list(column) for name, column in zip(names, columns, strict=True)}
