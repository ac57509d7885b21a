"""How chips are built and what lies around them, with sources; `constants` has the costs."""

# --- Off the chip -------------------------------------------------------------------------------

# Share of the peak that is sustained: LPDDR4, 8 Gb, loses tRFCab / tREFI = 280 ns / 3904 ns = 7.2 %
# to refresh (JESD209-4) and about 3 % to read-write turnaround of long bursts.
DRAM_EFFICIENCY_PERCENT = 90
# PCIe 3: a header of 24 bytes for every payload of 128.
HOST_EFFICIENCY_PERCENT = 84
HOST_LATENCY_NS = 1000  # round trip of a PCIe read
ON_CHIP = "on_chip"  # a cache or core of the same chip in place of a DRAM or a link
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

# The shallowest macro of the kit: a memory with wider words than its size allows is built of these.
SRAM_LEAST_WORDS = 32
# Wider words are macros side by side: the widest word of the sweep below.
SRAM_MOST_WORD_BYTES = 32

# --- Logic --------------------------------------------------------------------------------------

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

# The sums of two products: 16 bits and the carries.
PRODUCT_SUM_BITS = 17
# From the ring, an instruction passes two registers: fetched word, decoded word.
DECODE_STAGES = 2
