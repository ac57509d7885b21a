"""Networks, designs, and a plain-Python judge of compiled programs.

The judge reads a program as accesses to three memories and knows two things only: which bytes an
instruction touches, and what must have retired before it starts.
"""

import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import onnx

from apollo.arch.accelerator import Accelerator
from apollo.arch.area import area_of
from apollo.arch.isa import ENGINES, Engine, Opcode
from apollo.arch.operands import ComputeFlag, Load, Move, Transfer, Vector, Window
from apollo.arch.program import Program
from apollo.arch.space import PARAMETERS, SIZE, accelerator_at
from apollo.compiler.lower import Network, lower
from apollo.compiler.pipeline import Compiled
from apollo.compiler.tables import NO_TENSOR, Ints, Map, Nest, Split, TensorColumn
from apollo.simulator.timeline import Timeline
from apollo.workloads.catalogue import load
from apollo.workloads.graph import Graph, GraphBuilder, Tensor
from apollo.workloads.operators import (
    BatchNormalization,
    Binary,
    BinaryKind,
    Concat,
    Convolution,
    FullyConnected,
    Pool,
    PoolKind,
    Reshape,
    Softmax,
    Transpose,
    Unary,
    UnaryKind,
)

LIGHT = Path(onnx.__file__).parent / "backend" / "test" / "data" / "light"
AREA_MM2 = 27.0
QUICK = (
    "mobilenet_v1_0.25_128",
    "mobilenet_v2_0.35_96",
    "gemm:100x300x77",
    "conv:57x57x24x40x3x2",
    "odd",
    "odd*3",
)
SLOW = (*QUICK, "gemm:1x4096x4096", "conv:14x14x256x512x3x1", "squeezenet", "squeezenet*4")
_WEIGHTED = (Opcode.CONVOLVE, Opcode.DEPTHWISE)


def odd_graph() -> Graph:
    """What the image classifiers of the catalogue do not have."""
    b = GraphBuilder("odd", [Tensor("image", (1, 6, 19, 17))])
    b.add(Convolution("valid", ("image",), "a", 24, (3, 3), (2, 2), bias=True))
    b.add(Convolution("grouped", ("a",), "b", 36, (3, 3), padding=(1, 1, 1, 1), groups=3))
    b.add(Unary("sigmoid", ("b",), "c", UnaryKind.SIGMOID))
    b.add(Pool("squeeze", ("c",), "d", PoolKind.AVERAGE, (9, 8)))
    b.add(Binary("scale", ("d", "c"), "e", BinaryKind.MULTIPLY))
    b.add(Convolution("depthwise", ("e",), "f", 72, (5, 5), (2, 2), (2, 2, 2, 2), groups=36))
    b.add(Pool("smaller", ("e",), "g", PoolKind.MAX, (3, 3), (2, 2), (1, 1, 1, 1)))
    b.add(Concat("channels", ("f", "g"), "h"))
    b.add(Concat("rows", ("h", "h"), "i", axis=2))
    b.add(Concat("columns", ("i", "i"), "j", axis=3))
    b.add(Transpose("turn", ("j",), "k", (0, 1, 3, 2)))
    b.add(BatchNormalization("normal", ("k",), "l", 108))
    b.add(Unary("clamp", ("l",), "m", UnaryKind.RELU))
    b.add(Reshape("flat", ("m",), "n", (1, 108 * 8 * 10)))
    b.add(FullyConnected("dense", ("n",), "o", 50))
    b.add(Softmax("softmax", ("o",), "p"))
    return b.build(["p", "f"])


@cache
def network(name: str) -> Network:
    """A lowered network; `name*4` is a batch of four."""
    name, _, batch = name.partition("*")
    if name == "odd":
        return lower(odd_graph().with_batch(int(batch or 1)))
    path = LIGHT / f"light_{name}.onnx"
    return lower(load(path if path.exists() else name, int(batch or 1)))


def random_designs(count: int, seed: int) -> list[Accelerator]:
    """Points of the space below the limit of area."""
    generator = random.Random(seed)
    found: list[Accelerator] = []
    while len(found) < count:
        design = accelerator_at(generator.randrange(SIZE))
        if area_of(design).total_mm2 < AREA_MM2:
            found.append(design)
    return found


