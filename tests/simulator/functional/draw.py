"""Random compute instructions that make sense, with the bytes that they find in memory."""

from typing import Any, NamedTuple

import numpy as np

from apollo.arch.accelerator import Accelerator
from apollo.arch.operands import ComputeFlag as Flag
from tests.simulator.functional.build import design

GRIDS = [(1, 1, 1), (1, 1, 3), (2, 3, 2), (1, 2, 4)]  # pes_x, pes_y, cores
OPCODES = {  # and the flags that each is drawn with
    "CONVOLVE": ["SPLIT_POSITIONS", "ACCUMULATE", "PARTIAL", "UNIFORM", "WIDE_SOURCE",
                 "WIDE_DESTINATION", "TFLITE_ROUNDING"],
    "DEPTHWISE": ["SPLIT_POSITIONS", "ACCUMULATE", "PARTIAL", "UNIFORM", "WIDE_SOURCE",
                  "WIDE_DESTINATION", "TFLITE_ROUNDING"],
    "CONVOLVE_SPARSE": ["SPLIT_POSITIONS", "WIDE_SOURCE", "WIDE_DESTINATION", "TFLITE_ROUNDING"],
    "POOL_MAX": ["SPLIT_POSITIONS", "WIDE_SOURCE", "WIDE_DESTINATION"],
    "POOL_AVERAGE": ["SPLIT_POSITIONS", "WIDE_SOURCE", "WIDE_DESTINATION"],
    "ADD": ["SPLIT_POSITIONS", "WIDE_SOURCE", "WIDE_SECOND", "WIDE_DESTINATION",
            "TFLITE_ROUNDING"],
    "MULTIPLY": ["SPLIT_POSITIONS", "WIDE_SOURCE", "WIDE_SECOND", "WIDE_DESTINATION",
                 "TFLITE_ROUNDING"],
    "LOOKUP": ["SPLIT_POSITIONS", "WIDE_SOURCE", "WIDE_DESTINATION"],
    "COPY": ["SPLIT_POSITIONS"],
    "SOFTMAX": ["SPLIT_POSITIONS", "WIDE_DESTINATION"],
    "NORMALIZE": ["SPLIT_POSITIONS"],
    "STANDARDIZE": ["SPLIT_POSITIONS", "WIDE_DESTINATION"],
}  # fmt: skip
WINDOWS = ("CONVOLVE", "DEPTHWISE", "CONVOLVE_SPARSE", "POOL_MAX", "POOL_AVERAGE")


class Case(NamedTuple):
    """An instruction, and the machine that it is run on."""

    chip: Accelerator
    opcode: str
    operands: dict[str, Any]
    pe: np.ndarray  # [N, B]
    core: np.ndarray  # [N, C, B]


