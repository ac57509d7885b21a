"""Files that are no networks, or no longer: each is refused with one sentence."""

import random
import re
import resource
import shutil
import struct
import time
import tracemalloc

import numpy as np
import pytest

from apollo.workloads.tflite import import_tflite, reader
from apollo.workloads.tflite.file import read
from apollo.workloads.tflite.flatbuffer import DamagedError, Table
from tests.workloads.tflite.write import Graph, Writer, encoded
from tests.workloads.wild import wild


def small() -> Graph:
    """A convolution, a reshape and a fully connected layer."""
    graph = Graph()
    image = graph.given(1, 4, 4, 2)
    weight, bias = graph.stored(np.ones((3, 2, 2, 2), np.float32)), graph.stored(np.ones(3, "f4"))
    inner, flat = graph.tensor(1, 4, 4, 3), graph.tensor(1, 48)
    shape = graph.stored(np.array([1, 48], np.int32))
    graph.outputs = [graph.tensor(1, 5)]
    graph.node("CONV_2D", [image, weight, bias], [inner], {1: ("i32", 1), 2: ("i32", 1)})
    graph.node("RESHAPE", [inner, shape], [flat])
    matrix = graph.stored(np.ones((5, 48), np.float32))
    return graph.node("FULLY_CONNECTED", [flat, matrix, -1], graph.outputs)


def refusal(path, **options) -> str:
    with pytest.raises(ValueError, match=r"\.$") as caught:
        import_tflite(path, **options)
    text = str(caught.value)
    assert "\n" not in text
    assert repr(str(path)) in text
    return text.replace(repr(str(path)), "PATH")


def test_the_small_network_is_sound(tmp_path) -> None:
    assert import_tflite(small().write(tmp_path / "net.tflite")).graph.macs == 48 * 8 + 5 * 48


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "File PATH cannot be read (it is empty)."),
        (b"hello", "File PATH is not a TensorFlow Lite file of version 3."),
        (b"once upon a time " * 99, "File PATH is not a TensorFlow Lite file of version 3."),
        (
            b"\x1c\0\0\0TFL2" + bytes(64),
            "File PATH is not a TensorFlow Lite file of version 3: its version is 'TFL2'.",
        ),
        (b"\x1c\0\0\0TFL3", "File PATH is damaged: byte 28 is wanted of 8."),
        (
            b"\xff\xff\xff\xffTFL3" + bytes(64),
            "File PATH is damaged: byte 4,294,967,295 is wanted of 72.",
        ),
        (b"\x08\0\0\0TFL3" + bytes(64), "File PATH is damaged: there is no table at byte 8."),
    ],
)
def test_what_is_no_file_of_this_kind(tmp_path, data, sentence) -> None:
    path = tmp_path / "net.tflite"
    path.write_bytes(data)
    assert refusal(path) == sentence


def test_a_missing_file_and_a_folder(tmp_path) -> None:
    assert refusal(tmp_path / "no.tflite") == "There is no file PATH."
    assert refusal(tmp_path) == "There is no file PATH."


def test_another_version(tmp_path) -> None:
    path = small().write(tmp_path / "net.tflite", version=9)
    assert refusal(path) == "File PATH is damaged: it says that its version is 9, not 3."


def test_no_operators(tmp_path) -> None:
    graph = Graph()
    graph.outputs = [graph.given(1, 2)]
    assert (
        refusal(graph.write(tmp_path / "a.tflite"))
        == "File PATH is damaged: it holds no operators."
    )


def test_a_file_that_ends_early(tmp_path) -> None:
    data = encoded([small()])
    path = tmp_path / "net.tflite"
    for size in range(0, len(data), 7):
        path.write_bytes(data[:size])
        refusal(path)


def change(edit) -> Graph:
    graph = small()
    edit(graph)
    return graph


