"""What is imported computes the same as the file: both run by ONNX Runtime, the one exported."""

import numpy as np
import pytest
from onnx import TensorProto, helper

from apollo.workloads.onnx import import_onnx_model
from apollo.workloads.onnx.export import to_onnx
from tests.workloads.onnx.build import floats, integers, random, run_all, session

IMAGE = (2, 4, 6, 8)
CUTS = ([1, -5], [99, -1], [2, 3], [2, 1])


def same(path, shape, tolerance=1e-5, **options):
    """Import, export, and compare every tensor that has the same name in both."""
    feeds = {"x": random(*shape)}
    model = import_onnx_model(path, **options)
    ours, theirs = run_all(to_onnx(model), feeds), run_all(path, feeds)
    common = [name for name in theirs if name in ours]
    assert "y" in common or len(common) == 0
    for name in common:
        assert ours[name].shape == (theirs[name].shape or (1,))
        np.testing.assert_allclose(ours[name].ravel(), theirs[name].ravel(), atol=tolerance)
    outputs = session(to_onnx(model)).run(None, feeds)
    expected = session(path).run(None, feeds)
    for mine, given in zip(outputs, expected, strict=True):
        np.testing.assert_allclose(mine.ravel(), given.ravel(), atol=tolerance)
    return model


def one(kind, *weights, **attributes):
    """A net of one node, weights by position."""

    def make(net):
        names = ["x"]
        for index, values in enumerate(weights):
            if values is None:
                names.append("")
                continue
            net.weight(f"w{index}", values)
            names.append(f"w{index}")
        return net.node(kind, names, ["y"], **attributes)

    return make


CASES = {
    "grouped": (IMAGE, one("Conv", random(6, 2, 3, 3), random(6), group=2, pads=[1, 0, 2, 1])),
    "dilated": (IMAGE, one("Conv", random(3, 4, 2, 2), dilations=[2, 3], strides=[1, 2])),
    "depthwise": (IMAGE, one("Conv", random(4, 1, 3, 3), group=4, auto_pad="SAME_UPPER")),
    "sequence": ((2, 4, 9), one("Conv", random(5, 4, 3), random(5), pads=[1, 1], strides=[2])),
    "transposed": (
        IMAGE,
        one(
            "ConvTranspose",
            random(4, 3, 3, 3),
            random(3),
            strides=[2, 2],
            pads=[1, 1, 0, 1],
            output_padding=[1, 0],
        ),
    ),
    "transposed groups": (
        IMAGE,
        one("ConvTranspose", random(4, 2, 2, 2), group=2, strides=[2, 2], dilations=[1, 2]),
    ),
    "transposed same": (
        IMAGE,
        one("ConvTranspose", random(4, 2, 3, 3), strides=[2, 2], auto_pad="SAME_UPPER"),
    ),
    "gemm": ((3, 5), one("Gemm", random(5, 4), random(4), alpha=0.5, beta=2.0)),
    "gemm scalar bias": ((3, 5), one("Gemm", random(4, 5), random(1), transB=1)),
    "matmul of images": ((2, 3, 4, 5), one("MatMul", random(5, 6))),
    "matmul of vectors": ((2, 3, 5), one("MatMul", random(1, 5, 6))),
    "batch norm": (
        IMAGE,
        one("BatchNormalization", random(4), random(4), random(4), abs(random(4)) + 1),
    ),
    "layer norm": ((2, 3, 8), one("LayerNormalization", random(8), random(8), axis=-1)),
    "prelu": (IMAGE, one("PRelu", random(4, 1, 1))),
    "softmax": (IMAGE, one("Softmax", axis=2)),
    "local response": (IMAGE, one("LRN", size=3)),
    "pool": (IMAGE, one("AveragePool", kernel_shape=[3, 2], pads=[1, 0, 1, 1], strides=[2, 2])),
    "resize": (
        IMAGE,
        one("Resize", None, np.array([1, 1, 2, 2], np.float32), mode="linear"),
    ),
    "resize nearest": (
        IMAGE,
        one(
            "Resize",
            None,
            None,
            integers(2, 4, 9, 4),
            mode="nearest",
            coordinate_transformation_mode="asymmetric",
            nearest_mode="floor",
        ),
    ),
    "pad": (IMAGE, one("Pad", integers(0, 0, 1, 2, 0, 0, 0, 1), np.float32(0.5))),
    "reflect": ((2, 3, 7), one("Pad", integers(0, 0, 2, 0, 0, 3), mode="reflect")),
    "slice": (
        IMAGE,
        one("Slice", *map(np.array, CUTS)),
    ),
    "gather": (IMAGE, one("Gather", integers(3, 1), axis=1)),
    "gather one": (IMAGE, one("Gather", np.array(-1), axis=2)),
    "expand": ((2, 1, 3), one("Expand", integers(4, 2, 5, 3))),
    "tile": ((2, 3), one("Tile", integers(2, 3))),
    "power": ((2, 3), one("Pow", np.float32(2))),
    "transposed blocks": ((1, 8, 2, 3), one("DepthToSpace", blocksize=2, mode="CRD")),
    "sum": (IMAGE, one("ReduceSum", integers(1, 3), keepdims=0)),
    "mean": (IMAGE, one("ReduceMean", axes=[2, 3], keepdims=0)),
    "largest": (IMAGE, one("ReduceMax", axes=[-1])),
}


