"""What must occur in the programs of the zoo: every opcode of lanes, split, tiling and place."""

from collections import Counter

from apollo.arch.isa import Opcode

_OF_ARRAYS = (Opcode.SHIFT_WEIGHTS, Opcode.MATMUL, Opcode.DRAIN)
# Whose units a nest is divided among: PE columns, PE rows and cores.
SPLITS = {
    *(f"{axis} over {what}" for axis in "xy" for what in ("ROWS", "COLUMNS", "CHANNELS")),
    *(f"cores over {what}" for what in ("ROWS", "CHANNELS")),
}
# A copy is a tensor that its reader divides otherwise than its producer.
OPERANDS = {
    *(f"source from {place}" for place in ("PLACE", "HALO", "COPY", "DRAM")),
    *(f"second from {place}" for place in ("PLACE", "COPY", "DRAM")),
}
TILING = {"partial sums", "channel tiles", "row tiles", "bands", "cut rows"}
MEMORY = {"spill", "resident", "shared", "sparse", "parts", "parts on the chip"}
FORMS = {"groups", "permuted", "rows by turns", "columns by turns"}
REQUIRED = {
    *(opcode.name for opcode in Opcode if opcode not in _OF_ARRAYS),
    *SPLITS,
    *OPERANDS,
    *TILING,
    *MEMORY,
    *FORMS,
}


def missing(seen: Counter[str], required: set[str] = REQUIRED) -> list[str]:
    """What has not occurred."""
    return sorted(required - {name for name, count in seen.items() if count})
