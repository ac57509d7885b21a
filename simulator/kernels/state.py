"""The simulation's state: where each quantity is in its arrays, and what a machine is to it."""

from typing import NamedTuple

from apollo.arch.isa import Engine

NEVER = 1 << 60
WRITE_BUFFER_SLOTS = 4
STREAMS = 4
FETCH_STREAM, PARAM_STREAM, ACT_STREAM, STORE_STREAM = 0, 1, 2, 3
NOBODY = -1
BUS_ORDER = (int(Engine.ACT), int(Engine.MOVE), int(Engine.STORE))

# The state `x`: scalars, then sections with one place an engine (or stream).
CREDIT = 0
CREDIT_CYCLE = 1  # the cycle up to which credit is counted
FETCHED = 2  # bursts of the program whose fetch has started
NAMED = 3  # instructions whose visibility is known
PREFIX = 4  # leading retired instructions ...
FREED_BYTES = 5  # ... and their bytes
LAST_STREAM = 6  # round-robin of the channel
LAST_BUS = 7  # round-robin of the activation bus, position in BUS_ORDER
BUS_OWNER = 8
BUS_END = 9
PARAM_BUS_END = 10
PARAM_ISSUED, PARAM_FREED = 11, 12  # staging slots taken, freed, ever
ACT_ISSUED, ACT_GRANTED, ACT_FREED = 13, 14, 15
STORE_GRANTED, STORE_READY, STORE_TAKEN = 16, 17, 18  # packets through the write buffer
FIRST = 20  # [E + 1] where each engine's group begins in the queue
STARTED = 30  # [E]
SCHEDULED = 35  # [E] instructions whose retirement is certain
RETIRED = 40  # [E]
SEGMENTS_LEFT = 45  # [E] of the front transfer
BYTES_LEFT = 50  # [E] of its current segment
CHANNEL_BYTES = 55  # [STREAMS]
BUS_BYTES = 60  # [E]
STATE = 65

# Rows of the queues `f`, a ring each: staging and write buffer.
PARAM_END, ACT_ARRIVAL, ACT_BYTES, ACT_LAST, STORE_LAST = range(5)
QUEUES = 5

# Rows of the times `t`.
VISIBLE, START, FINISH = range(3)


class Machine(NamedTuple):
    """What the rules need of the accelerator."""

    burst_bytes: int
    credit_num: int  # credit a cycle (M5)
    burst_cost: int
    credit_cap: int
    latency_cycles: int
    ring_bytes: int
    param_slots: int
    act_slots: int
    param_bus_bytes: int
    act_bus_bytes: int
    burst_wait: int  # cycles of credit that a burst costs, rounded up
    param_burst_cycles: int  # of a whole burst on the parameter bus
    act_burst_cycles: int  # on the activation bus
    queue_mask: int  # room of a queue, a power of two, less one
    skip: bool  # False runs every event, for tests
