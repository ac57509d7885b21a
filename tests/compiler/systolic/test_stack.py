"""Networks of several layers: values, places, order, and what does not fit."""

from dataclasses import replace

import numpy as np
import pytest

from apollo.arch.accelerator import Accelerator, load_design
from apollo.arch.isa import Engine, Opcode
from apollo.compiler.errors import DoesNotFit
from apollo.compiler.systolic.layers import (
    Convolution,
    FullyConnected,
    Layer,
    Pool,
    Range,
    Shape,
    Stack,
    Vector,
    VectorKind,
    Window,
)
from apollo.compiler.systolic.network import Compiled, compile_stack
from apollo.compiler.systolic.single import compile_gemm
from apollo.compiler.systolic.tensors import place_tensors
from apollo.simulator import reference
from apollo.simulator.engine import simulate
from apollo.simulator.functional import execute
from tests.compiler.systolic.values import (
    Ints,
    chip,
    random_values,
    requantisation,
    requantised,
    windows,
)

SAME = Window((3, 3), padding=(1, 1, 1, 1))
CHIPS = {"4x4": chip(4, 4, 128), "8x4": chip(8, 4, 128), "tpu_v1": load_design("tpu_v1")}


def network(fill: int) -> Stack:
    """Convolutions on padded tensors that share places, a pool, a residual sum, two wide layers."""
    layers: tuple[Layer, ...] = (
        Convolution("a", "x", "ta", 6, SAME, Range(fill), fill),
        Convolution("b", "ta", "tb", 6, SAME, Range(fill), fill),
        Convolution("c", "tb", "tc", 6, SAME, Range(fill), fill),
        Vector("sum", VectorKind.ADD, ("tc", "ta"), "td", Range(fill)),
        Pool("pool", "td", "te", Window((3, 3), (2, 2), (1, 1, 1, 1)), fill=-128),
        Vector("function", VectorKind.LOOKUP, ("te",), "tf", table="square"),
        FullyConnected("d", ("tf",), "tg", 9, range=Range(0, 0, 127)),
        FullyConnected("e", ("tg",), "y", 5),
    )
    return Stack("net", {"x": Shape(3, 6, 5, 7)}, layers, ("y",))


def run(compiled: Compiled, design: Accelerator, fill: int, runs: int = 1) -> tuple[Ints, Ints]:
    """What the program gives for "y", in the last of several inferences, and what it should."""
    random = np.random.default_rng(abs(fill))
    layout, memory = compiled.layout, compiled.layout.empty()
    x = random_values(random, 3, 6, 5, 7)
    layout.pack_tensor(memory, "x", x)
    weights = {
        name: random_values(random, k, n)
        for name, (k, n) in {
            "a": (63, 6),
            "b": (54, 6),
            "c": (54, 6),
            "d": (54, 9),
            "e": (9, 5),
        }.items()
    }
    values = {n: requantisation(random, w.shape[1], 40_000) for n, w in weights.items()}
    for name in weights:
        layout.pack_weights(memory, name, weights[name])
        layout.pack_records(memory, name, values[name])
    layout.pack_sum(memory, "sum", (3, 5), 3, (fill, fill))
    table = (np.arange(-128, 128) ** 2 >> 7) - 64
    layout.pack_table(memory, "square", table, wide=False)
    machine = None
    for _ in range(runs):
        machine = execute(compiled.program, design, memory, machine)
    assert machine is not None
    tensor, first = x, x
    for name in ("a", "b", "c"):
        columns = windows(tensor, SAME, fill)
        tensor = requantised(columns @ weights[name], values[name], Range(fill))
        first = tensor if name == "a" else first
    tensor = np.clip(fill + (((tensor - fill) * 3 + (first - fill) * 5 + 4) >> 3), -128, 127)
    patches = windows(tensor, Window((3, 3), (2, 2), (1, 1, 1, 1)), -128)
    tensor = table[patches.reshape(*patches.shape[:3], 9, 6).max(axis=3) + 128]
    flat = tensor.reshape(3, -1)
    flat = requantised(flat @ weights["d"], values["d"], Range(0, 0, 127))
    expected = requantised(flat @ weights["e"], values["e"], Range())
    return layout.unpack(machine.dram, "y").reshape(3, 5).astype(np.int64), expected


@pytest.mark.parametrize("stays", [False, True])
@pytest.mark.parametrize("fill", [0, -5])
@pytest.mark.parametrize("design", CHIPS)
def test_values(design: str, fill: int, stays: bool) -> None:
    compiled = compile_stack(network(fill), CHIPS[design], output_stationary=stays)
    found, expected = run(compiled, CHIPS[design], fill)
    np.testing.assert_array_equal(found, expected)