@pytest.mark.parametrize(("shape", "make"), CASES.values(), ids=CASES)
def test_an_operator_computes_the_same(net, shape, make):
    same(make(net(shape)).write(), shape)


def test_weights_of_half_precision(net):
    made = net(IMAGE).weight("half", random(3, 4, 1, 1).astype(np.float16))
    made.node("Cast", ["half"], ["w"], to=TensorProto.FLOAT)
    same(made.node("Conv", ["x", "w"], ["y"]).write(), IMAGE)


@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
@pytest.mark.parametrize("direction", ["forward", "bidirectional"])
@pytest.mark.parametrize("after", [0, 1])
def test_recurrent_layers(net, kind, direction, after):
    units, inputs, both = 3, 5, 1 + (direction == "bidirectional")
    gates = 4 if kind == "LSTM" else 3
    made = net((7, 2, inputs))
    made.weight("w", random(both, gates * units, inputs)).weight(
        "r", random(both, gates * units, units, seed=1)
    )
    made.weight("b", random(both, 2 * gates * units, seed=2))
    extra = {"linear_before_reset": after} if kind == "GRU" else {}
    made.node(
        kind, ["x", "w", "r", "b"], ["all", "last"], hidden_size=units, direction=direction, **extra
    )
    made.node("Transpose", ["all"], ["turned"], perm=[1, 0, 2, 3])
    made.weight("shape", integers(2, 7 * both * units)).node(
        "Reshape", ["turned", "shape"], ["flat"]
    )
    made.node("Transpose", ["last"], ["swapped"], perm=[1, 0, 2])
    made.weight("small", integers(2, both * units)).node("Reshape", ["swapped", "small"], ["end"])
    made.node("Concat", ["flat", "end"], ["y"], axis=1)
    model = same(made.write(), (7, 2, inputs))
    assert model.graph.macs == both * 7 * 2 * gates * units * (inputs + units)


def test_states_that_are_given_and_taken(net):
    made = net((1, 2, 3)).weight("w", random(1, 16, 3)).weight("r", random(1, 16, 4))
    made.input("h", (1, 2, 4)).input("c", (1, 2, 4))
    made.node("LSTM", ["x", "w", "r", "", "", "h", "c"], ["", "a", "b"], hidden_size=4)
    path = made.node("Add", ["a", "b"], ["y"]).write()
    feeds = {"x": random(1, 2, 3), "h": random(1, 2, 4, seed=3), "c": random(1, 2, 4, seed=4)}
    exported = to_onnx(import_onnx_model(path))
    np.testing.assert_allclose(
        session(exported).run(None, feeds)[0], session(path).run(None, feeds)[0], atol=1e-6
    )


def test_attention_with_activations_on_both_sides(net):
    made = net((2, 6, 8)).weight("w", random(8, 24)).weight("scale", np.float32(0.35))
    made.node("MatMul", ["x", "w"], ["joined"]).node("Split", ["joined"], ["q", "k", "v"], axis=2)
    made.node("Transpose", ["k"], ["turned"], perm=[0, 2, 1])
    made.node("MatMul", ["q", "turned"], ["scores"]).node("Mul", ["scores", "scale"], ["scaled"])
    made.node("Softmax", ["scaled"], ["shares"], axis=-1)
    model = same(made.node("MatMul", ["shares", "v"], ["y"]).write(), (2, 6, 8))
    assert model.graph.macs == 2 * (6 * 8 * 24 + 2 * 6 * 6 * 8)


@pytest.mark.parametrize(("flag", "labels"), [(True, ["Unary relu"]), (False, ["Unary tanh"])])
def test_an_if_on_a_constant_is_the_branch_taken(net, flag, labels):
    made = net((1, 3)).weight("flag", np.array(flag))
    branches = [
        helper.make_graph(
            [helper.make_node(kind, ["x"], [f"y_{kind}"])],
            kind,
            [],
            [helper.make_tensor_value_info(f"y_{kind}", TensorProto.FLOAT, None)],
        )
        for kind in ("Relu", "Tanh")
    ]
    made.node("If", ["flag"], ["y"], then_branch=branches[0], else_branch=branches[1])
    model = same(made.write(), (1, 3))
    assert [item.label for item in model.graph.operators] == labels


