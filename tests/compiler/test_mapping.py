import numpy as np

from apollo.arch.isa import Opcode
from apollo.compiler.tables import Map, Nest, Split
from tests.compiler.checks import check_places, split_counts


def rows(compiled_networks):
    for compiled in compiled_networks:
        for n, m in zip(compiled.network.nests, compiled.mapping, strict=True):
            yield compiled.accelerator, n, m


def test_memory_is_given_once(compiled_networks):
    for compiled in compiled_networks:
        check_places(compiled)


def test_parts_cover_the_nest_and_no_more_than_rounding(compiled_networks):
    for design, n, m in rows(compiled_networks):
        pes = split_counts(design, m)
        divides_channels = m[Map.SPLIT_CORES] == Split.CHANNELS
        owners = pes[Split.CHANNELS] * (design.cores if divides_channels else 1)
        for whole, parts, part in (
            (n[Nest.ROWS], pes[Split.ROWS], m[Map.PE_ROWS]),
            (n[Nest.COLUMNS], pes[Split.COLUMNS], m[Map.PE_COLUMNS]),
            (n[Nest.CHANNELS], owners, m[Map.CORE_CHANNELS]),
            (m[Map.PE_ROWS], m[Map.ROW_TILES], m[Map.TILE_ROWS]),
            (m[Map.CORE_CHANNELS], m[Map.CHANNEL_TILES], m[Map.TILE_CHANNELS]),
            (n[Nest.IN_CHANNELS], m[Map.INPUT_TILES], m[Map.TILE_INPUTS]),
        ):
            assert part >= 1
            assert part * parts >= whole
        for whole, parts, part in (
            (n[Nest.ROWS], pes[Split.ROWS], m[Map.PE_ROWS]),
            (n[Nest.COLUMNS], pes[Split.COLUMNS], m[Map.PE_COLUMNS]),
            (n[Nest.CHANNELS], owners, m[Map.CORE_CHANNELS]),
        ):
            assert (part - 1) * parts < whole


def test_channels_that_belong_together_stay_together(compiled_networks):
    for _, n, m in rows(compiled_networks):
        if n[Nest.WHOLE_CHANNELS]:
            assert Split.CHANNELS not in m[[Map.SPLIT_X, Map.SPLIT_Y, Map.SPLIT_CORES]].tolist()


def test_sizes_are_neither_negative_nor_beyond_the_design(compiled_networks):
    for compiled in compiled_networks:
        mapping, design = compiled.mapping, compiled.accelerator
        assert mapping.min() >= 0
        assert mapping[:, Map.INSTRUCTION_BYTES].max() <= design.instruction_memory_bytes
        kept = mapping[mapping[:, Map.RESIDENT] == 1, Map.CORE_BYTES].sum()
        assert kept <= design.core_memory_bytes
        blocks = [Map.SOURCE_BYTES, Map.SECOND_BYTES, Map.DESTINATION_BYTES, Map.PARTIAL_BYTES]
        assert mapping[:, blocks].max() <= design.pe_memory_bytes


def slices(total, parts):
    """The rows (or columns) of each part that has any."""
    part = -(-total // parts)
    return [range(first, min(total, first + part)) for first in range(0, total, part)]


def test_a_copy_holds_all_that_a_pe_lacks(compiled_networks):
    """Counted element by element from the layouts of producer and reader."""
    checked = 0
    for compiled in compiled_networks:
        nests, tensors = compiled.network.nests, compiled.network.tensors
        homes = {}
        for n, m in zip(nests, compiled.mapping, strict=True):
            pes = split_counts(compiled.accelerator, m)
            whole = pes[Split.CHANNELS] == 1 and n[Nest.OPCODE] != Opcode.COPY
            home = homes.get(int(n[Nest.SOURCE]))
            wanted = n[Nest.IN_CHANNELS] * n[Nest.GROUPS]
            is_view = n[Nest.MIXES_CHANNELS] and wanted != tensors[n[Nest.SOURCE], 2]
            if home is not None and whole and not is_view and m[Map.MOVE_BYTES]:
                lacks, moved = missing(n, pes, home, tensors[n[Nest.SOURCE]])
                if home[0] == m[[Map.SPLIT_X, Map.SPLIT_Y]].tolist():
                    assert m[Map.MOVE_BYTES] == moved
                    assert m[Map.SOURCE_BYTES] >= lacks
                    checked += 1
            if not m[Map.TO_DRAM]:
                homes[int(n[Nest.DESTINATION])] = (m[[Map.SPLIT_X, Map.SPLIT_Y]].tolist(), pes)
    assert checked > 20


def missing(n, pes, home, tensor):
    """Bytes that one PE lacks at most, and all of them together."""
    held = home[1]
    lacks, reads = [], []
    for axis, (first_row, split) in enumerate(
        ((first_source, Split.ROWS), (first_column, Split.COLUMNS))
    ):
        size = int(tensor[axis])
        own = -(-size // held[split])
        total = int(n[Nest.ROWS + axis])
        extent = int(n[Nest.EXTENT_ROWS + axis])
        lacks.append([])
        reads.append([])
        for i, part in enumerate(slices(total, pes[split])):
            first, last = first_row(n, part[0]), first_row(n, part[-1]) + extent
            needed = set(range(max(0, first), min(size, last)))
            reads[axis].append(len(needed))
            lacks[axis].append(len(needed & set(range(i * own, (i + 1) * own))))
    channels = int(tensor[2])
    area = np.outer(*reads) - np.outer(*lacks)
    return int(area.max()) * channels, int(area.sum()) * channels


def first_source(n, row):
    images = row // int(n[Nest.IMAGE_ROWS])
    return int(row * n[Nest.STRIDE_ROWS] + images * n[Nest.SKIP_ROWS] - n[Nest.PAD_ROWS])


def first_column(n, column):
    return int(column * n[Nest.STRIDE_COLUMNS] - n[Nest.PAD_COLUMNS])
