"""Networks of the catalogue built smaller: the same layers on smaller images, of fewer units."""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from types import ModuleType
from typing import Any
from unittest.mock import patch

from apollo.workloads.graph import Graph
from apollo.workloads.models import (
    crnn,
    efficientnet_lite,
    inception_v3,
    lraspp,
    lstm_lm,
    mobilenet_edgetpu,
    mobilenet_v3,
    nmt,
    resnet50,
    rnnt,
    ssd_mobilenet_v2,
    tpu_v1,
    unet,
)

_UNITS, _PROJECTION = 256, 96  # of the RNN-T


@dataclass(frozen=True)
class _Smaller:
    """How to build one.

    Attributes:
        module: of the network.
        build: the network of a name.
        sizes: constants of the module that are others while it is built.

    """

    module: ModuleType
    build: Callable[[str], Graph]
    sizes: Mapping[str, Any] = field(default_factory=dict)


def _lite(number: int, resolution: int) -> _Smaller:
    scale = replace(efficientnet_lite.SCALES[number], resolution=resolution)
    build = efficientnet_lite.efficientnet_lite
    return _Smaller(efficientnet_lite, lambda name: build(scale, name))


def _minimalistic(name: str) -> Graph:
    family = next(item for item in mobilenet_v3.FAMILIES if item.name.endswith("minimalistic"))
    return family.build(name, 1.0, 96)


_TRANSDUCER = {
    "FRAME_VALUES": 80,
    "UNITS": _UNITS,
    "PROJECTION": _PROJECTION,
    "STATES": {"hidden": _PROJECTION, "memory": _UNITS},
}
_LABELS = rnnt.GRAPHEMES
_REDUCED = {
    "mobilenet_v3_small_minimalistic@96": _Smaller(mobilenet_v3, _minimalistic),
    "mobilenet_edgetpu@96": _Smaller(
        mobilenet_edgetpu, lambda name: mobilenet_edgetpu.mobilenet_edgetpu(name, 0.75, 96)
    ),
    "efficientnet_lite0@96": _lite(0, 96),
    "efficientnet_lite1@64": _lite(1, 64),
    "efficientnet_lite4@64": _lite(4, 64),
    "resnet50@64": _Smaller(resnet50, resnet50.resnet50, {"RESOLUTION": 64}),
    "inception_v3@107": _Smaller(inception_v3, inception_v3.inception_v3, {"RESOLUTION": 107}),
    "unet@64": _Smaller(
        unet, lambda name: unet.unet(name, 64), {"CHANNELS": (16, 32, 64, 128, 256)}
    ),
    "lraspp_mobilenet_v3@96": _Smaller(
        lraspp, lambda name: lraspp.lraspp_mobilenet_v3(name, 96), {"SIZES": {96: (96, 96)}}
    ),
    "ssd_mobilenet_v2@96": _Smaller(
        ssd_mobilenet_v2, ssd_mobilenet_v2.ssd_mobilenet_v2, {"RESOLUTION": 96}
    ),
    "crnn@40": _Smaller(crnn, lambda name: crnn.crnn(name, 40), {"UNITS": 96}),
    "rnnt_encoder@256": _Smaller(rnnt, rnnt.rnnt_encoder, _TRANSDUCER),
    "rnnt_prediction@256": _Smaller(
        rnnt, lambda name: rnnt.rnnt_prediction(name, _LABELS), _TRANSDUCER
    ),
    "lstm_lm@256": _Smaller(lstm_lm, lstm_lm.lstm_lm, {"UNITS": 256, "WORDS": 1000}),
    "nmt@128": _Smaller(nmt, lambda name: nmt.nmt(name, 3), {"UNITS": 128, "WORDS": 500}),
    "tpu_lstm0@256": _Smaller(
        tpu_v1, tpu_v1.tpu_lstm0, {"LSTM0_FEATURES": 384, "LSTM0_UNITS": 256}
    ),
    "tpu_cnn0@9": _Smaller(tpu_v1, tpu_v1.tpu_cnn0, {"CNN0_BOARD": 9}),
}
REDUCED = tuple(_REDUCED)


def reduced(name: str) -> Graph:
    """The network of that name, `NETWORK@SIZE`."""
    smaller = _REDUCED[name]
    with ExitStack() as stack:
        for constant, value in smaller.sizes.items():
            stack.enter_context(patch.object(smaller.module, constant, value))
        return smaller.build(name)
