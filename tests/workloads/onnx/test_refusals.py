"""What cannot be imported is said in one sentence, with the node and its share of the work."""

import random as chance
import re

import numpy as np
import onnx
import pytest
from onnx import TensorProto

from apollo.workloads import load
from apollo.workloads.onnx import import_onnx, import_onnx_model
from tests.workloads.onnx.build import floats, integers, random
from tests.workloads.test_onnx_classifiers import light

IMAGE = (1, 3, 8, 8)


def single(kind, inputs=("x",), **attributes):
    return lambda net: net.node(kind, list(inputs), ["y"], **attributes)


NONE, UNKNOWN = "0.0% of the MACs", "its share of the MACs is not known"
WRONG = [
    (
        IMAGE,
        single("Det"),
        f"operator 'Det' of node 'the_Det' is not supported ({NONE}).",
    ),
    (
        IMAGE,
        single("Relu", domain="com.example"),
        f"operator 'Relu' of 'com.example' of node 'the_Relu' is not supported ({UNKNOWN}).",
    ),
    (
        (1, 3, "height", 8),
        single("Relu"),
        "input 'x' must be given a shape, as x=1,3,1,8, because its dimension 2 is 'height'.",
    ),
    (
        (1, 3, 8, None),
        single("Relu"),
        "input 'x' must be given a shape, as x=1,3,8,1, because its dimension 3 is 'unknown'.",
    ),
    (
        IMAGE,
        lambda net: net.node("Relu", ["x"], ["w"]).node("Conv", ["x", "w"], ["y"]),
        None,
    ),
    (
        IMAGE,
        single("MaxPool", kernel_shape=[3, 3], dilations=[2, 2]),
        f"MaxPool of node 'the_MaxPool' must not be dilated, as by (2, 2) ({NONE}).",
    ),
    (
        IMAGE,
        lambda net: (
            net.node("MaxPool", ["x"], ["a", "where"], kernel_shape=[8, 8])
            .node("Cast", ["where"], ["b"], to=TensorProto.FLOAT)
            .node("Add", ["a", "b"], ["y"])
        ),
        f"MaxPool of node 'the_MaxPool' must not have its output number 1 ('where') read ({NONE}).",
    ),
    (
        IMAGE,
        lambda net: net.weight("w", floats(4, 3, 3)).node("Conv", ["x", "w"], ["y"]),
        "Conv of node 'the_Conv' must have weights of as many dimensions as its input, "
        f"not (4, 3, 3) ({UNKNOWN}).",
    ),
    (
        (1, 8),
        lambda net: net.weight("s", integers(3, 3)).node("Reshape", ["x", "s"], ["y"]),
        f"Reshape 'the_Reshape': (3, 3) must have the 8 elements of (1, 8) ({NONE}).",
    ),
]


@pytest.mark.parametrize(("shape", "make", "reason"), WRONG)
def test_what_is_not_supported_is_refused_in_a_sentence(net, shape, make, reason):
    made = net(shape)
    make(made)
    path = made.write()
    with pytest.raises(ValueError, match="Cannot import") as caught:
        import_onnx(path)
    if reason is not None:
        assert str(caught.value) == f"Cannot import {str(path)!r}: {reason}"
    assert "\n" not in str(caught.value)


def einsum(net):
    made = net((2, 4)).weight("w", random(4, 6)).node("MatMul", ["x", "w"], ["a"])
    made.weight("v", random(6, 3)).node("Einsum", ["a", "v"], ["b"], equation="ij,jk->ik")
    return made.weight("u", random(3, 2)).node("Gemm", ["b", "u"], ["y"]).write()


def test_the_share_of_the_work_is_stated(net):
    path = einsum(net)
    text = "operator 'Einsum' of node 'the_Einsum' is not supported (37.5% of the MACs)."
    with pytest.raises(ValueError, match=re.escape(text)):
        import_onnx(path)


def test_the_rest_is_kept_where_that_is_wanted(net):
    model = import_onnx_model(einsum(net), partial=True)
    assert [item.label for item in model.graph.operators] == ["FullyConnected"] * 2
    assert model.graph.inputs == ("x", "b")
    assert set(model.graph.outputs) == {"a", "y"}
    (left,) = model.left_out
    assert (left.name, left.kind, left.macs) == ("the_Einsum", "Einsum", 36)


def test_nothing_is_left_of_a_network_of_unknown_operators(net):
    path = net((1, 3)).node("Strange", ["x"], ["y"], domain="com.example").write()
    with pytest.raises(ValueError, match="no output depends on an input by an operator"):
        import_onnx_model(path, partial=True)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"shapes": {"z": (1,)}}, "there is no input 'z' (inputs: x)."),
        ({"values": {"z": 1}}, "there is no input 'z' (inputs: x)."),
        ({"shapes": {"x": (1, 4)}}, "input 'x' must have shape (?, 3), not (1, 4)."),
        ({"shapes": {"x": (0, 3)}}, "input 'x' must have shape (?, 3), not (0, 3)."),
        ({"shapes": {"x": (3,)}}, "input 'x' must have shape (?, 3), not (3,)."),
        ({"batch": 0}, "batch must be a positive integer, not 0."),
        ({"values": {"x": floats(1, 3)}}, "the network has no input."),
    ],
)
def test_shapes_and_values_that_do_not_fit(net, options, reason):
    path = net(("n", 3)).node("Relu", ["x"], ["y"]).write()
    with pytest.raises(ValueError, match=re.escape(reason)):
        import_onnx(path, **options)


