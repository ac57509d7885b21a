"""Layers on SCALE-Sim (`scalesim` on PyPI), run by a Python that has it: see `beside.py`.

Reads a JSON list of layers from standard input, prints one of `[name, CPU seconds, cycles]`; begins
no layer when the CPU seconds of its argument are over. A
16 x 16 weight-stationary array with 64 kB for each operand; a depthwise layer is a run for each of
its channels, as the package does it.
"""

import contextlib
import io
import json
import os
import sys
import tempfile
import time

from scalesim.scale_sim import scalesim

CONFIGURATION = """
[general]
run_name = run
[run_presets]
InterfaceBandwidth = CALC
UseRamulatorTrace = False
[architecture_presets]
ArrayHeight = 16
ArrayWidth = 16
IfmapSramSzkB = 64
FilterSramSzkB = 64
OfmapSramSzkB = 64
IfmapOffset = 0
FilterOffset = 10000000
OfmapOffset = 20000000
Dataflow = ws
Bandwidth = 10
ReadRequestBuffer = 64
WriteRequestBuffer = 64
[layout]
IfmapCustomLayout = False
IfmapSRAMBankBandwidth = 10
IfmapSRAMBankNum = 10
IfmapSRAMBankPort = 2
FilterCustomLayout = False
FilterSRAMBankBandwidth = 10
FilterSRAMBankNum = 10
FilterSRAMBankPort = 2
[sparsity]
SparsitySupport = false
SparseRep = ellpack_block
OptimizedMapping = false
BlockSize = 8
RandomNumberGeneratorSeed = 40
"""
LAYOUT_NUMBERS = 30  # read, but not used


def write(name: str, text: str) -> str:
    """A file in the working folder; its name."""
    with open(name, "w", encoding="utf-8") as file:
        file.write(text)
    return name


def simulate(layer: dict[str, int]) -> int:
    """Cycles of a layer."""
    name = "DP" if layer["groups"] > 1 else "layer"  # DP: depthwise
    filters = 1 if layer["groups"] > 1 else layer["out_channels"]
    row = (name, layer["height"], layer["width"], layer["kernel"], layer["kernel"])
    row += (layer["in_channels"], filters, layer["stride"])
    topology = "Layer, H, W, FH, FW, C, N, S, Sparsity,\n" + ",".join(map(str, row)) + ",1:1,\n"
    layouts = [f"{name},{'1,' * LAYOUT_NUMBERS}"] * (layer["groups"] if layer["groups"] > 1 else 1)
    run = scalesim(
        save_disk_space=True,
        verbose=False,
        config=write("scale.cfg", CONFIGURATION),
        topology=write("topology.csv", topology),
        layout=write("layout.csv", "Layer,\n" + "\n".join(layouts) + "\n"),
    )
    run.run_scale(top_path=os.getcwd())
    parts = run.runner.single_layer_sim_object_list
    return sum(int(part.get_compute_report_items()[0]) for part in parts)


def main() -> None:
    """Every layer by itself."""
    results = []
    layers = json.load(sys.stdin)
    os.chdir(tempfile.mkdtemp())
    for layer in layers:
        begin = time.process_time()
        if begin > float(sys.argv[1]):
            break
        with contextlib.redirect_stdout(io.StringIO()):  # progress bars and warnings
            cycles = simulate(layer)
        results.append([layer["name"], time.process_time() - begin, cycles])
    print(json.dumps(results))


if __name__ == "__main__":
    main()
