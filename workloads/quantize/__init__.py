"""From real numbers to integers: generated weights, calibration, and the rules of every tensor."""

from apollo.workloads.quantize.fold import fold
from apollo.workloads.quantize.generate import generate
from apollo.workloads.quantize.quantize import quantize

__all__ = ["fold", "generate", "quantize"]