def test_an_input_that_decides_must_be_given_a_value(net):
    made = net((1, 3)).input("rate", (), TensorProto.INT64).weight("wide", np.array(16000))
    branch = [
        helper.make_graph(
            [helper.make_node(kind, ["x"], [kind])],
            kind,
            [],
            [helper.make_tensor_value_info(kind, TensorProto.FLOAT, None)],
        )
        for kind in ("Relu", "Tanh")
    ]
    made.node("Equal", ["rate", "wide"], ["flag"])
    path = made.node("If", ["flag"], ["y"], then_branch=branch[0], else_branch=branch[1]).write()
    graph = import_onnx_model(path, values={"rate": 8000}).graph
    assert [item.label for item in graph.operators] == ["Unary tanh"]
    with pytest.raises(ValueError, match="operator 'Equal' of node 'the_Equal' is not supported"):
        import_onnx_model(path)


def test_functions_of_a_model_are_taken_apart(net):
    twice = helper.make_function(
        "local",
        "Twice",
        ["a"],
        ["b"],
        [helper.make_node("Relu", ["a"], ["c"]), helper.make_node("Add", ["c", "a"], ["b"])],
        [helper.make_opsetid("", 17)],
    )
    path = net((1, 3)).node("Twice", ["x"], ["y"], domain="local").write(functions=[twice])
    labels = [item.label for item in import_onnx_model(path).graph.operators]
    assert labels == ["Unary relu", "Binary add"]


@pytest.mark.parametrize("opset", range(9, 22))
def test_a_small_network_of_every_version(net, opset):
    made = net(("n", 3, 8, 8), opset=opset).weight("w", random(4, 3, 3, 3)).weight("b", random(4))
    made.node("Conv", ["x", "w", "b"], ["a"], strides=[2, 2]).node("Relu", ["a"], ["c"])
    made.node("Shape", ["c"], ["shape"]).weight("zero", integers(0)).weight("rest", integers(-1))
    made.node("Gather", ["shape", "zero"], ["n"]).node("Concat", ["n", "rest"], ["to"], axis=0)
    made.node("Reshape", ["c", "to"], ["flat"]).weight("m", random(36, 5))
    made.node("MatMul", ["flat", "m"], ["t"])
    same(made.node("Softmax", ["t"], ["y"], axis=1).write(), (2, 3, 8, 8), batch=2)


def test_weights_in_constant_nodes_and_sparse_ones(net):
    made = net((1, 200)).node(
        "Constant", [], ["w"], value=helper.make_tensor("", 1, (200, 400), random(200, 400).ravel())
    )
    model = made.node("MatMul", ["x", "w"], ["y"]).model()
    import onnx

    onnx.save(model, made.path)
    assert same(made.path, (1, 200), 1e-4).graph.macs == 80_000
    values = helper.make_tensor("w", 1, (2,), [3.0, 4.0])
    places = helper.make_tensor("at", 7, (2,), [1, 5])
    sparse = net((1, 3)).node("MatMul", ["x", "w"], ["y"])
    model = sparse.model()
    model.graph.sparse_initializer.append(helper.make_sparse_tensor(values, places, [3, 2]))
    onnx.save(model, sparse.path)
    (weight,) = import_onnx_model(sparse.path).constants.values()
    assert weight.values.T.tolist() == [[0, 3], [0, 0], [0, 4]]


def test_free_dimensions_are_bound_by_name(net):
    made = net(("n", "c", 4)).input("z", ("n", "c", 1))
    path = made.node("Add", ["x", "z"], ["y"]).write()
    graph = import_onnx_model(path, shapes={"x": (3, 5, 4)}).graph
    assert graph.tensor("z").shape == (3, 5, 1)
    assert graph.batch == 1


def test_a_constant_of_large_operands_is_computed_when_it_is_wanted(net):
    big = random(300, 400)
    made = net((1, 400)).weight("w", big).weight("scale", np.float32(2))
    made.node("Mul", ["w", "scale"], ["scaled"]).node("Transpose", ["scaled"], ["t"])
    model = import_onnx_model(made.node("MatMul", ["x", "t"], ["y"]).write())
    (weight,) = model.constants.values()
    np.testing.assert_allclose(weight.values, 2 * big)
    assert floats(1).dtype == weight.values.dtype
