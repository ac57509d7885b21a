import numpy as np

from apollo.arch.isa import Opcode
from apollo.compiler.kernels.parameters import tile_bytes
from apollo.compiler.tables import Map


def test_the_rest_has_room_for_two_tiles(compiled_networks):
    some = 0
    for compiled in compiled_networks:
        mapping, nests = compiled.mapping, compiled.network.nests
        is_resident = mapping[:, Map.RESIDENT] == 1
        some += is_resident.any() and not is_resident.all()
        ring = compiled.accelerator.core_memory_bytes
        owns = mapping[:, Map.OWNER] == np.arange(len(mapping))
        ring -= int(mapping[is_resident & owns, Map.CORE_BYTES].sum())
        tiles = [
            tile_bytes(n, int(m[Map.TILE_CHANNELS]), int(m[Map.TILE_INPUTS]), True)
            for n, m in zip(nests, mapping, strict=True)
            if not m[Map.RESIDENT]
        ]
        assert ring >= (2 if is_resident.any() else 1) * max(tiles, default=0)
    assert some


def test_a_following_inference_loads_what_is_not_resident(compiled_networks):
    for compiled in compiled_networks:
        cold, warm = (
            sorted(p.layer[p.opcode == Opcode.LOAD_PARAMETERS].tolist())
            for p in (compiled.cold, compiled.warm)
        )
        assert warm == [layer for layer in cold if not compiled.mapping[layer, Map.RESIDENT]]
        assert compiled.has_residents == (cold != warm)
        resident = compiled.mapping[:, Map.RESIDENT] == 1
        resident &= compiled.mapping[:, Map.OWNER] == np.arange(len(resident))
        assert all(cold.count(layer) == 1 for layer in resident.nonzero()[0].tolist())
