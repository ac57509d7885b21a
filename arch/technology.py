"""Constants of the technology, each with its source: 7 nm class, 800 MHz.

`docs/technology.md` lists them with their uncertainty. Areas are of synthesised cells and of SRAM
macros in the public ASAP7 kit (Yosys with its 7.5-track cells; OpenROAD's macro outlines).
"""

# Sustained share of the peak: LPDDR4, 8 Gb channels, loses tRFCab / tREFI = 280 ns / 3904 ns = 7.2 %
# to refresh (JESD209-4) and about 3 % to read-write turnaround of long bursts.
DRAM_EFFICIENCY_PERCENT = 90
# PCIe 3: a header of 24 bytes for every payload of 128.
HOST_EFFICIENCY_PERCENT = 84
HOST_LATENCY_NS = 1000  # round trip of a PCIe read
# Public data of accelergy-cacti-plug-in; DDR3 as in TPUv4i's table (1300 pJ per 64 bits).
DRAM_PJ_PER_BIT = {"LPDDR4": 8.0, "DDR3": 20.3, "GDDR5": 14.0, "HBM2": 3.9}
# The nodes that scaling knows (Stillmaker and Baas 2017).
NODES_NM = (130, 90, 65, 45, 32, 28, 22, 20, 16, 14, 12, 10, 7)
# LPDDR4 closed-page read: tRCD 18 ns + read latency 17 ns + burst 8 ns, plus controller, PHY and
# on-chip path of about 60 ns as on mobile chips of the class.
DRAM_LATENCY_NS = 100
# Not published for the template: the power of two above the fastest searched DRAM
# (30 GB/s at 800 MHz is 37.5 bytes a cycle), so that the DRAM and not the bus is the bound.
BUS_BYTES = 64

# Macros of 8 Kib to 256 Kib, single port: 0.0421 to 0.0429 um2 a bit (fakeram7_sp_*).
SRAM_UM2_PER_BIT = 0.0426
# The shallowest macro of the kit: a memory with wider words than its size allows is built of these.
SRAM_LEAST_WORDS = 32
# A core of 8 four-way lanes with accumulators, 1580.05 um2, per lane.
LANE_UM2 = 197.5
# 32-bit multiply, shift, round, clamp; one a lane, as the write rate of M16 needs.
REQUANTISER_UM2 = 577.9
REGISTER_UM2_PER_BIT = 14.93 / 32
ADDER_UM2 = 14.84  # 32 bits
# 2:1 multiplexer, one bit: what register files of 16 and 64 words take beyond their registers,
# (276.07 - 16 * 14.93) / (15 * 32) and (1102.9 - 64 * 14.93) / (63 * 32).
MULTIPLEXER_UM2_PER_BIT = 0.075
# Address and loop counters of 32 bits, a register and an adder each: four nested loops for each of
# three operands in a core; the PE's port and bus sides; five engines of the chip's controller.
CORE_COUNTERS = 12
PE_COUNTERS = 16
CHIP_COUNTERS = 64
# LPDDR4 controller and PHY: about 1.5 mm2 for 32 bits at 17 GB/s in 16 nm, shrunk by 0.6 to 7 nm
# as analogue parts do. From memory, +-50 %.
DRAM_INTERFACE_MM2_PER_GB_PER_S = 0.05
# Clock, reset, test, host interface. An assumption; docs/technology.md shows what depends on it.
FIXED_MM2 = 0.3
