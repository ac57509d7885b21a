"""Small layers and small designs on which every mapping can be tried."""

import apollo
from apollo.arch.accelerator import Accelerator, load_design
from apollo.compiler.lower import lower
from apollo.compiler.network import Network
from apollo.workloads.graph import GraphBuilder, Tensor
from apollo.workloads.operators import Convolution

DENSE = (
    "gemm:1x256x500",
    "gemm:4x96x64",
    "gemm:16x128x96",
    "gemm:33x60x130",
    "gemm:64x512x128",
    "conv:14x14x32x64x1x1",
    "conv:7x7x96x160x1x1",
    "conv:12x10x64x24x1x1",
    "conv:28x28x16x32x1x1",
    "conv:8x8x128x128x1x1",
    "conv:14x14x24x48x3x1",
    "conv:28x28x8x16x3x2",
    "conv:32x32x3x24x3x2",
    "conv:7x7x48x48x3x1",
    "conv:9x11x16x40x5x1",
    "conv:16x16x4x12x7x2",
)
DEPTHWISE = ((14, 64, 3, 1), (28, 32, 3, 2), (7, 160, 5, 1), (16, 24, 7, 1))
LAYERS = (*DENSE, *(f"depthwise:{'x'.join(map(str, each))}" for each in DEPTHWISE))

_SMALL = {
    "pes_x": 2,
    "pes_y": 2,
    "lanes": 16,
    "cores": 2,
    "activation_memory_bytes": 1024,
    "instruction_memory_bytes": 16_384,
    "parameter_memory_bytes": 8192,
    "dram_gb_per_s": 10,
}
DESIGNS = (
    Accelerator("roomy", **_SMALL, pe_memory_bytes=16_384, core_memory_bytes=8192),
    Accelerator("tight", **_SMALL, pe_memory_bytes=4096, core_memory_bytes=4096),
    load_design("edge_tpu_v3"),
)


def small_layer(name: str) -> Network:
    """A layer by its name: of the catalogue, or `depthwise:SIZExCHANNELSxKERNELxSTRIDE`."""
    if name in DENSE:
        return lower(apollo.load(name))
    size, channels, kernel, stride = map(int, name.split(":")[1].split("x"))
    builder = GraphBuilder(name, [Tensor("input", (1, channels, size, size))])
    window, step, around = (kernel, kernel), (stride, stride), (kernel // 2,) * 4
    layer = Convolution(
        "conv", ("input",), "output", channels, window, step, around, groups=channels
    )
    return lower(builder.build([builder.add(layer)]))