class Places:
    """Hands out disjoint pieces of a memory."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng, self.used = rng, 0

    def take(self, size: int) -> int:
        address = self.used + int(self.rng.integers(0, 5))
        self.used = address + size
        return address

    def tensor(self, prefix: str, shape: tuple[int, int, int], width: int) -> dict[str, int]:
        """Pitches of a layout, coordinates in any order and gaps between, and its bytes."""
        pitches, extent = {}, width
        for axis in self.rng.permutation(3):
            name = f"{prefix}{('row', 'column', 'channel')[axis]}_pitch"
            pitches[name] = extent + int(self.rng.integers(0, 3))
            extent += (shape[axis] - 1) * pitches[name]
        return pitches | {"size": extent}


def flags_for(rng: np.random.Generator, opcode: str) -> int:
    flags = Flag.NONE
    for name in OPCODES[opcode]:
        if rng.random() < 0.35:
            flags |= Flag[name]
    if opcode == "COPY" and rng.random() < 0.5:
        flags |= Flag.WIDE_SOURCE | Flag.WIDE_DESTINATION
    return int(flags)


def draw(rng: np.random.Generator, opcode: str, flags: int | None = None) -> Case:
    pes_x, pes_y, cores = GRIDS[rng.integers(len(GRIDS))]
    chip = design(pes_x, pes_y, cores)
    flags = flags_for(rng, opcode) if flags is None else flags
    o: dict[str, Any] = {"flags": flags} | _tile(rng, cores, flags)
    rows, columns, channels = o["rows"], o["columns"], o["channels"]
    places = Places(rng)
    wide = [2 if flags & flag else 1 for flag in (Flag.WIDE_SOURCE, Flag.WIDE_SECOND)]
    span = (rows, columns)
    if opcode in WINDOWS:
        span = _window(rng, o)
    if opcode in ("CONVOLVE", "CONVOLVE_SPARSE"):
        o["in_channels"] = int(rng.integers(1, 6))
    read = o.get("in_channels", channels)
    _place(places, o, "source", (*span, read), wide[0])
    if opcode in ("ADD", "MULTIPLY"):
        _place(places, o, "second", (rows, columns, channels), wide[1])
        for name in rng.permutation(["row", "column", "channel"])[: rng.integers(0, 3)]:
            o[f"second_{name}_pitch"] = 0  # broadcast
    out = 2 if flags & Flag.WIDE_DESTINATION else 1
    _place(places, o, "", (rows, columns, channels), out)
    if flags & (Flag.ACCUMULATE | Flag.PARTIAL):
        o["partial"] = places.take(4 * rows * columns * channels)
    else:
        o |= {"partial": 0} if opcode in ("CONVOLVE", "DEPTHWISE") else {}
    if opcode == "NORMALIZE":
        o["passes"] = int(rng.integers(3, 9))
    _limits(rng, o, out)
    o["parameters"] = int(rng.integers(0, 9)) if opcode not in ("POOL_MAX", "COPY") else 0
    pe = rng.integers(0, 256, (chip.pes, places.used + 4), dtype=np.uint8)
    if flags & Flag.ACCUMULATE:
        _extreme_sums(rng, pe[:, o["partial"] :], rows * columns * channels)
    core = _parameters(rng, chip, opcode, o)
    return Case(chip, opcode, o, pe, core)


def _tile(rng: np.random.Generator, cores: int, flags: int) -> dict[str, int]:
    """Positions, and channels that the cores share evenly or not."""
    rows, columns, each = (int(n) for n in rng.integers(1, (5, 5, 5)))
    step = each + int(rng.integers(0, 2))
    if rng.random() < 0.2:
        step = max(1, each - 1)
    most = each if flags & Flag.SPLIT_POSITIONS else (cores - 1) * step + each
    channels = int(rng.integers(max(1, most - 2), most + 1))
    return dict(rows=rows, columns=columns, out_channels=each, core_step=step, channels=channels)


def _extreme_sums(rng: np.random.Generator, memory: np.ndarray, count: int) -> None:
    """Some partial sums at the ends of their range: what is added wraps them around."""
    raw = memory[:, : 4 * count].copy().view("<i4")
    raw[rng.random(raw.shape) < 0.3] = 2**31 - 1
    raw[rng.random(raw.shape) < 0.3] = -(2**31)
    memory[:, : 4 * count] = raw.view(np.uint8)


def _window(rng: np.random.Generator, o: dict[str, Any]) -> tuple[int, int]:
    """Kernel, strides and dilations, and the rows and columns that the windows span."""
    span = []
    for axis, count in (("rows", o["rows"]), ("columns", o["columns"])):
        kernel, stride, dilation = (int(n) for n in rng.integers(1, (4, 4, 4)))
        o |= {f"kernel_{axis}": kernel, f"stride_{axis}": stride, f"dilation_{axis}": dilation}
        span.append((count - 1) * stride + (kernel - 1) * dilation + 1)
    return span[0], span[1]


def _place(
    places: Places, o: dict[str, Any], name: str, shape: tuple[int, int, int], width: int
) -> None:
    layout = places.tensor(f"{name}_" if name else "", shape, width)
    o[name or "destination"] = places.take(layout.pop("size"))
    o |= layout


def _limits(rng: np.random.Generator, o: dict[str, Any], width: int) -> None:
    half = 128 if width == 1 else 32768
    o["low"], o["high"] = -half, half - 1
    if rng.random() < 0.3:
        o["low"], o["high"] = -half // 2, half // 3
    o["zero_point"] = int(rng.integers(-half // 4, half // 4))


def record(rng: np.random.Generator, window: int) -> bytes:
    """Bias, multiplier and shift that bring sums of so many products into a byte, mostly."""
    bias = int(rng.integers(-(2**12), 2**12))
    shift = int(rng.integers(24, 42))
    reach = 2**shift * 64 // max(1, 2**11 * math_isqrt(window))
    multiplier = min(2**31 - 1, int(rng.integers(reach // 4, reach + 1)))
    return _bytes((bias, 4), (multiplier, 4), (shift, 1))


def math_isqrt(value: int) -> int:
    return int(np.sqrt(value)) + 1


def _bytes(*numbers: tuple[int, int]) -> bytes:
    return b"".join(int(value % 256**width).to_bytes(width, "little") for value, width in numbers)


def _parameters(
    rng: np.random.Generator, chip: Accelerator, opcode: str, o: dict[str, Any]
) -> np.ndarray:
    units = [_of_core(rng, opcode, o) for _ in range(chip.pes * chip.cores)]
    if opcode == "CONVOLVE_SPARSE":
        o["pairs"] = max(pairs for _, pairs in units)
    size = max(len(raw) for raw, _ in units)
    whole = [raw + rng.bytes(size - len(raw)) for raw, _ in units]
    memory = np.frombuffer(b"".join(whole), np.uint8)
    return memory.reshape(chip.pes, chip.cores, size)


def _of_core(rng: np.random.Generator, opcode: str, o: dict[str, Any]) -> tuple[bytes, int]:
    """Bytes of one core's memory, and the pairs of non-zeros in them."""
    raw, pairs = rng.bytes(o["parameters"]), 0
    if opcode in ("CONVOLVE", "DEPTHWISE"):
        raw += _dense(rng, o)
    elif opcode == "CONVOLVE_SPARSE":
        window = o["kernel_rows"] * o["kernel_columns"] * o["in_channels"]
        for _ in range(o["out_channels"]):
            chosen = np.flatnonzero(rng.random(window) < 0.4).tolist()
            raw += record(rng, len(chosen)) + _bytes((len(chosen), 2))
            steps = np.diff([0, *chosen]).tolist()
            raw += b"".join(_bytes((step, 1)) + rng.bytes(1) for step in steps)
            pairs += -(-len(chosen) // 2)
    elif opcode == "ADD":
        raw += _add_record(rng, o["flags"])
    elif opcode == "MULTIPLY":
        product = 14 + 8 * bin(o["flags"] & (Flag.WIDE_SOURCE | Flag.WIDE_SECOND)).count("1")
        result = 15 if o["flags"] & Flag.WIDE_DESTINATION else 7
        shift = 30 + product - result
        multiplier = int(rng.integers(2**30, 2**31))
        raw += _bytes((int(rng.integers(-9, 9)), 2), (int(rng.integers(-9, 9)), 2))
        raw += _bytes((multiplier, 4), (shift, 1))
    elif opcode in ("POOL_MAX", "POOL_AVERAGE", "COPY"):
        raw += b"\0"
    elif opcode == "NORMALIZE":
        raw += _bytes((int(rng.integers(-9, 9)), 2), (int(rng.integers(6, 9)), 1)) + rng.bytes(512)
    elif opcode == "STANDARDIZE":
        raw += _bytes((int(rng.integers(0, 2**31)), 4), (int(rng.integers(0, 2**15)), 2))
    elif opcode == "SOFTMAX":
        raw += np.sort(rng.integers(1, 65536, 256))[::-1].astype("<u2").tobytes()
    else:
        raw += rng.bytes(2 * 513)
    return raw, pairs


def _dense(rng: np.random.Generator, o: dict[str, Any]) -> bytes:
    window = o["kernel_rows"] * o["kernel_columns"] * o.get("in_channels", 1)
    raw = b""
    if o["flags"] & Flag.UNIFORM and not o["flags"] & Flag.PARTIAL:
        raw += record(rng, window)
    for _ in range(o["out_channels"]):
        raw += rng.bytes(window)
        if not o["flags"] & (Flag.UNIFORM | Flag.PARTIAL):
            raw += record(rng, window)
    return raw


def _add_record(rng: np.random.Generator, flags: int) -> bytes:
    zeros = _bytes((int(rng.integers(-9, 9)), 2), (int(rng.integers(-9, 9)), 2))
    if flags & Flag.TFLITE_ROUNDING:
        left = 20 if not flags & (Flag.WIDE_SOURCE | Flag.WIDE_SECOND) else 12
        factors = [(int(rng.integers(2**30, 2**31)), int(rng.integers(30, 33))) for _ in range(2)]
        factors.append((int(rng.integers(2**30, 2**31)), 31 + left))
        parts = [_bytes((multiplier, 4), (shift, 1)) for multiplier, shift in factors]
        return zeros + _bytes((left, 1)) + b"".join(parts)
    multipliers = _bytes(*((int(rng.integers(2**28, 2**31)), 4) for _ in range(2)))
    return zeros + multipliers + _bytes((int(rng.integers(30, 34)), 1))