def corner_designs() -> list[Accelerator]:
    """The ends of the space."""
    least = {parameter.name: parameter.choices[0] for parameter in PARAMETERS}
    most = {parameter.name: parameter.choices[-1] for parameter in PARAMETERS}
    return [
        Accelerator("least", **least),
        Accelerator("most", **most),
        Accelerator("many_cores", **least | {"pes_x": 32, "pes_y": 32, "cores": 32}),
        Accelerator("wide", **least | {"pes_x": 4, "pes_y": 4, "lanes": 256, "cores": 4}),
        Accelerator("starved", **most | {"core_memory_bytes": 4096, "pe_memory_bytes": 1 << 18}),
        Accelerator("roomy", **least | {"core_memory_bytes": 4 << 20, "pe_memory_bytes": 1 << 24}),
    ]


def channel_bytes(nest: Ints, inputs: int, last: bool = True) -> int:
    """Parameter bytes of an output channel for so many inputs; biases come with the last."""
    weights = inputs * int(nest[Nest.TAPS]) if nest[Nest.OPCODE] in _WEIGHTED else 0
    return weights + (int(nest[Nest.CHANNEL_BYTES]) if last else 0)


def parameter_bytes(nest: Ints) -> int:
    """Parameter bytes of a nest."""
    channels = int(nest[Nest.GROUPS] * nest[Nest.CHANNELS])
    return channels * channel_bytes(nest, int(nest[Nest.IN_CHANNELS]))


def tensor_bytes(tensor: Ints) -> int:
    """Bytes of a tensor."""
    return int(np.prod(tensor[: TensorColumn.LAST_USE]))


def rows_read(nest: Ints, source_rows: int) -> int:
    """Rows of the source that a nest reads at least once."""
    rows: set[int] = set()
    for row in range(int(nest[Nest.ROWS])):
        image = row // int(nest[Nest.IMAGE_ROWS])
        first = row * nest[Nest.STRIDE_ROWS] + image * nest[Nest.SKIP_ROWS] - nest[Nest.PAD_ROWS]
        last = first + nest[Nest.EXTENT_ROWS]
        rows.update(range(max(0, int(first)), min(source_rows, int(last))))
    return len(rows)


@dataclass(frozen=True)
class Access:
    """Bytes that an instruction reads or writes."""

    number: int
    memory: str
    first: int
    end: int
    writes: bool


@dataclass(frozen=True)
class Home:
    """A tensor in PE memory."""

    first: int
    size: int


