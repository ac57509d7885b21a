"""The networks that are executed, as models of integers."""

from dataclasses import dataclass
from functools import cache

from apollo.workloads.catalogue import load, load_model
from apollo.workloads.model import Model
from apollo.workloads.quantize import quantize
from tests.workloads.wild import wild

BUILT_IN = (
    "mobilenet_v1_0.25_128",
    "mobilenet_v2_0.35_96",
    "mobilenet_v3_small_0.75_128",
    "mobilenet_v3_large_0.75_128",
    "mobilenet_v3_small_minimalistic",
    "mobilenet_edgetpu",
    "efficientnet_lite0",
    "efficientnet_lite1",
    "resnet50",
    "inception_v3",
    "unet_128",
    "lraspp_mobilenet_v3_224",
    "ssd_mobilenet_v2",
    "crnn",
    "rnnt_encoder",
    "rnnt_prediction",
    "rnnt_joint",
    "lstm_lm",
    "nmt_2",
    "transformer_encoder_tiny_4",
    "tpu_mlp0",
    "tpu_lstm0",
    "tpu_cnn0",
)
THIRD_PARTY = ("okay_nabu", "hey_jarvis", "alexa", "hey_mycroft")
NAMES = (*BUILT_IN, *THIRD_PARTY)


@dataclass(frozen=True)
class Outcome:
    """What came of a network on a design.

    Attributes:
        state: `equal`, `does not fit` or `no lowering`.
        reason: the sentence that says why, where it is not `equal`.

    """

    state: str
    reason: str = ""


@cache
def model_of(name: str) -> Model:
    """The network of that name with random values, or those of its file."""
    if name in THIRD_PARTY:
        return quantize(load_model(wild(name)))
    return quantize(load(name))
