"""What a layer that does not fit asks for: the terms of its demand.

They are read from the mapping that the layer gets once it is granted what it lacks: at exactly
that bound it has no other.
"""

from collections.abc import Iterator
from dataclasses import replace

from apollo.arch.accelerator import Accelerator
from apollo.arch.isa import BYTES_OF, Opcode
from apollo.arch.operands import RECORD_BYTES
from apollo.compiler.errors import DoesNotFit, Term
from apollo.compiler.kernels.parameters import tiles_of
from apollo.compiler.kernels.parts import read_columns, read_rows, source_channels
from apollo.compiler.memory_map import Block, Kind, nest_blocks
from apollo.compiler.network import Network
from apollo.compiler.pipeline import Compiled, compile_network
from apollo.compiler.tables import Ints, Map, Nest, Resource

_GRANTS = 16  # more than a layer has resources, as granting one can show another


def terms_of(network: Network, accelerator: Accelerator, refusal: DoesNotFit) -> tuple[Term, ...]:
    """The terms that add up to a refusal's demand; none where they cannot be told."""
    if refusal.terms or refusal.nest is None:
        return refusal.terms
    granted = _granted(_head_of(network, refusal.nest), accelerator, refusal)
    if granted is None:
        return ()
    n, m = network.nests[refusal.nest], granted.mapping[refusal.nest]
    terms = tuple(_TERMS[refusal.resource](network, n, m, refusal.nest))
    rest = refusal.demand - sum(term.total for term in terms)
    if rest < 0:  # the mapping is another one: a mapping further on had room that this one lacks
        return ()
    return (*terms, Term("other", rest)) if rest else terms


def _head_of(network: Network, nest: int) -> Network:
    """The network up to a nest."""
    end = nest + 1
    return replace(
        network,
        layer_names=network.layer_names[:end],
        nests=network.nests[:end],
        recipes=network.recipes[:end],
    )


def _granted(head: Network, accelerator: Accelerator, refusal: DoesNotFit) -> Compiled | None:
    """The network on the design with whatever it lacks."""
    for _ in range(_GRANTS):
        if refusal.resource not in _TERMS:  # nothing that a design could be granted
            return None
        try:
            field = {f"{refusal.resource}_bytes": refusal.demand}
            accelerator = replace(accelerator, **field)  # type: ignore[arg-type]  # an int field
            return compile_network(head, accelerator)
        except DoesNotFit as further:
            refusal = further
        except ValueError:  # nothing buildable has so much
            return None
    return None


def _core_memory(_: Network, n: Ints, m: Ints, __: int) -> Iterator[Term]:
    if m[Map.SPARSE]:
        yield Term("a tile of records, counts and non-zeros", int(m[Map.TILE_BYTES]))
        return
    channels, inputs, taps = int(m[Map.TILE_CHANNELS]), int(m[Map.TILE_INPUTS]), int(n[Nest.TAPS])
    if n[Nest.WEIGHTS]:
        shape = f"{channels} channels of a group of lanes x {inputs} inputs x {taps} taps"
        yield Term("weights", channels * inputs * taps, 1, shape)
        yield Term("records", RECORD_BYTES, channels, "one a channel")
    if n[Nest.TABLE_BYTES]:
        yield Term("table or record", int(n[Nest.TABLE_BYTES]))


def _pe_memory(network: Network, n: Ints, m: Ints, nest: int) -> Iterator[Term]:
    for block in nest_blocks(n, m, network.tensor_names, nest):
        if block.bytes:
            piece = block.bytes // block.buffers
            yield Term(f"{block.kind}, '{block.name}'", piece, block.buffers, _shape(n, m, block))


def _shape(n: Ints, m: Ints, block: Block) -> str:
    """Rows, columns and channels of a tile."""
    rows, columns = int(m[Map.TILE_ROWS]), int(m[Map.PE_COLUMNS])
    if block.kind is Kind.RESULT:
        return f"{rows} rows x {columns} columns x {int(m[Map.PE_CHANNELS])} channels"
    if block.kind is Kind.SUMS:
        return f"{rows} rows x {columns} columns, 4 B a sum"
    if block.kind is Kind.SOURCE and block.bytes == block.buffers * m[Map.SOURCE_BYTES]:
        read = int(read_rows(n, rows)), int(read_columns(n, m)), int(source_channels(n, m))
        return f"{read[0]} rows x {read[1]} columns x {read[2]} channels"
    return "with margins and all images" if block.kind is Kind.TENSOR else ""


def _instruction_memory(_: Network, n: Ints, m: Ints, __: int) -> Iterator[Term]:
    opcode = Opcode(int(n[Nest.OPCODE]))
    tiles, rows = int(tiles_of(m)), int(m[Map.ROW_TILES])
    shape = f"{tiles} tiles of parameters x {rows} tiles of rows"
    computes = Term(opcode.name, int(BYTES_OF[opcode]), tiles * rows, shape)
    yield computes
    yield Term("loads, moves and stores", int(m[Map.INSTRUCTION_BYTES]) - computes.total)


_TERMS = {
    Resource.CORE_MEMORY.name.lower(): _core_memory,
    Resource.PE_MEMORY.name.lower(): _pe_memory,
    Resource.INSTRUCTION_MEMORY.name.lower(): _instruction_memory,
}