class Judge:
    """Walks a program and collects who touches what."""

    def __init__(self, compiled: Compiled, program: Program, cold: bool) -> None:
        self.network, self.design = compiled.network, compiled.accelerator
        self.mapping, self.program, self.cold = compiled.mapping, program, cold
        self.homes: dict[int, Home] = {}
        self.accesses: list[Access] = []
        self.loaded: dict[tuple[int, str], int] = {}  # (layer, operand): last address
        resident = self.mapping[:, Map.RESIDENT] == 1
        self.kept = int(self.mapping[resident, Map.CORE_BYTES].sum())
        for number in range(len(program)):
            self.visit(number)

    def add(self, number: int, memory: str, first: int, size: int, writes: bool) -> None:
        bound = {
            "pe": self.design.pe_memory_bytes,
            "core": self.design.core_memory_bytes,
        }.get(memory)
        first, size = int(first), int(size)
        assert first >= 0, (number, memory)
        assert size > 0, (number, memory)
        assert bound is None or first + size <= bound, (number, memory, first, size)
        self.accesses.append(Access(number, memory, first, first + size, writes))

    def visit(self, number: int) -> None:
        layer = int(self.program.layer[number])
        opcode, operand = int(self.program.opcode[number]), self.program.operand[number]
        n, m = self.network.nests[layer], self.mapping[layer]
        if opcode == Opcode.LOAD_PARAMETERS:
            self.load_parameters(number, layer, n, m)
        elif opcode == Opcode.LOAD_ACTIVATIONS:
            self.load_activations(number, layer, n, m)
        elif opcode == Opcode.MOVE:
            source = int(operand[Move.ADDRESS]) == int(m[Map.SOURCE_ADDRESS])
            source = source and m[Map.SOURCE_BYTES] > 0
            tensor = int(n[Nest.SOURCE] if source else n[Nest.SECOND])
            home = self.homes[tensor]
            assert operand[Move.SOURCE] == home.first
            self.add(number, "pe", home.first, home.size, False)
            size = m[Map.SOURCE_BYTES] if source else m[Map.SECOND_BYTES]
            self.add(number, "pe", operand[Move.ADDRESS], size, True)
        elif opcode == Opcode.STORE:
            first, size = int(operand[Transfer.ADDRESS]), int(m[Map.DESTINATION_BYTES])
            begin = int(m[Map.DESTINATION_ADDRESS])
            assert first in (begin, begin + size if m[Map.ROW_TILES] > 1 else begin)
            self.add(number, "pe", first, size, False)
            # Parts of one tensor do not conflict: every instruction has a byte of its own.
            base = int(n[Nest.DESTINATION]) << 32
            self.add(number, "dram", base + number, 1, True)
        else:
            self.compute(number, layer, n, m)

    def load_parameters(self, number: int, layer: int, n: Ints, m: Ints) -> None:
        operand = self.program.operand
        first = int(operand[number, Load.DESTINATION])
        if m[Map.RESIDENT]:
            assert self.cold
            assert first + m[Map.CORE_BYTES] <= self.kept
            self.add(number, "core", first, m[Map.CORE_BYTES], True)
        else:
            assert first >= self.kept
            work = operand[number + 1]
            last = not work[Window.FLAGS] & ComputeFlag.PARTIAL
            size = work[Window.OUT_CHANNELS] * channel_bytes(n, work[Window.IN_CHANNELS], last)
            self.add(number, "core", first, size, True)
        self.loaded[layer, "parameters"] = first

    def load_activations(self, number: int, layer: int, n: Ints, m: Ints) -> None:
        operand = self.program.operand[number]
        first, buffers = int(operand[Transfer.ADDRESS]), range(min(2, int(m[Map.ROW_TILES])))
        for name, tensor, from_dram, address, size in self.operands(n, m):
            if not from_dram or first not in [address + i * size for i in buffers]:
                continue
            self.loaded[layer, name] = first
            self.add(number, "pe", first, size, True)
            self.add(number, "dram", tensor << 32, 1 << 32, False)
            return
        raise AssertionError(f"instruction {number} loads no operand")

    @staticmethod
    def operands(n: Ints, m: Ints) -> Iterator[tuple[str, int, bool, int, int]]:
        columns = (
            ("source", n[Nest.SOURCE], Map.SOURCE_FROM_DRAM, Map.SOURCE_ADDRESS, Map.SOURCE_BYTES),
            ("second", n[Nest.SECOND], Map.SECOND_FROM_DRAM, Map.SECOND_ADDRESS, Map.SECOND_BYTES),
        )
        for name, tensor, from_dram, address, size in columns:
            if tensor != NO_TENSOR:
                yield name, int(tensor), bool(m[from_dram]), int(m[address]), int(m[size])

    def compute(self, number: int, layer: int, n: Ints, m: Ints) -> None:
        operand = self.program.operand[number]
        for name, tensor, from_dram, address, size in self.operands(n, m):
            slot = Window.SOURCE if name == "source" else Vector.SECOND
            first = int(operand[slot])
            if from_dram:
                assert first == self.loaded[layer, name]
                self.add(number, "pe", first, size, False)
                continue
            assert first == address
            home = self.homes[tensor]
            self.add(number, "pe", home.first, home.size, False)
            if size:
                self.add(number, "pe", first, size, False)
        self.compute_parameters(number, layer, n, m)
        flags = int(operand[Window.FLAGS])
        if flags & (ComputeFlag.ACCUMULATE | ComputeFlag.PARTIAL):
            self.add(number, "pe", m[Map.PARTIAL_ADDRESS], m[Map.PARTIAL_BYTES], True)
        if not flags & ComputeFlag.PARTIAL:
            self.result(number, n, m, int(operand[Window.DESTINATION]))

    def result(self, number: int, n: Ints, m: Ints, first: int) -> None:
        begin, size = int(m[Map.DESTINATION_ADDRESS]), int(m[Map.DESTINATION_BYTES])
        if m[Map.TO_DRAM]:
            assert first in (begin, begin + size if m[Map.ROW_TILES] > 1 else begin)
            self.add(number, "pe", first, size, True)
            return
        assert begin <= first < begin + size
        self.homes[int(n[Nest.DESTINATION])] = Home(begin, size)
        self.add(number, "pe", begin, size, True)

    def compute_parameters(self, number: int, layer: int, n: Ints, m: Ints) -> None:
        operand = self.program.operand[number]
        last = not operand[Window.FLAGS] & ComputeFlag.PARTIAL
        each = channel_bytes(n, int(operand[Window.IN_CHANNELS]), last)
        if each == 0:
            return
        first, size = int(operand[Window.PARAMETERS]), int(operand[Window.OUT_CHANNELS]) * each
        if not m[Map.RESIDENT]:
            assert first == self.loaded[layer, "parameters"]
        else:
            assert first + size <= self.kept
        self.add(number, "core", first, size, False)

    def conflicts(self) -> Iterator[tuple[int, int]]:
        """Pairs of instructions, in order, that touch a byte, one of them writing."""
        for memory in ("pe", "core", "dram"):
            touched = [access for access in self.accesses if access.memory == memory]
            table = np.array(
                [(a.number, a.first, a.end, a.writes) for a in touched], np.int64
            ).reshape(-1, 4)
            for row, (number, first, end, writes) in enumerate(table):
                past = table[:row]
                meets = (past[:, 1] < end) & (first < past[:, 2]) & (past[:, 0] != number)
                if not writes:
                    meets &= past[:, 3] == 1
                for other in set(past[meets, 0].tolist()):
                    yield other, int(number)


