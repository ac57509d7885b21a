"""Export of models to the ONNX format, so that others can run what we mean."""

from apollo.workloads.onnx.export.model import to_onnx

__all__ = ["to_onnx"]
