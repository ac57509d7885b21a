"""A file of 100 MB: seconds, and no more than three times its size in memory."""

import subprocess
import sys

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

COUNT, SIDE = 25, 1000  # layers of a million weights

MEASURE = """
import resource, sys, time
from apollo.workloads.onnx import import_onnx_model
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
start = time.perf_counter()
model = import_onnx_model(sys.argv[1])
assert len(model.constants) == int(sys.argv[2])
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(after - before, time.perf_counter() - start)
"""


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    path = tmp_path_factory.mktemp("large") / "large.onnx"
    nodes = [helper.make_node("MatMul", [f"t{i}", f"w{i}"], [f"t{i + 1}"]) for i in range(COUNT)]
    raw = np.ones((SIDE, SIDE), np.float32).tobytes()
    weights = [
        helper.make_tensor(f"w{i}", TensorProto.FLOAT, (SIDE, SIDE), raw, raw=True)
        for i in range(COUNT)
    ]
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, (1, SIDE))
        for name in ("t0", f"t{COUNT}")
    ]
    graph = helper.make_graph(nodes, "large", ends[:1], ends[1:], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    onnx.save(model, path)
    return path


def test_a_large_file_takes_seconds_and_thrice_its_size(large):
    size = large.stat().st_size
    assert size > 100_000_000
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(large), str(COUNT)],
        capture_output=True,
        text=True,
        check=True,
    )
    kilobytes, seconds = map(float, done.stdout.split())
    assert kilobytes * 1024 <= 3 * size
    assert seconds < 10
