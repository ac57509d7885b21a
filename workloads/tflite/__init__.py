"""Import of networks in the format of TensorFlow Lite."""

from apollo.workloads.tflite.reader import SUPPORTED, import_tflite

__all__ = ["SUPPORTED", "import_tflite"]
