"""What values the tensors of a network take: seen by ONNX Runtime on samples."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import onnx
from onnx import helper

from apollo.workloads.indices import index_tensors
from apollo.workloads.model import Model, Values
from apollo.workloads.onnx.export import to_onnx

Sample = Mapping[str, Values]
Ranges = dict[str, tuple[float, float]]
DEFAULT_SAMPLES = 4


def synthetic(model: Model, seed: int, count: int = DEFAULT_SAMPLES) -> list[dict[str, Values]]:
    """Samples of normally distributed numbers; indices are drawn from all rows of their table."""
    generator = np.random.default_rng(seed)
    rows = index_tensors(model.graph)
    samples = []
    for _ in range(count):
        sample: dict[str, Values] = {}
        for name in model.graph.inputs:
            shape = model.graph.tensor(name).shape
            if name in rows:
                sample[name] = generator.integers(0, rows[name], shape)
            else:
                sample[name] = generator.normal(0, 1, shape).astype(np.float32)
        samples.append(sample)
    return samples


def check(model: Model, samples: Sequence[Sample]) -> None:
    """Refuse samples that do not fit the inputs."""
    if not samples:
        raise ValueError("Calibration must have at least one sample.")
    for sample in samples:
        for name in model.graph.inputs:
            shape = model.graph.tensor(name).shape
            if name not in sample:
                raise ValueError(f"A calibration sample must have input {name!r}.")
            if np.shape(sample[name]) != shape:
                raise ValueError(
                    f"A calibration sample must have shape {shape} for input {name!r}, "
                    f"not {np.shape(sample[name])}."
                )


def run_float(model: Model, samples: Sequence[Sample]) -> Iterator[dict[str, Values]]:
    """Every tensor of the network for every sample, as ONNX Runtime computes it."""
    exported = to_onnx(model)
    given = {item.name for item in exported.graph.output} | {*model.graph.inputs}
    for tensor in model.graph.tensors:
        if tensor.name not in given:
            exported.graph.output.append(helper.make_empty_tensor_value_info(tensor.name))
    session = _session(exported)
    names = [item.name for item in session.get_outputs()]
    for sample in samples:
        feeds = {name: sample[name] for name in model.graph.inputs}
        found = dict(zip(names, session.run(names, feeds), strict=True))
        yield {**feeds, **found}


def _session(exported: onnx.ModelProto):  # type: ignore[no-untyped-def]
    """A session without graph optimisations, on the processor."""
    import onnxruntime  # here, because it is slow to import

    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(
        exported.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )


def observe(model: Model, samples: Sequence[Sample]) -> Ranges:
    """Least and greatest value of every tensor."""
    ranges: Ranges = {}
    for tensors in run_float(model, samples):
        for name, values in tensors.items():
            low, high = ranges.get(name, (np.inf, -np.inf))
            ranges[name] = (min(low, float(np.min(values))), max(high, float(np.max(values))))
    for name, (low, high) in ranges.items():
        if not np.isfinite(low) or not np.isfinite(high):
            raise ValueError(f"Tensor {name!r} has values that are no finite numbers.")
    return ranges
