"""What a program computes: it is run on arrays, and so defines every opcode (M21-M32)."""

from apollo.simulator.functional.machine import Machine
from apollo.simulator.functional.order import refuse_races
from apollo.simulator.functional.run import execute

__all__ = ["Machine", "execute", "refuse_races"]
