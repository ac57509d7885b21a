"""What a quantised network means: every operator on NumPy integers, one after the other.

The compiler and the simulator are held against this; it shares no function with either. The rules
are those of docs/machine.md (M26 to M30), and what each operator makes of them is in
docs/quantization.md.
"""

from apollo.workloads.integer.arithmetic import fixed_point
from apollo.workloads.integer.run import run

__all__ = ["fixed_point", "run"]
