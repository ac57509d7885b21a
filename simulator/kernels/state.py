"""The simulation's state: where each quantity is in its array, and what a machine is to it."""

from typing import NamedTuple

from apollo.arch.isa import ENGINES

NEVER = 1 << 62
LONGEST = 1 << 60  # no run lasts longer: sums of cycles stay inside 64 bits
WRITE_BUFFER_SLOTS = 4
STREAMS = 4
FETCH_STREAM, PARAM_STREAM, ACT_STREAM, STORE_STREAM = 0, 1, 2, 3
CHANNELS = 2
# The activation bus serves in this order (M9).
ACT_PLACE, MOVE_PLACE, STORE_PLACE = 0, 1, 2
PLACES = 3

# The state `x`. Program and ring:
FETCHED = 0  # bursts of the program whose fetch has started
NAMED_BYTES = 1  # bytes of the instructions whose visibility is known
PREFIX = 2  # leading instructions whose retirement is known ...
PREFIX_BYTES = 3  # ... their bytes ...
PREFIX_CYCLE = 4  # ... and the cycle from which all have retired
# Buses, staging and write buffer; packets are counted from the first of the run:
LAST_PLACE = 5  # round-robin of the activation bus
BUS_END = 6  # of the packet last granted
PARAM_BUS_END = 7
PARAM_ISSUED = 8
ACT_ISSUED, ACT_GRANTED = 9, 10
STORE_GRANTED, STORE_TAKEN = 11, 12
ASK = 13  # [PLACES] cycle from which there is a packet for the bus
# Channels (M5):
LAST_STREAM = 16  # [CHANNELS] round-robin
READY = 18  # [CHANNELS] first cycle with credit for a burst
REMAINDER = 20  # [CHANNELS] credit left by a burst in that cycle
GAIN = 22  # [CHANNELS] credit a cycle
GAP = 24  # [CHANNELS] cycles of credit that a burst costs, rounded up
EXCESS = 26  # [CHANNELS] credit that so many cycles leave
LATENCY = 28  # [STREAMS] of the stream's channel
PLACE = 32  # [STREAMS] where the stream is in ELIGIBLE
ELIGIBLE = 36  # [CHANNELS, STREAMS] cycle from which a stream has a burst for a channel
# Queues of the engines:
FIRST = 44  # [E + 1] where each engine's group begins
STARTED = 50  # [E]
KNOWN = 55  # [E] instructions whose retirement is known; then
NAMED = KNOWN + ENGINES  # instructions whose visibility is known; then
NOTHING = NAMED + 1  # what an engine waits for that has no head, or a front before it
BLOCKER = 62  # [E] the one of these that the head waits for ...
NEEDED = 67  # [E] ... and how many
FREE_FROM = 72  # [E] cycle from which the engine may start its head
# The front transfer of each engine:
BEGIN = 77  # [E] its start
LEFT = 82  # [E] packets
COUNTDOWN = 87  # [E] packets of its segment
PERIOD = 92  # [E] packets of a segment
WHOLE_CYCLES = 97  # [E] of a whole burst on the bus
TAIL_CYCLES = 102  # [E] of the last packet of a segment on the bus
STATE = 107

# Rows of the rings `f`, by packet: staging and write buffer.
PARAM_END, ACT_ARRIVAL, ACT_CYCLES, ACT_LAST, ACT_END, STORE_END, STORE_LAST, STORE_TAKE = range(8)
RINGS = 8

# Rows of the times `t`.
VISIBLE, START, FINISH = range(3)


class Machine(NamedTuple):
    """What the rules need of the accelerator."""

    burst_bytes: int
    gain: tuple[int, int]  # credit a cycle, by channel (M5)
    cost: tuple[int, int]  # credit a burst, by channel
    latency: tuple[int, int]  # cycles, by channel
    channel_of: tuple[int, int, int, int]  # by stream
    ring_bytes: int
    param_slots: int
    act_slots: int
    param_bus_bytes: int
    act_bus_bytes: int
    lanes: int
    cores: int
    array_rows: int  # 0 without an array
    array_columns: int
    param_flows: bool  # staging and bus never hold up a parameter burst
    skip: bool  # False runs every event, for tests