@pytest.mark.parametrize(
    ("edit", "sentence"),
    [
        (
            lambda g: setattr(g.tensors[1], "data", b"1234"),
            "tensor 1 ('t1') of shape (3, 2, 2, 2) must not have 4 bytes (61.5% of the MACs)",
        ),
        (
            lambda g: setattr(g.tensors[0], "shape", (1, 4, 4, 0)),
            "Tensor 't0' must have positive dimensions, not (1, 0, 4, 4)",
        ),
        (
            lambda g: setattr(g.tensors[3], "shape", (1, 4, 4, 4)),
            "CONV_2D of node 0 ('t3') must yield shape (1, 4, 4, 3), and the file says "
            "(1, 4, 4, 4) (",
        ),
        (
            lambda g: g.nodes.reverse(),
            "FULLY_CONNECTED of node 0 ('t6') reads tensor 't4' before it is produced",
        ),
        (
            lambda g: g.nodes.append(("RELU", [6], [3], {}, b"")),
            "RELU of node 3 ('t3') writes tensor 3, which is already written (0.0% of the MACs)",
        ),
        (
            lambda g: g.nodes.__setitem__(2, ("SVDF", [4, 7, -1], [6], {}, b"")),
            "operator SVDF of node 2 ('t6') is not supported (38.6% of the MACs)",
        ),
        (
            lambda g: g.nodes.__setitem__(2, ("Mystery", [4], [6], {}, b"")),
            "custom operator Mystery of node 2 ('t6') is not supported "
            "(its share of the MACs is not known)",
        ),
        (
            lambda g: g.nodes.__setitem__(2, ("WHILE", [4], [6], {}, b"")),
            "operator WHILE of node 2 ('t6') is not supported (its share of the MACs is not known)",
        ),
        (lambda g: g.inputs.clear(), "the network has no input"),
        (lambda g: setattr(g, "outputs", [1]), "output 't1' is not computed"),
        (lambda g: setattr(g, "outputs", [0]), "no output depends on an input by an operator"),
    ],
)
def test_networks_that_cannot_be(tmp_path, edit, sentence) -> None:
    path = change(edit).write(tmp_path / "net.tflite")
    assert refusal(path).startswith(f"Cannot import PATH: {sentence}")


def test_a_cycle(tmp_path) -> None:
    graph = Graph()
    image = graph.given(1, 4)
    first, second = graph.tensor(1, 4), graph.tensor(1, 4)
    graph.node("ADD", [image, second], [first]).node("RELU", [first], [second])
    graph.outputs = [second]
    assert refusal(graph.write(tmp_path / "net.tflite")).startswith(
        "Cannot import PATH: ADD of node 0 ('t1') reads tensor 't2' before it is produced"
    )


def test_wrong_arguments(tmp_path) -> None:
    path = small().write(tmp_path / "net.tflite")
    assert refusal(path, shapes={"x": (1, 2)}) == (
        "Cannot import PATH: there is no input 'x' (inputs: t0)."
    )
    assert refusal(path, shapes={"t0": (1, 2)}) == (
        "Cannot import PATH: input 't0' must have 4 dimensions, not (1, 2)."
    )
    assert refusal(path, batch=0) == (
        "Cannot import PATH: Batch must be a positive integer, not 0."
    )
    assert "reshape" in refusal(path, shapes={"t0": (1, 8, 8, 2)}).lower()


def tables(path) -> list[int]:
    """Places of a file that hold no large stored values."""
    file = read(path)
    data = bytearray(b"x" * len(file.data))
    for graph in file.graphs:
        for start, count in (tensor.span for tensor in graph.tensors if tensor.span):
            if count > 64:
                data[start : start + count] = bytes(count)
    return [place for place, mark in enumerate(data[:-4]) if mark]


def flipped(data: bytes, places: list[int], seed: int) -> bytes:
    """A few bytes changed; now and then a word set to something extreme."""
    source, changed = random.Random(seed), bytearray(data)
    for _ in range(source.randint(1, 4)):
        place = source.choice(places)
        if source.random() < 0.4:
            words = [0, 1, -1, 1 << 31, (1 << 31) - 1, len(data), source.getrandbits(32)]
            changed[place : place + 4] = struct.pack("<I", source.choice(words) & 0xFFFFFFFF)
        else:
            changed[place] = source.getrandbits(8)
    return bytes(changed)


@pytest.fixture
def bare(monkeypatch):
    """Errors of Python's own come through: every damage must be foreseen by a check."""
    monkeypatch.setattr(reader, "UNEXPECTED", ())


