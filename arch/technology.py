"""Constants of the technology, each with its source: 7 nm class unless named otherwise.

`docs/technology.md` lists them with their uncertainty, `arch/data/` holds the published tables, and
`arch/scaling.py` takes each to another node. Areas are of synthesised cells and of SRAM macros in
the public ASAP7 kit (Yosys with its 7.5-track cells; OpenROAD's macro outlines).
"""

# --- Off the chip -------------------------------------------------------------------------------

# Share of the peak that is sustained: LPDDR4, 8 Gb, loses tRFCab / tREFI = 280 ns / 3904 ns = 7.2 %
# to refresh (JESD209-4) and about 3 % to read-write turnaround of long bursts.
DRAM_EFFICIENCY_PERCENT = 90
# PCIe 3: a header of 24 bytes for every payload of 128.
HOST_EFFICIENCY_PERCENT = 84
HOST_LATENCY_NS = 1000  # round trip of a PCIe read
# Public data of accelergy-cacti-plug-in; DDR3 as in TPUv4i's table (1300 pJ per 64 bits).
ON_CHIP = "on_chip"  # a cache or core of the same chip in place of a DRAM or a link
DRAM_PJ_PER_BIT = {"LPDDR4": 8.0, "DDR3": 20.3, "GDDR5": 14.0, "HBM2": 3.9}
# This end of a PCIe link. The transmitter of a Gen4 PHY in 28 nm takes 1.93 pJ/bit with its bias
# and regulators (Bae, Cho and Jeong, Electronics 10(1):68, 2021); receiver with clock recovery, and
# PLL with the link layer, are assumed as large each. No scaling: the line sets voltage and swing.
HOST_PJ_PER_BIT = 3 * 1.93
# What a burst to a cache on the chip reads: the banks of a shared cache of 512 KiB.
ON_CHIP_CACHE_BANK_BYTES = 64 << 10
ON_CHIP_CACHE_WORD_BYTES = 16
# LPDDR4 closed-page read: tRCD 18 ns + read latency 17 ns + burst 8 ns, plus controller, PHY and
# on-chip path of about 60 ns as on mobile chips of the class.
DRAM_LATENCY_NS = 100
# Not published for the template: the power of two above the fastest searched DRAM
# (30 GB/s at 800 MHz is 37.5 bytes a cycle), so that the DRAM and not the bus is the bound.
BUS_BYTES = 64

# --- Scaling ------------------------------------------------------------------------------------

# The nodes that a design may have; 28, 22 and 12 nm are interpolated.
NODES_NM = (130, 90, 65, 45, 32, 28, 22, 20, 16, 14, 12, 10, 7)
# Stillmaker and Baas, Integration 58, 2017: energy of a gate is a2 V^2 + a1 V + a0, and its area is
# the last column, relative to 45 nm (a2, a1, a0, area).
STILLMAKER_BAAS = {
    130: (7.171, -6.709, 2.904, 6.4),
    90: (4.762, -4.781, 2.092, 2.8),
    65: (3.755, -4.398, 1.975, 1.5),
    45: (1.103, -0.362, 0.2767, 1.0),
    32: (0.9559, -0.7823, 0.471, 0.46),
    20: (0.373, -0.1582, 0.04104, 0.21),
    16: (0.2958, -0.1241, 0.03024, 0.19),
    14: (0.2363, -0.09675, 0.02239, 0.17),
    10: (0.2068, -0.09311, 0.02375, 0.10),
    7: (0.1776, -0.09097, 0.02447, 0.059),
}
SCALING_VOLTS = 0.8  # at which their energies are compared
# Published, and a quarter of what the polynomials say (10.6): geometric mean over arithmetic and
# memory of Horowitz's 45 nm (ISSCC 2014) over TPUv4i's 7 nm (ISCA 2021, table 2).
ENERGY_GAIN_45_TO_7 = 2.6

# --- SRAM ---------------------------------------------------------------------------------------

