"""Rows and entries looked up: by the host where it has all of it, else as a product by hits."""

import math

from apollo.arch.isa import Opcode
from apollo.compiler.lower import Lowering
from apollo.compiler.lowering_matrices import grouped, multiply
from apollo.compiler.lowering_moves import in_other_units, table_bytes
from apollo.compiler.recipe import Ingredients, Recipe
from apollo.compiler.selecting import HIT, MOST_PLACES, Hits, Selection
from apollo.compiler.storage import Dims, dims_of
from apollo.workloads.operators import Embedding, Gather


def embedding(lowering: Lowering, operator: Embedding) -> None:
    """Rows that the host looks up: no instruction has an address from data."""
    if operator.inputs[0] not in (*lowering.graph.inputs, *lowering.ahead):
        raise lowering.refuse(operator, "has no lowering: it looks up what the network computes")
    shape = lowering.shape(operator.output)
    number = lowering.result(operator, Dims(1, math.prod(shape[:-1]), 1, shape[-1]))
    lowering.is_image[number] = False
    lowering.prepared[number] = operator.output
    lowering.in_dram.add(number)


def gather(lowering: Lowering, operator: Gather) -> None:
    """Only what `legalize` cannot put into other operators comes here."""
    data = lowering.numbers[operator.inputs[0]]
    if lowering.rules[data].bits != HIT.bits:
        raise lowering.refuse(operator, "has no lowering that takes entries of 16 bits")
    if lowering.shape(operator.inputs[0])[1] > MOST_PLACES:
        most = f"more than {MOST_PLACES:,} entries: an index has 16 bits"
        raise lowering.refuse(operator, f"has no lowering among {most}")
    raise lowering.refuse(operator, "has no lowering with indices that the network computes")


def hits(lowering: Lowering, operator: Hits) -> None:
    """An index less every place, within 8 bits, and a table of what is zero."""
    shape = lowering.shape(operator.output)
    source, rows = _indices(lowering, operator), math.prod(shape[:-1])
    result = Dims(1, rows, 1, operator.places)
    apart = lowering.new(f"{operator.output}:apart", result, HIT)
    recipe = Recipe(Ingredients.PLACES, operator, lowering.rules[source], HIT)
    columns = {"in_channels": 1, "mixes_channels": 1, "weights": 1}
    lowering.append(operator, Opcode.CONVOLVE, source, apart, recipe, columns)
    found = lowering.new(operator.output, result, HIT)
    recipe = Recipe(Ingredients.HITS, operator, HIT, HIT)
    size = {"table_bytes": table_bytes(HIT, HIT)}
    lowering.append(operator, Opcode.LOOKUP, apart, found, recipe, size)
    lowering.numbers[operator.output] = found


def _indices(lowering: Lowering, operator: Hits) -> int:
    """The number of a tensor in DRAM with an index a row: an input, or of the host's making."""
    name = operator.inputs[0]
    if name not in lowering.numbers:
        number = lowering.new(name, dims_of(lowering.shape(name)), lowering.indices[name])
        lowering.numbers[name] = number
        lowering.prepared[number] = name
        lowering.in_dram.add(number)
    number = lowering.numbers[name]
    rows = Dims(1, lowering.dims[number].elements, 1, 1)
    return number if lowering.dims[number] == rows else lowering.seen_as(number, rows)


def selection(lowering: Lowering, operator: Selection) -> None:
    """A product by the entries as they are stored, and a table where the result has other units."""
    left, right = operator.inputs
    source, entries = grouped(lowering, left), grouped(lowering, right)
    before, after = lowering.rules[entries], lowering.rule_of(operator)
    groups, same = lowering.shape(left)[0], before == after
    dims = Dims(1, lowering.shape(left)[1], 1, groups * lowering.shape(right)[2])
    name = operator.output if same else f"{operator.output}:taken"
    result = lowering.new(name, dims, before)
    recipe = Recipe(Ingredients.MATMUL, operator, HIT, before, second=before)
    # A row of hits takes one entry as it is stored: nothing is to be added to that.
    multiply(lowering, operator, (source, entries, result), recipe, groups, zero_point=0)
    if not same:
        result = in_other_units(lowering, operator, result, operator.output, after)
    lowering.numbers[operator.output] = result
    if groups > 1:
        lowering.grouped[operator.output] = groups
