"""Compiled nests run on arrays, held against the meaning of the model."""

import dataclasses
from collections import Counter

from apollo.arch.accelerator import Accelerator, load_design
from apollo.compiler.lower import lower
from apollo.compiler.systolic.nests import CompiledNests, compile_nests
from apollo.compiler.systolic.pack import pack, unpack
from apollo.compiler.tables import Nest
from apollo.simulator.functional import execute
from apollo.workloads.integer import run
from apollo.workloads.model import Model
from tests.compiler.models import random_inputs

GEMMINI, TPU = load_design("gemmini"), load_design("tpu_v1")
PRESETS = (GEMMINI, TPU)
# Memories so small that nests go tile by tile, and arrays that nothing divides evenly.
SCRATCHPAD = dataclasses.replace(
    GEMMINI, name="scratchpad", pe_memory_bytes=1024, core_memory_bytes=4608
)
FIFO = dataclasses.replace(
    TPU,
    name="fifo",
    array_rows=10,
    array_columns=6,
    accumulator_rows=32,
    lanes=4,
    pe_memory_bytes=700,
    core_memory_bytes=1500,
)
SMALL = (SCRATCHPAD, FIFO)


def check(model: Model, design: Accelerator, seed: int = 0, expected=None) -> CompiledNests:
    """The program leaves the network's integers, bit for bit."""
    compiled = compile_nests(lower(model.graph, model), design)
    inputs = random_inputs(model.graph, seed, model.quantization)
    if expected is None:
        expected = run(model, inputs)
    machine = execute(compiled.program, design, pack(compiled, model, inputs))
    for name, values in unpack(compiled, model, machine.dram).items():
        wrong = int((values != expected[name]).sum())
        assert not wrong, f"{name}: {wrong} of {values.size} differ"
    return compiled


def can_run(model: Model) -> bool:
    """Whether all of it has a lowering."""
    try:
        lower(model.graph, model)
    except ValueError as error:
        if " has no lowering" in str(error) or " stretches both operands" in str(error):
            return False
        raise
    return True


def coverage(compiled: CompiledNests) -> Counter[str]:
    """What occurs in a program, by name."""
    seen = Counter(compiled.program.instructions_by_opcode())
    for number, weights in compiled.weights.items():
        nest = compiled.network.nests[number]
        seen["block-diagonal"] += any(each.units > 1 for each in weights.results)
        seen["groups"] += nest[Nest.GROUPS] > 1
        seen["several columns"] += len(weights.columns) > 1
        seen["several parts"] += any(len(column.parts) > 1 for column in weights.columns)
        seen["images flattened"] += weights.taps < nest[Nest.TAPS]
    ends = {compiled.network.numbers[n] for n in compiled.network.inputs + compiled.network.outputs}
    seen["spilt"] += len(set(compiled.tensors) - ends - set(compiled.network.constants))
    seen["batches"] += compiled.network.batch > 1
    return seen