def outcome(path) -> str:
    """The sentence by which a file is refused, if it is; what it stores is read, too."""
    sentence = ""
    try:
        model = import_tflite(path)
        for constant in model.constants.values():
            _ = constant.values
    except ValueError as error:
        sentence = str(error)
    return sentence


def survive(path, seeds) -> int:
    """Import damaged copies: all that may happen is one sentence."""
    data, places, refused = path.read_bytes(), tables(path), 0
    damaged = path.with_suffix(".damaged")
    for seed in seeds:
        damaged.write_bytes(flipped(data, places, seed))
        sentence = outcome(damaged)
        refused += sentence != ""
        assert re.fullmatch(r"|[^\n]{10,3000}\.", sentence), f"{seed}: {sentence}"
    return refused


def copied(name, folder):
    """A found file, where damaged ones can be put beside it."""
    return shutil.copy(wild(name), folder / "net.tflite")


@pytest.mark.usefixtures("bare")
def test_random_damage_to_a_small_file(tmp_path) -> None:
    assert survive(small().write(tmp_path / "net.tflite"), range(2500)) > 1000


@pytest.mark.usefixtures("bare")
@pytest.mark.parametrize("name", ["okay_nabu", "hey_rhasspy"])
def test_random_damage_to_the_tables_of_a_found_file(tmp_path, name) -> None:
    assert survive(copied(name, tmp_path), range(250)) > 50


@pytest.mark.slow
@pytest.mark.usefixtures("bare")
@pytest.mark.parametrize("name", ["okay_nabu", "face_detection_full_range_sparse", "hand_recrop"])
def test_much_random_damage(tmp_path, name) -> None:
    assert survive(copied(name, tmp_path), range(1500)) > 300


def test_tables_that_are_named_again_and_again_do_not_add_up(tmp_path) -> None:
    """Any number replaced by a large one, with room behind it for as many entries."""
    data = encoded([small()])
    path = tmp_path / "net.tflite"
    path.write_bytes(data + bytes(8 << 20))
    assert import_tflite(path).graph.macs  # what lies behind the tables is not looked at
    for place in range(8, len(data), 16):
        changed = bytearray(data)
        changed[place : place + 4] = struct.pack("<I", 1 << 21)
        path.write_bytes(bytes(changed) + bytes(8 << 20))
        assert outcome(path)[-1:] in ("", ".")


def test_a_large_file_is_imported_at_once_and_not_copied(tmp_path) -> None:
    graph = Graph()
    rows = graph.given(1, 5000)
    weights = [np.full((5000, 5000), i, np.float32) for i in range(1, 3)]
    for weight in weights:
        out = graph.tensor(1, 5000)
        graph.node("FULLY_CONNECTED", [rows, graph.stored(weight), -1], [out])
        rows = out
    graph.outputs = [rows]
    path = graph.write(tmp_path / "net.tflite")
    size = path.stat().st_size
    assert size > 190e6
    del weights, weight
    graph.tensors.clear()
    tracemalloc.start()
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
    model = import_tflite(path)
    values = [constant.values for constant in model.constants.values()]
    assert time.perf_counter() - start < 2
    assert tracemalloc.get_traced_memory()[1] < size / 10
    tracemalloc.stop()
    assert [value[7, 7] for value in values] == [1, 2]
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 <= 3 * size


def test_entries_that_are_named_too_often_are_not_read() -> None:
    writer = Writer()
    inner = writer.table({0: ("at", writer.text("x" * 4000))})
    writer.builder.Finish(writer.table({0: ("at", writer.tables([inner] * 30_000))}))
    tables = Table.root(bytes(writer.builder.Output())).tables(0, 1 << 15)
    with pytest.raises(DamagedError, match=r"^its tables name the same entries too often$"):
        _ = [table.text(0) for table in tables]


def test_long_names_are_shortened_in_messages(tmp_path) -> None:
    graph = small()
    graph.tensors[1].name, graph.tensors[1].data = "weights" * 500, b"1"
    assert len(refusal(graph.write(tmp_path / "net.tflite"))) < 400