# Macros of 8 Kib to 256 Kib, single port: 0.0421 to 0.0429 um2 a bit (fakeram7_sp_*).
SRAM_UM2_PER_BIT = 0.0426
# The same with two ports, 0.0597 to 0.0604 (fakeram7_dp_*): accumulators read and write in a cycle.
SRAM_TWO_PORTS_UM2_PER_BIT = 0.0602
# The shallowest macro of the kit: a memory with wider words than its size allows is built of these.
SRAM_LEAST_WORDS = 32
# Wider words are macros side by side: the widest word of the sweep below.
SRAM_MOST_WORD_BYTES = 32
# Energy of an access, (b + c word bytes) sqrt(bytes), fitted to a CACTI 7 sweep (2 KiB to 16 MiB,
# words of 8, 16 and 32 B, LSTP cells, 350 K): mean of read and write, whose split CACTI's optimiser
# moves about. 45 nm, where it agrees with Horowitz; docs/technology.md says why not 22 nm.
SRAM_PJ_PER_ROOT_BYTE_45NM = 0.03505
SRAM_PJ_PER_ROOT_BYTE_AND_WORD_BYTE_45NM = 0.007423
# Medians of the same sweep. LSTP, because cells for performance (HP) leak 156 mW/MiB at 22 nm: the
# 32 MiB of an Edge TPU would take 5 W on a chip of 2 W. The nearest node holds beyond.
SRAM_LEAKAGE_MW_PER_MIB = {45: 0.184, 32: 0.224, 22: 0.561}

# --- Area of logic, um2 at 7 nm -----------------------------------------------------------------

# A core of 8 four-way lanes with accumulators, 1580.05 um2, per lane.
LANE_UM2 = 197.5
# 32-bit multiply, shift, round, clamp; one a lane, as the write rate of M16 needs.
REQUANTISER_UM2 = 577.9
REGISTER_UM2_PER_BIT = 14.93 / 32
ADDER_UM2 = 14.84  # 32 bits
# 8-bit multiplier, 32-bit adder and register: a cell of a systolic array without operand registers.
MAC_UM2 = 92.54
# 2:1 multiplexer, one bit: what register files of 16 and 64 words take beyond their registers,
# (276.07 - 16 * 14.93) / (15 * 32) and (1102.9 - 64 * 14.93) / (63 * 32).
MULTIPLEXER_UM2_PER_BIT = 0.075
# Address and loop counters of 32 bits, a register and an adder each: four nested loops for each of
# three operands in a core; the PE's port and bus sides; five engines of the chip's controller.
CORE_COUNTERS = 12
PE_COUNTERS = 16
CHIP_COUNTERS = 64
COUNTER_BITS = 32
# Flip-flops of the same syntheses: 546 in a core of 8 lanes, 105 in a requantiser.
LANE_REGISTER_BITS = 546 / 8
REQUANTISER_REGISTER_BITS = 105
# A systolic cell: an activation of 8 bits and a partial sum of 32 move on in every cycle; the
# weight and the next weight, of 8 bits each, stay.
CELL_MOVING_BITS = 8 + 32
CELL_WEIGHT_BITS = 2 * 8
# LPDDR4 controller and PHY: about 1.5 mm2 for 32 bits at 17 GB/s in 16 nm, shrunk by 0.6 to 7 nm
# as analogue parts do. From memory, +-50 %.
DRAM_INTERFACE_MM2_PER_GB_PER_S = 0.05
# Three times the 0.23 mm2 of the transmitter above for a PCIe 3 lane of 0.985 GB/s, from 28 nm.
HOST_INTERFACE_MM2_PER_GB_PER_S = 0.28
# Clock, reset, test. An assumption; docs/technology.md shows what depends on it.
FIXED_MM2 = 0.3

# --- Energy of logic, pJ ------------------------------------------------------------------------

# TPUv4i, table 2, 7 nm.
MULTIPLY_8_PJ = 0.07
ADD_32_PJ = 0.03
# Horowitz, 45 nm.
MULTIPLY_32_PJ_45NM = 3.1
# Aladdin's library, 40 nm, 5 ns: a register of one bit, a shifter of 32.
REGISTER_PJ_PER_BIT_40NM = 0.009
SHIFT_32_PJ_40NM = 0.41652
# The sums of two products: 16 bits and the carries.
PRODUCT_SUM_BITS = 17
# Keckler et al., IEEE Micro 31(5), 2011, table 1, as quoted by others: 310 pJ for 256 bits over
# 10 mm in 40 nm at 0.9 V; by V^2 to 0.8 V. A wire's capacitance does not shrink with the node.
WIRE_PJ_PER_BIT_MM = 310 / 2560 * (0.8 / 0.9) ** 2
# From the ring, an instruction passes two registers: fetched word, decoded word.
DECODE_STAGES = 2
# Share of a register's energy that its clock takes in a cycle in which it does not change: an
# assumption (half of the energy is clock pin and tree, gates stop three fifths of the registers).
IDLE_CLOCK_SHARE = 0.2
# Aladdin's library, 40 nm: adder 13.4, multiplier 10.9, register 11.7 mW/mm2.
LOGIC_LEAKAGE_MW_PER_MM2_40NM = 12.0
