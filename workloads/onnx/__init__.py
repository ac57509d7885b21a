"""Import of networks in the ONNX format."""

from apollo.workloads.onnx.reader import SUPPORTED, import_onnx, import_onnx_model

__all__ = ["SUPPORTED", "import_onnx", "import_onnx_model"]
