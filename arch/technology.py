"""Constants of the technology, each with its source: 7 nm class, 800 MHz."""

from fractions import Fraction

# LPDDR4, 8 Gb channels: refresh takes tRFCab / tREFI = 280 ns / 3904 ns = 7.2 % (JESD209-4);
# about 3 % more goes to read-write turnaround of long bursts.
DRAM_EFFICIENCY = Fraction(9, 10)
# LPDDR4 closed-page read: tRCD 18 ns + read latency 17 ns + burst 8 ns, plus controller, PHY and
# on-chip path of about 60 ns as on mobile chips of the class.
DRAM_LATENCY_NS = 100
# Not published for the template: the power of two above the fastest searched DRAM
# (30 GB/s at 800 MHz is 37.5 bytes a cycle), so that the DRAM and not the bus is the bound.
BUS_BYTES = 64
