"""Layers on ZigZag (`zigzag-dse` on PyPI), run by a Python that has it: see `beside.py`.

Reads a JSON list of layers from standard input, prints one of `[name, CPU seconds, cycles]`; begins
no layer when the CPU seconds of its argument are over. The
package's own TPU-like example with an array of 16 x 16, temporal mappings searched by LOMA with the
package's usual limit, for latency.
"""

import json
import logging
import os
import pathlib
import sys
import tempfile
import time

import yaml
import zigzag
from zigzag.api import get_hardware_performance_zigzag

INPUTS = pathlib.Path(zigzag.__file__).parent / "inputs"
SIDE = 16


def write_machine() -> tuple[str, str]:
    """The example's hardware and mapping with a smaller array; their files."""
    hardware = yaml.safe_load((INPUTS / "hardware" / "tpu_like.yaml").read_text("utf-8"))
    hardware["operational_array"]["sizes"] = [SIDE, SIDE]
    mapping = yaml.safe_load((INPUTS / "mapping" / "tpu_like.yaml").read_text("utf-8"))[:1]
    mapping[0]["spatial_mapping"] = {"D1": [f"K, {SIDE}"], "D2": [f"C, {SIDE}"]}
    for name, content in (("hardware.yaml", hardware), ("mapping.yaml", mapping)):
        pathlib.Path(name).write_text(yaml.safe_dump(content, sort_keys=False), "utf-8")
    return "hardware.yaml", "mapping.yaml"


def workload_of(layer: dict[str, int]) -> list[dict[str, object]]:
    """The layer in the package's notation."""
    sizes = {
        "B": 1,
        "G": layer["groups"],
        "K": layer["out_channels"] // layer["groups"],
        "C": layer["in_channels"] // layer["groups"],
        "OY": layer["out_height"],
        "OX": layer["out_width"],
        "FY": layer["kernel"],
        "FX": layer["kernel"],
    }
    group = "[g]" if layer["groups"] > 1 else ""
    if not group:
        del sizes["G"]
    stride = layer["stride"]
    return [
        {
            "id": 0,
            "name": layer["name"],
            "operator_type": "Conv",
            "equation": f"O[b]{group}[k][oy][ox]+=W{group}[k][c][fy][fx]*I[b]{group}[c][iy][ix]",
            "dimension_relations": [f"ix={stride}*ox+1*fx", f"iy={stride}*oy+1*fy"],
            "loop_dims": [*sizes],
            "loop_sizes": [*sizes.values()],
            "operand_precision": {"W": 8, "I": 8, "O": 16, "O_final": 8},
            "operand_source": {"W": 0, "I": 0},
        }
    ]


def main() -> None:
    """Every layer by itself."""
    layers, results = json.load(sys.stdin), []
    os.chdir(tempfile.mkdtemp())
    hardware, mapping = write_machine()
    logging.disable(logging.CRITICAL)
    for layer in layers:
        begin = time.process_time()
        if begin > float(sys.argv[1]):
            break
        _, cycles, _ = get_hardware_performance_zigzag(
            workload_of(layer), hardware, mapping, dump_folder="out", loma_show_progress_bar=False
        )
        results.append([layer["name"], time.process_time() - begin, int(cycles)])
    print(json.dumps(results))


if __name__ == "__main__":
    main()
