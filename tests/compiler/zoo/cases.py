"""The networks that are executed, as models of integers."""

from dataclasses import dataclass
from functools import cache

from apollo.workloads.catalogue import load, load_model
from apollo.workloads.model import Model
from apollo.workloads.quantize import quantize
from apollo.workloads.sparsity import Masks, masks_of, prune
from tests.compiler.checks import LIGHT
from tests.compiler.zoo.reduced import REDUCED, reduced
from tests.workloads.wild import ENTRIES, wild

# Those with an @ are built smaller.
CLASSIFIERS = (
    "mobilenet_v1_0.25_128",
    "mobilenet_v2_0.35_96",
    "mobilenet_v3_small_0.75_128",
    "mobilenet_v3_large_0.75_128",
    "mobilenet_v3_small_minimalistic@96",
    "mobilenet_edgetpu@96",
    "efficientnet_lite0@96",
    "resnet50@64",
)
# One of every architecture.
ARCHITECTURES = (
    *CLASSIFIERS,
    "inception_v3@107",
    "unet@64",
    "lraspp_mobilenet_v3@96",
    "ssd_mobilenet_v2@96",
    "crnn@40",
    "rnnt_encoder@256",
    "rnnt_prediction@256",
    "rnnt_joint",
    "lstm_lm@256",
    "nmt@128",
    "transformer_encoder_tiny_16",
    "tpu_mlp0",
    "tpu_lstm0@256",
    "tpu_cnn0@9",
)
# Of the same in other widths, resolutions, depths and lengths, and as they are published; and one
# that comes with the package `onnx`.
VARIANTS = (
    "mobilenet_v1_0.5_160",
    "mobilenet_v1",
    "mobilenet_v2_0.75_160",
    "mobilenet_v2",
    "mobilenet_v3_small",
    "mobilenet_edgetpu_0.75",
    "efficientnet_lite0",
    "efficientnet_lite1@64",
    "efficientnet_lite4@64",
    "transformer_encoder_tiny_4",
    "transformer_encoder_16",
    "rnnt_prediction",
    "crnn",
    "lstm_lm",
    "unet_128",  # its skips are put out even in strips
    "light_inception_v1",
)
SPARSE = "mobilenet_v1_0.25_128%80"  # so many percent of the weights are zeros
# Whole networks of integers, and two of integer weights, whose activations are calibrated here.
THIRD_PARTY = (
    "okay_nabu",
    "hey_jarvis",
    "alexa",
    "hey_mycroft",
    "efficientnet_lite0_int8",
    "tashkeel_int8",
    "voice_embedder_int8",
)
# On fewer designs: programs of so many steps take a minute each.
FEW = (*VARIANTS, "voice_embedder_int8")
SHAPES = {"tashkeel_int8": {"input": (1, 16)}}  # shorter than the table of files has it
NAMES = (*ARCHITECTURES, SPARSE, *THIRD_PARTY, *VARIANTS)


@dataclass(frozen=True)
class Case:
    """A network, its numbers, and its masks if it is stored sparse."""

    model: Model
    masks: Masks | None = None


@dataclass(frozen=True)
class Outcome:
    """What came of a network on a design.

    Attributes:
        state: `equal`, `differs`, `does not fit` or `no lowering`.
        reason: the sentence that says why, where it is not `equal`.

    """

    state: str
    reason: str = ""


@cache
def case_of(name: str) -> Case:
    """The network of that name with random values, or those of its file."""
    if name in ENTRIES:
        shapes = SHAPES.get(name, ENTRIES[name].input_shapes)
        return Case(quantize(load_model(wild(name), shapes=shapes or None)))
    if name in REDUCED:
        return Case(quantize(reduced(name)))
    if name.startswith("light_"):
        return Case(quantize(load(LIGHT / f"{name}.onnx")))
    name, _, percent = name.partition("%")
    model = quantize(load(name))
    if not percent:
        return Case(model)
    pruned = prune(model, int(percent) / 100)
    return Case(pruned, masks_of(pruned))
