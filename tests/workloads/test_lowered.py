"""What the importers make of operators is compiled and executed: the integers of the model."""

import pytest

from apollo.arch.accelerator import load_design
from apollo.compiler.lowerings import LOWERINGS
from apollo.workloads import operators
from apollo.workloads.onnx import import_onnx_model
from apollo.workloads.operators import Operator
from apollo.workloads.quantize import quantize
from apollo.workloads.tflite import import_tflite
from tests.compiler.execution import check
from tests.workloads.onnx import test_values as onnx
from tests.workloads.onnx.build import Net
from tests.workloads.tflite import test_exact_operators as tflite

EDGE = load_design("edge_tpu_v1")


@pytest.mark.parametrize("name", onnx.CASES)
def test_an_operator_of_onnx(tmp_path, name):
    shape, make = onnx.CASES[name]
    path = make(Net(tmp_path / "net.onnx", shape)).write()
    check(quantize(import_onnx_model(path)), EDGE)


@pytest.mark.parametrize("name", tflite.CASES)
def test_an_operator_of_tensorflow_lite(tmp_path, name):
    path = tflite.CASES[name].write(tmp_path / "net.tflite")
    check(quantize(import_tflite(path)), EDGE)


def test_every_operator_has_a_lowering_or_is_the_hosts():
    kinds = [getattr(operators, name) for name in operators.__all__]
    kinds = [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, Operator)]
    assert {kind for kind in kinds if kind not in LOWERINGS} == {
        Operator,
        operators.ArgMax,
        operators.TopK,
    }
