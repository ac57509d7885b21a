"""More data than instructions can address is an answer, not a program with wrong addresses."""

import pytest

from apollo.arch.accelerator import load_design
from apollo.compiler.addresses import ADDRESSES
from apollo.compiler.errors import DoesNotFit
from apollo.compiler.memory_map import stored_tensors
from apollo.compiler.pipeline import compile_network
from apollo.compiler.tables import TensorColumn
from tests.compiler.checks import network

V1 = load_design("edge_tpu_v1")


def test_too_much_data_does_not_fit_and_its_terms_add_up():
    with pytest.raises(DoesNotFit) as caught:
        compile_network(network("mobilenet_v1*15000"), V1)
    refusal = caught.value
    assert refusal.resource == "dram_addresses"
    assert refusal.demand > refusal.bound == ADDRESSES
    assert sum(term.total for term in refusal.terms) == refusal.demand


def test_a_tensor_that_stays_on_the_chip_takes_nothing_in_dram():
    compiled = compile_network(network("mobilenet_v1_0.25_128"), V1)
    lowered = compiled.network
    stored = stored_tensors(compiled)
    ends = {
        numbers
        for names in (lowered.inputs, lowered.outputs)
        for numbers in map(lowered.numbers.get, names)
    }
    assert stored == ends
    for tensor in set(range(len(lowered.tensors))) - stored:
        assert compiled.dram[tensor] == compiled.dram_bytes
        assert not lowered.tensors[tensor, TensorColumn.IN_DRAM]
    assert compiled.dram_bytes < 2 * (lowered.parameters * 2 + 128 * 128 * 3 + 1000)