def test_a_second_inference_finds_what_the_first_left() -> None:
    compiled = compile_stack(network(0), CHIPS["4x4"])
    found, expected = run(compiled, CHIPS["4x4"], 0, runs=2)
    np.testing.assert_array_equal(found, expected)


def test_tensors_that_live_together_do_not_overlap() -> None:
    stack = network(0)
    places = place_tensors(stack, 4, 1 << 20)
    last = {n: i for i, layer in enumerate(stack.layers) for n in (*layer.sources, layer.output)}
    born = {layer.output: i for i, layer in enumerate(stack.layers)} | {"x": -1}
    last["y"] = len(stack.layers)
    for a in places:
        for b in places:
            if a < b and born[a] <= last[b] and born[b] <= last[a]:
                apart = places[a].base + places[a].bytes <= places[b].base
                assert apart or places[b].base + places[b].bytes <= places[a].base, (a, b)
    # c's source is dead when e's is written; both are padded alike.
    assert max(p.base + p.bytes for p in places.values()) < sum(p.bytes for p in places.values())


def test_kernel_and_reference_agree() -> None:
    design = replace(CHIPS["4x4"], host_latency_ns=50)
    program = compile_stack(network(0), design).program
    fast, slow = simulate(program, design), reference.simulate(program, design)
    for column in ("visible", "start", "finish"):
        np.testing.assert_array_equal(getattr(fast, column), getattr(slow, column))


def test_names_must_be_there() -> None:
    layers = (FullyConnected("a", ("z",), "y", 3),)
    with pytest.raises(
        ValueError, match=r"^Network 'n': layer 'a' reads 'z', which no layer before it writes\.$"
    ):
        compile_stack(Stack("n", {"x": Shape(1, 1, 1, 4)}, layers, ("y",)), CHIPS["4x4"])


def test_weights_stream_ahead_over_layers() -> None:
    """The first tile of the second layer is loaded long before the first layer has ended."""
    design = CHIPS["tpu_v1"]
    layers = (FullyConnected("a", ("x",), "h", 1024), FullyConnected("b", ("h",), "y", 1024))
    stack = Stack("n", {"x": Shape(64, 1, 1, 1024)}, layers, ("y",))
    compiled = compile_stack(stack, design)
    program, timeline = compiled.program, simulate(compiled.program, design)
    loads = (program.opcode == Opcode.LOAD_PARAMETERS) & (program.layer == 2)
    drains = (program.opcode == Opcode.DRAIN) & (program.layer == 1)
    assert timeline.finish[loads].min() < timeline.finish[drains].max()
    # Waiting for weights only: the weights of 32 tiles pass in not much more than their own time.
    channel = design.channels[0].bytes_per_cycle
    assert timeline.latency_cycles < 1.15 * 32 * 65536 / channel


def test_a_drain_does_not_hold_a_shift_that_could_run() -> None:
    """On the array, the order of MOVE leaves no gap between tiles of many rows."""
    design = replace(load_design("tpu_v1"), dram_gb_per_s=170, host_gb_per_s=170)
    compiled = compile_gemm(1500, 512, 1024, design)
    program, timeline = compiled.program, simulate(compiled.program, design)
    matmuls = program.opcode == Opcode.MATMUL
    start, finish = timeline.start[matmuls], timeline.finish[matmuls]
    assert len(start) == 8
    assert (start[3:] == finish[2:-1]).all()


def test_waits_name_engines_that_matter() -> None:
    program = compile_gemm(8, 4, 4, CHIPS["4x4"]).program
    matmul = int(np.argmax(program.opcode == Opcode.MATMUL))
    assert program.wait[matmul, Engine.ACT] == 1
    assert program.wait[matmul, Engine.MOVE] == 1


@pytest.mark.parametrize(
    ("changes", "resource"),
    [
        ({"pe_memory_bytes": 1000}, "pe_memory"),
        ({"core_memory_bytes": 100}, "core_memory"),
        ({"instruction_memory_bytes": 512}, "instruction_memory"),
    ],
)
def test_what_does_not_fit(changes: dict[str, int], resource: str) -> None:
    with pytest.raises(DoesNotFit) as caught:
        compile_gemm(64, 64, 64, replace(CHIPS["4x4"], **changes))  # type: ignore[arg-type]
    assert caught.value.resource == resource
    assert caught.value.layer == "gemm"
    assert caught.value.demand > caught.value.bound == next(iter(changes.values()))


def test_a_chip_of_lanes_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^Design 'edge_tpu_v1' must have a systolic array\.$"):
        compile_gemm(4, 4, 4, load_design("edge_tpu_v1"))
