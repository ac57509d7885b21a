"""A sample of `python -m tests.compiler.zoo --top1`: the same class first as in other runtimes."""

from apollo.arch.accelerator import load_design
from tests.compiler.zoo.top1 import agreement, agreement_with_interpreter


def test_a_program_puts_the_class_first_that_onnx_runtime_does():
    found = agreement("mobilenet_v1_0.25_128", load_design("edge_tpu_v1"), count=50, executed=2)
    assert found.same >= 0.99 * found.count
    assert found.right > 0.8
    assert found.kinds == 10


def test_a_program_of_a_file_puts_the_class_first_that_its_interpreter_does():
    design = load_design("edge_tpu_v3")
    found = agreement_with_interpreter("efficientnet_lite0_int8", design, count=4, executed=1)
    assert found.same == 4
    assert found.kinds >= 3
    assert found.difference <= 2
