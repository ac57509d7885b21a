"""Import of networks in the ONNX format."""

from apollo.workloads.onnx.reader import SUPPORTED, import_onnx

__all__ = ["SUPPORTED", "import_onnx"]
