import numpy as np

from apollo.compiler.tables import Map, Nest, Split
from tests.compiler.checks import split_counts


def rows(compiled_networks):
    for compiled in compiled_networks:
        for n, m in zip(compiled.network.nests, compiled.mapping, strict=True):
            yield compiled.accelerator, n, m


def test_parts_cover_the_nest_and_no_more_than_rounding(compiled_networks):
    for design, n, m in rows(compiled_networks):
        pes = split_counts(design, m)
        divides_channels = m[Map.SPLIT_CORES] == Split.CHANNELS
        owners = pes[Split.CHANNELS] * (design.cores if divides_channels else 1)
        for whole, parts, part in (
            (n[Nest.ROWS], pes[Split.ROWS], m[Map.PE_ROWS]),
            (n[Nest.COLUMNS], pes[Split.COLUMNS], m[Map.PE_COLUMNS]),
            (n[Nest.CHANNELS] * n[Nest.GROUPS], owners, m[Map.CORE_CHANNELS] * m[Map.PE_GROUPS]),
            (m[Map.PE_ROWS], m[Map.ROW_TILES], m[Map.TILE_ROWS]),
            (m[Map.CORE_CHANNELS], m[Map.CHANNEL_TILES], m[Map.TILE_CHANNELS]),
            (n[Nest.IN_CHANNELS], m[Map.INPUT_TILES], m[Map.TILE_INPUTS]),
        ):
            assert part >= 1
            assert part * parts >= whole
        # Alignment to the steps of later windows at most doubles a part.
        for whole, parts, part in (
            (n[Nest.ROWS], pes[Split.ROWS], m[Map.PE_ROWS]),
            (n[Nest.COLUMNS], pes[Split.COLUMNS], m[Map.PE_COLUMNS]),
        ):
            assert part <= 2 * -(-whole // parts)


def test_channels_that_belong_together_stay_together(compiled_networks):
    for _, n, m in rows(compiled_networks):
        if n[Nest.WHOLE_CHANNELS]:
            assert Split.CHANNELS not in m[[Map.SPLIT_X, Map.SPLIT_Y]].tolist()


def test_sizes_are_neither_negative_nor_beyond_the_design(compiled_networks):
    for compiled in compiled_networks:
        mapping, design = compiled.mapping, compiled.accelerator
        assert mapping.min() >= 0
        assert mapping[:, Map.INSTRUCTION_BYTES].max() <= design.instruction_memory_bytes
        own = mapping[:, Map.OWNER] == np.arange(len(mapping))  # others find them there
        kept = mapping[(mapping[:, Map.RESIDENT] == 1) & own, Map.CORE_BYTES].sum()
        assert kept <= design.core_memory_bytes
        blocks = [Map.SOURCE_BYTES, Map.SECOND_BYTES, Map.DESTINATION_BYTES, Map.PARTIAL_BYTES]
        assert mapping[:, blocks].max() <= design.pe_memory_bytes
