"""ONNX Runtime's static quantisation: which tensors become int8, with what scale and zero point."""

import logging
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import onnx

from apollo.workloads.model import Model
from apollo.workloads.onnx import import_onnx_model
from apollo.workloads.onnx.export import to_onnx
from apollo.workloads.quantization import Quantization
from apollo.workloads.quantize.calibrate import Sample
from apollo.workloads.quantize.rules import clamped

# By which ONNX Runtime recognises that a model needs no preparation.
_PREPARED = ("onnx.quant.pre_process", "onnxruntime.quant")


def quantize_onnx(model: Model, samples: Sequence[Sample]) -> onnx.ModelProto:
    """The model in QDQ form: int8 activations, int8 weights symmetric by channel."""
    from onnxruntime import quantization as runtime  # here, because it is slow to import

    exported = onnx.shape_inference.infer_shapes(to_onnx(model))
    onnx.helper.set_model_props(exported, dict([_PREPARED]))
    with tempfile.TemporaryDirectory() as folder, _quiet():
        path = Path(folder) / "quantized.onnx"
        runtime.quantize_static(
            exported,
            str(path),
            _reader(runtime, samples),
            quant_format=runtime.QuantFormat.QDQ,
            per_channel=True,
            activation_type=runtime.QuantType.QInt8,
            weight_type=runtime.QuantType.QInt8,
            calibrate_method=runtime.CalibrationMethod.MinMax,
        )
        return onnx.load(str(path))


@contextmanager
def _quiet() -> Iterator[None]:
    """Without its remarks on operators that it leaves alone."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)


def _reader(runtime, samples: Sequence[Sample]):  # type: ignore[no-untyped-def]
    """The samples as ONNX Runtime wants them."""

    class Reader(runtime.CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self._left = iter(samples)

        def get_next(self) -> dict[str, object] | None:
            sample = next(self._left, None)
            return None if sample is None else dict(sample)

    return Reader()


def static_rules(model: Model, samples: Sequence[Sample]) -> dict[str, Quantization]:
    """The quantisation of those tensors of the graph that ONNX Runtime quantises.

    What a clamp reads is left out: the two are one operation, in units of the result.
    """
    quantized = quantize_onnx(model, samples)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "quantized.onnx"
        onnx.save(quantized, str(path))
        found = import_onnx_model(path, partial=True).quantization
    tensors = {tensor.name for tensor in model.graph.tensors} - clamped(model.graph)
    return {name: rule for name, rule in found.items() if name in tensors and rule.bits == 8}
