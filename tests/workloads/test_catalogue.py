import pytest

from apollo.workloads import NETWORKS, listing, load
from apollo.workloads.catalogue import find
from apollo.workloads.models.family import Published


@pytest.mark.parametrize(
    ("name", "canonical", "resolution"),
    [
        ("mobilenet_v1", "mobilenet_v1", 224),
        ("mobilenet_v1_1.0", "mobilenet_v1", 224),
        ("mobilenet_v1_1.0_224", "mobilenet_v1", 224),
        ("mobilenet_v1_0.75", "mobilenet_v1_0.75", 224),
        ("mobilenet_v1_0.75_192", "mobilenet_v1_0.75_192", 192),
        ("mobilenet_v2_1.0_96", "mobilenet_v2_1.0_96", 96),
        ("mobilenet_v3_large_1.0_224", "mobilenet_v3_large", 224),
        ("mobilenet_v3_large_minimalistic", "mobilenet_v3_large_minimalistic", 224),
        ("efficientnet_lite4", "efficientnet_lite4", 300),
        ("unet_572", "unet", 572),
        ("unet_128", "unet_128", 128),
    ],
)
def test_a_network_has_one_name_however_it_is_asked_for(name, canonical, resolution):
    graph = load(name)
    assert graph.name == canonical
    assert graph.tensor("image").shape[2:] == (resolution, resolution)


def test_a_batch_of_images():
    assert load("mobilenet_v1", batch=8).macs == 8 * load("mobilenet_v1").macs


def test_a_matrix_product():
    graph = load("gemm:128x256x64")
    assert graph.tensor("input").shape == (128, 256)
    assert graph.tensor("output").shape == (128, 64)
    assert (graph.macs, graph.parameters) == (128 * 256 * 64, 256 * 64)
    assert graph.batch == 1
    two = load("gemm:128x256x64", batch=2)
    assert two.tensor("output").shape == (256, 64)
    assert (two.batch, two.macs) == (2, 2 * graph.macs)


def test_a_single_convolution():
    graph = load("conv:57x56x64x128x3x2", batch=2)
    assert graph.tensor("input").shape == (2, 64, 57, 56)
    assert graph.tensor("output").shape == (2, 128, 29, 28)
    assert graph.parameters == 64 * 128 * 9


def test_the_listing_has_every_variant_with_its_figures():
    variants = {variant.name: variant for variant in listing()}
    assert len(variants) == len(listing())
    assert {variant.family for variant in variants.values()} == set(NETWORKS)
    assert sum(variant.family == "mobilenet_v2" for variant in variants.values()) == 30
    for variant in (variants["mobilenet_v1"], variants["mobilenet_v2_0.35_96"]):
        graph = load(variant.name)
        assert (variant.macs, variant.parameters) == (graph.macs, graph.parameters)
    assert variants["mobilenet_v1"].published == Published(569, 4.24)
    assert variants["mobilenet_v1"].counted_parameters == 4_243_945
    assert variants["mobilenet_v2_1.4_96"].published is None


KNOWN = (
    "`apollo workloads` lists them; also gemm:MxKxN, conv:HxWxCIxCOxKxS, "
    "or a path ending in .onnx or .tflite"
)
GEMM = "must have the form gemm:MxKxN with integers in 1..65536, for example gemm:128x256x64."
CONV = (
    "must have the form conv:HxWxCIxCOxKxS with integers in 1..65536, "
    "for example conv:56x56x64x128x3x1."
)
WRONG = [
    (
        "mobilnet_v1",
        f"There is no network 'mobilnet_v1' ({KNOWN}). Did you mean 'mobilenet_v1'?",
    ),
    (
        "mobilenet_v2-0.5-96",
        f"There is no network 'mobilenet_v2-0.5-96' ({KNOWN}). Did you mean 'mobilenet_v2_0.5_96'?",
    ),
    ("", f"There is no network '' ({KNOWN})."),
    (
        "mobilenet_v1_0.6",
        "Width of network 'mobilenet_v1_0.6' must be one of 0.25, 0.5, 0.75, 1.0, not 0.6.",
    ),
    (
        "mobilenet_v1_1.0_200",
        "Resolution of network 'mobilenet_v1_1.0_200' must be one of 128, 160, 192, 224, not 200.",
    ),
    ("unet_300", "Resolution of network 'unet_300' must be one of 128, 256, 512, 572, not 300."),
    (
        "rnnt_utterance_33",
        "Frames of network 'rnnt_utterance_33' must be in 2..4000 in steps of 2, not 33.",
    ),
    ("nmt_0", "Tokens of network 'nmt_0' must be in 1..512, not 0."),
    (
        "resnet50_0.5",
        f"There is no network 'resnet50_0.5' ({KNOWN}). Did you mean 'resnet50'?",
    ),
    ("gemm:12x", f"Network 'gemm:12x' {GEMM}"),
    ("gemm:0x1x1", f"Network 'gemm:0x1x1' {GEMM}"),
    ("gemm:1x1x65537", f"Network 'gemm:1x1x65537' {GEMM}"),
    ("conv:1x1x1", f"Network 'conv:1x1x1' {CONV}"),
    ("missing.onnx", "There is no file 'missing.onnx'."),
]


@pytest.mark.parametrize(("name", "sentence"), WRONG)
def test_an_unknown_name_is_refused_in_a_sentence(name, sentence):
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the whole text is compared
        load(name)
    assert str(caught.value) == sentence


@pytest.mark.parametrize("batch", [0, 2.5, "2", True])
def test_a_batch_must_be_a_positive_integer(batch):
    with pytest.raises(ValueError, match=f"^Batch must be a positive integer, not {batch!r}\\.$"):
        load("gemm:1x1x1", batch=batch)


MEMBERS = [member for entry in NETWORKS.values() for member in entry.members]


@pytest.mark.parametrize("entry", NETWORKS.values(), ids=lambda entry: entry.name)
def test_every_network_is_found_by_name_and_takes_another_batch(entry):
    member = entry.members[-1]
    graph = load(member.name)
    assert graph.name == member.name
    assert graph.batch == 1
    three = load(member.name, batch=3)
    assert (three.batch, three.macs) == (3, 3 * graph.macs)
    assert three.parameters == graph.parameters
    leading = {tensor.shape[0] for tensor in three.tensors}
    assert leading == {3}


def test_names_are_unique_and_lead_to_their_own_network():
    assert len({member.name for member in MEMBERS}) == len(MEMBERS)
    for member in MEMBERS:
        assert find(member.name).name == member.name
