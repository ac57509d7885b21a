from dataclasses import replace

import numpy as np

from apollo.arch.accelerator import load_design
from apollo.arch.isa import Opcode
from apollo.compiler.kernels.parameters import tile_bytes
from apollo.compiler.lower import lower
from apollo.compiler.pipeline import compile_network
from apollo.compiler.tables import Map
from apollo.workloads.graph import GraphBuilder, Tensor
from apollo.workloads.operators import FullyConnected


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


def test_as_many_layers_stay_as_have_room():
    layers = 100
    builder = GraphBuilder("deep", [Tensor("x0", (1, 256))])
    for layer in range(layers):
        builder.add(FullyConnected(f"dense{layer}", (f"x{layer}",), f"x{layer + 1}", 256))
    network = lower(builder.build([f"x{layers}"]))
    # Twice what the layers take together: 256 x 256 weights and 256 records each.
    roomy = replace(load_design("edge_tpu_v1"), core_memory_bytes=256 << 10)
    assert 2 * layers * 256 * (256 + 8) <= roomy.pes * roomy.cores * roomy.core_memory_bytes
    assert compile_network(network, roomy).mapping[:, Map.RESIDENT].sum() == layers