def test_a_missing_file(tmp_path):
    path = str(tmp_path / "none.onnx")
    with pytest.raises(ValueError, match=f"^There is no file {re.escape(repr(path))}\\.$"):
        load(path)


@pytest.mark.parametrize(
    "content",
    [b"", b"# Not a network\n", b"\x00" * 64, b"\x08\x07", light("vgg19").read_bytes()[:999]],
)
def test_a_file_that_is_no_network(tmp_path, content):
    path = tmp_path / "bad.onnx"
    path.write_bytes(content)
    start = f"^File {re.escape(repr(str(path)))} is not an ONNX file"
    with pytest.raises(ValueError, match=start):
        load(path)


def test_a_file_larger_than_any_model(tmp_path):
    path = tmp_path / "huge.onnx"
    with path.open("wb") as file:
        file.truncate(3 << 30)
    with pytest.raises(ValueError, match=r"is not an ONNX file: it has more than 2 GiB\.$"):
        load(path)


@pytest.mark.parametrize("name", ["squeezenet", "shufflenet", "densenet121"])
def test_a_damaged_file_is_refused_and_nothing_else_happens(tmp_path, name):
    generator, path = chance.Random(0), tmp_path / "damaged.onnx"
    sound = light(name).read_bytes()
    for _ in range(60):
        damaged = bytearray(sound)
        for _ in range(3):
            damaged[generator.randrange(len(damaged))] = generator.randrange(256)
        path.write_bytes(damaged)
        try:
            import_onnx(path)
        except ValueError as error:
            assert "\n" not in str(error)  # noqa: PT017 - damage may also go unnoticed


def test_cycles_and_unknown_versions(net):
    made = net((1, 3)).node("Add", ["x", "b"], ["a"]).node("Relu", ["a"], ["b"])
    path = made.node("Relu", ["b"], ["y"]).write()
    with pytest.raises(ValueError, match=r"the model is not valid .*topologically sorted"):
        import_onnx(path)
    for opset, reason in ((99, "must be in 7..{}, not 99"), (3, "must be in 7..{}, not 3")):
        path = net((1, 3), opset=opset).node("Relu", ["x"], ["y"]).write()
        newest = onnx.defs.onnx_opset_version()
        with pytest.raises(ValueError, match=re.escape(reason.format(newest))):
            import_onnx(path)


def test_constants_that_would_not_fit_into_memory(net):
    made = net((1, 3)).weight("size", integers(1 << 20, 1 << 20))
    made.node("ConstantOfShape", ["size"], ["huge"]).node("ReduceSum", ["huge"], ["s"], keepdims=0)
    path = made.node("Add", ["x", "s"], ["y"]).write()
    with pytest.raises(ValueError, match="must not have 1,099,511,627,776 elements"):
        import_onnx(path)


def test_weights_whose_bytes_are_not_those_of_their_shape(net):
    made = net((1, 3)).weight("w", floats(3, 4)).node("MatMul", ["x", "w"], ["y"])
    model = made.model()
    model.graph.initializer[0].raw_data = b"123"
    model.graph.initializer[0].dims[0] = 3
    onnx.save(model, made.path)
    with pytest.raises(ValueError, match="Cannot import"):
        import_onnx(made.path)


def external(net, **changes):
    """A network whose only weight of 3 x 4 is in another file."""
    made = net((1, 3)).node("MatMul", ["x", "w"], ["y"])
    model = made.model()
    weight = TensorProto(name="w", data_type=1, dims=[3, 4], data_location=TensorProto.EXTERNAL)
    for key, value in ({"location": "w.bin", "offset": "8", "length": "48"} | changes).items():
        weight.external_data.add(key=key, value=value)
    model.graph.initializer.append(weight)
    made.path.with_name("w.bin").write_bytes(bytes(8) + np.arange(12, dtype=np.float32).tobytes())
    onnx.save(model, made.path)
    return made.path


def test_external_data_is_read_when_it_is_wanted(net):
    path = external(net)
    model = import_onnx_model(path)
    assert model.constant("the_MatMul", "weight").values.T.tolist() == [
        [0, 1, 2, 3],
        [4, 5, 6, 7],
        [8, 9, 10, 11],
    ]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"location": "../w.bin"}, "must be in the folder of the model, not in '../w.bin'"),
        ({"location": "/etc/passwd"}, "must be in the folder of the model, not in '/etc/passwd'"),
        ({"location": ""}, "must be in the folder of the model, not in ''"),
        ({"location": "none.bin"}, "and there is no such file"),
        ({"offset": "16"}, "needs 48 bytes at 16 of 'w.bin', which has 56 bytes (48 stated)"),
        ({"length": "40"}, "needs 48 bytes at 8 of 'w.bin', which has 56 bytes (40 stated)"),
        ({"offset": "-1"}, "needs 48 bytes at -1 of 'w.bin'"),
        ({"offset": "many"}, "has an offset or length that is no number"),
    ],
)
def test_external_data_elsewhere_or_too_short_is_refused(net, changes, reason):
    path = external(net, **changes)
    with pytest.raises(ValueError, match=re.escape(reason)):
        import_onnx(path)
