"""Compiled programs run on arrays, held against the meaning of the model."""

from collections import Counter
from collections.abc import Callable

import numpy as np

from apollo.arch.accelerator import Accelerator
from apollo.compiler.errors import DoesNotFit
from apollo.compiler.lower import lower
from apollo.compiler.options import USUAL, Options
from apollo.compiler.pack import pack, unpack
from apollo.compiler.pipeline import Compiled, compile_network
from apollo.compiler.tables import From, Map, Nest, Split, TensorColumn
from apollo.compiler.verify import verify
from apollo.simulator.functional import execute
from apollo.workloads.integer import run
from apollo.workloads.model import Model
from apollo.workloads.sparsity import Masks
from tests.compiler.models import random_inputs


def check(
    model: Model,
    design: Accelerator,
    seed: int = 0,
    expected=None,
    masks: Masks | None = None,
    options: Options = USUAL,
) -> Compiled:
    """Cold and warm program leave the network's integers, bit for bit."""
    compiled = compile_network(lower(model.graph, model, masks), design, options)
    return check_compiled(compiled, model, seed, expected)


def check_compiled(compiled: Compiled, model: Model, seed: int = 0, expected=None) -> Compiled:
    """The same of a network that has been compiled."""
    verify(compiled)
    design = compiled.accelerator
    inputs = random_inputs(model.graph, seed, model.quantization)
    if expected is None:
        expected = run(model, inputs)
    dram = pack(compiled, model, inputs)
    machine = execute(compiled.cold, design, dram)
    compare(compiled, model, machine.dram, expected)
    if compiled.has_residents:
        # Another inference: core memories keep what they hold, DRAM is as it was.
        warm = execute(compiled.warm, design, dram, machine)
        compare(compiled, model, warm.dram, expected)
    return compiled


def seen_of(compile_and_check: Callable[[], Compiled | None]) -> Counter[str]:
    """What occurs in a mapping; nothing where the network does not fit or has no lowering."""
    try:
        compiled = compile_and_check()
        return coverage(compiled) if compiled else Counter()
    except DoesNotFit:
        return Counter()
    except ValueError as error:
        if " has no lowering" in str(error) or " stretches both operands" in str(error):
            return Counter()
        raise


def compare(compiled: Compiled, model: Model, dram: np.ndarray, expected) -> None:
    """Every output as it should be."""
    for name, values in unpack(compiled, model, dram).items():
        wrong = values != expected[name]
        assert not wrong.any(), (
            f"{name}: {wrong.sum()} of {wrong.size} differ, first at "
            f"{np.argwhere(wrong)[0]}: {values[wrong][:5]} for {expected[name][wrong][:5]}"
        )


def coverage(compiled: Compiled) -> Counter[str]:
    """What occurs in a mapping, by name."""
    seen: Counter[str] = Counter(compiled.cold.instructions_by_opcode())
    pairs = zip(compiled.network.nests, compiled.mapping, strict=True)
    for layer, (n, m) in enumerate(pairs):
        seen[f"source from {From(m[Map.SOURCE_FROM]).name}"] += 1
        seen[f"second from {From(m[Map.SECOND_FROM]).name}"] += 1
        design = compiled.accelerator
        if design.pes_x > 1:
            seen[f"x over {Split(m[Map.SPLIT_X]).name}"] += 1
        if design.pes_y > 1:
            seen[f"y over {Split(m[Map.SPLIT_Y]).name}"] += 1
        if design.cores > 1:
            seen[f"cores over {Split(m[Map.SPLIT_CORES]).name}"] += 1
        flags = {
            # Put out, though neither an output nor read from there by need.
            "spill": m[Map.TO_DRAM]
            and not compiled.network.tensors[n[Nest.DESTINATION], TensorColumn.IN_DRAM],
            "resident": m[Map.RESIDENT],
            "row tiles": m[Map.ROW_TILES] > 1,
            "bands": m[Map.BANDED] and m[Map.ROW_TILES] > 1,
            "cut rows": m[Map.ROW_TILES] > 1 and not m[Map.BANDED],
            "channel tiles": m[Map.CHANNEL_TILES] > 1,
            "partial sums": m[Map.INPUT_TILES] > 1,
            "groups": n[Nest.GROUPS] > 1,
            "images": n[Nest.IMAGES] > 1,
            "permuted": n[Nest.PERMUTATION] != 0x321,
            "parts": n[Nest.IS_PART],
            "sparse": m[Map.SPARSE],
            "shared": m[Map.OWNER] != layer and n[Nest.WEIGHTS],
            "parts on the chip": n[Nest.IS_PART] and not m[Map.TO_DRAM],
            "rows by turns": n[Nest.RESULT_ROWS] > 1,
            "strips": m[Map.STRIPS] > 0,
            "columns by turns": n[Nest.RESULT_COLUMNS] > 1,
        }
        seen.update(name for name, value in flags.items() if value)
    return seen