def known(program: Program) -> Ints:
    """For each instruction, how many of each engine have retired when it starts, for certain."""
    clocks = np.zeros((len(program), ENGINES), np.int64)
    members: list[list[int]] = [[] for _ in range(ENGINES)]
    for number, engine in enumerate(program.engine.tolist()):
        clock = program.wait[number].copy()
        for other in range(ENGINES):
            if clock[other]:
                # It has retired, so it had started.
                clock = np.maximum(clock, clocks[members[other][clock[other] - 1]])
        if members[engine]:
            clock = np.maximum(clock, clocks[members[engine][-1]])
        if engine in (Engine.COMPUTE, Engine.MOVE):
            clock[engine] = len(members[engine])
        clocks[number] = clock
        members[engine].append(number)
    return clocks


def check_hazards(judge: Judge, timeline: Timeline | None = None) -> None:
    """Every two conflicting instructions are ordered by the program, and in time."""
    program = judge.program
    clocks, engine = known(program), program.engine
    order = np.zeros(len(program), np.int64)
    for each in Engine:
        order[engine == each] = np.arange(int((engine == each).sum()))
    pairs = np.array(sorted(set(judge.conflicts())), np.int64).reshape(-1, 2)
    before, after = pairs[:, 0], pairs[:, 1]
    ordered = clocks[after, engine[before]] > order[before]
    assert ordered.all(), [tuple(pair) for pair in pairs[~ordered][:5].tolist()]
    if timeline is not None:
        assert (timeline.start[after] >= timeline.finish[before]).all()


def check_places(compiled: Compiled) -> None:
    """Tensors, copies, buffers and partial sums never share a byte of PE memory."""
    nests, tensors = compiled.network.nests, compiled.network.tensors
    homes: dict[int, tuple[int, int]] = {}
    for index, (n, m) in enumerate(zip(nests, compiled.mapping, strict=True)):
        homes = {t: h for t, h in homes.items() if tensors[t, TensorColumn.LAST_USE] >= index}
        buffers = 2 if m[Map.ROW_TILES] > 1 else 1
        blocks = [
            (int(address), int(size) * (buffers if streams else 1))
            for address, size, streams in (
                (m[Map.SOURCE_ADDRESS], m[Map.SOURCE_BYTES], m[Map.SOURCE_FROM_DRAM]),
                (m[Map.SECOND_ADDRESS], m[Map.SECOND_BYTES], m[Map.SECOND_FROM_DRAM]),
                (m[Map.PARTIAL_ADDRESS], m[Map.PARTIAL_BYTES], False),
                (m[Map.DESTINATION_ADDRESS], m[Map.DESTINATION_BYTES], m[Map.TO_DRAM]),
            )
            if size
        ]
        destination = int(n[Nest.DESTINATION])
        if not m[Map.TO_DRAM]:
            home = blocks.pop()
            assert homes.get(destination, home) == home
            homes[destination] = home
        taken = sorted([*blocks, *homes.values()])
        for (first, size), (following, _) in itertools.pairwise(taken):
            assert first + size <= following, compiled.network.layer_names[index]
        assert taken[0][0] >= 0
        assert sum(taken[-1]) <= compiled.accelerator.pe_memory_bytes


def split_counts(design: Accelerator, m: Ints) -> dict[Split, int]:
    """PEs along each dimension of a nest."""
    counts = dict.fromkeys(Split, 1)
    counts[Split(int(m[Map.SPLIT_X]))] *= design.pes_x
    counts[Split(int(m[Map.SPLIT_Y]))] *= design.pes_y
    return counts
