import numpy as np
import pytest
from networks import branched

from apollo.arch.accelerator import load_design
from apollo.compiler.lower import lower
from apollo.search.measure import measure_graph
from apollo.search.placement.codesign.cut import sub_network
from apollo.search.placement.codesign.meter import Meter
from apollo.search.placement.codesign.nests import operators_of
from apollo.search.placement.codesign.units import units_of
from apollo.workloads.catalogue import load
from apollo.workloads.graph import GraphBuilder, Tensor
from apollo.workloads.operators import Convolution, Softmax

BRANCHED = branched()
LEFT = ("left", "left/norm", "left/relu")


def test_what_others_write_is_an_input_and_what_others_read_an_output() -> None:
    part = sub_network(BRANCHED, ("right", "right/relu", "add"))
    assert part.inputs == ("image", "left/relu")
    assert part.outputs == ("right/relu", "add")  # an output of the whole, and read by the rest
    assert [item.name for item in part.operators] == ["right", "right/relu", "add"]
    assert part.batch == 1


def test_parts_have_the_work_of_the_whole() -> None:
    network = load("mobilenet_v2_0.35_96").with_batch(2)
    names = [item.name for item in network.operators]
    for at in (1, 40, len(names) - 1):
        parts = sub_network(network, names[:at]), sub_network(network, names[at:])
        assert sum(part.macs for part in parts) == network.macs
        assert {*parts[0].outputs} == {*parts[1].inputs} - {*network.inputs}
        assert [part.batch for part in parts] == [2, 2]


def test_the_whole_is_itself() -> None:
    for network in (BRANCHED, load("rnnt")):
        whole = sub_network(network, [item.name for item in network.operators])
        assert (whole.inputs, whole.macs) == (network.inputs, network.macs)
        assert {*whole.outputs} == {*network.outputs}


def test_what_cannot_be_cut_out_says_so() -> None:
    with pytest.raises(ValueError, match=r"^Network 'branched' has no operator 'no' to cut out\.$"):
        sub_network(BRANCHED, ["no"])
    with pytest.raises(ValueError, match=r"^Network 'branched': nobody reads what no operators"):
        sub_network(BRANCHED, [])
    with pytest.raises(ValueError, match="'left/norm' must come after the producer of 'left'"):
        sub_network(BRANCHED, ["left/norm", "left"])
    with pytest.raises(ValueError, match="there are 2 operators named 'left'"):
        sub_network(BRANCHED, ["left", "left"])


def test_what_rides_and_what_is_a_view_is_never_cut_off() -> None:
    units = units_of(BRANCHED)
    assert units.names == (LEFT, ("right", "right/relu"), ("add",), ("flat", "dense"))
    # The image comes from outside; `right/relu` is an output, but read behind the second cut only.
    sixteen = 16 * 8 * 8
    assert units.cut_bytes.tolist() == [0, sixteen, 2 * sixteen, sixteen, 0]


def test_units_are_all_operators_in_an_order_that_runs() -> None:
    for name in ("rnnt", "ssd_mobilenet_v2", "nmt", "crnn"):
        network = load(name)
        units = units_of(network)
        everything = units.operators(0, len(units.names))
        assert sorted(everything) == sorted(item.name for item in network.operators)
        sub_network(network, everything)  # refuses what comes too soon
        assert (units.cut_bytes[1:-1] > 0).all() or name == "rnnt"


def test_an_operator_that_becomes_several_is_one_unit() -> None:
    builder = GraphBuilder("attended", [Tensor("scores", (1, 4, 6, 8))])
    builder.add(Convolution("mix", ("scores",), "mix", 4, (1, 1)))
    builder.add(Softmax("softmax", ("mix",), "weights", 2))
    network = builder.build(["weights"])
    layers = lower(network).layer_names
    assert any(layer not in ("mix", "softmax") for layer in layers)
    assert {*operators_of(network, layers)} == {"mix", "softmax"}
    assert units_of(network).names == (("mix",), ("softmax",))
    design = load_design("edge_tpu_v3")
    cycles = Meter(network).cycles(("mix", "softmax"), design)
    assert all(cycles.values())
    assert sum(cycles.values()) == measure_graph(network, design).metrics.warm_cycles


def test_what_a_cut_moves_is_as_wide_as_the_machine_stores_it() -> None:
    units = units_of(load("rnnt"))
    # Behind the first layer: both frames of 640 features; its states stay where it runs.
    assert units.names[0] == ("encoder1",)
    assert units.cut_bytes[1] == 2 * 640
    widths = {name: units.width_bytes[name] for name in ("encoder1/memory", "encoder1/out")}
    assert widths == {"encoder1/memory": 2, "encoder1/out": 1}
    assert np.array_equal(units.cut_bytes[[0, -1]], [0, 0])
