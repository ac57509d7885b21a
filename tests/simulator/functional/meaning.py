"""What the compute opcodes mean, written from the manual a second time: one number at a time.

Plain integers and fractions, no arrays; nothing here is shared with the functional simulator.
"""

import math
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

import numpy as np

from apollo.arch.operands import ComputeFlag as Flag

HALF = Fraction(1, 2)
Operands = dict[str, Any]


def get(memory: bytearray, address: int, width: int = 1, signed: bool = True) -> int:
    assert 0 <= address <= len(memory) - width
    return int.from_bytes(memory[address : address + width], "little", signed=signed)


def put(memory: bytearray, address: int, value: int, width: int) -> None:
    assert 0 <= address <= len(memory) - width
    memory[address : address + width] = (value % 256**width).to_bytes(width, "little")


def int32(value: int) -> int:
    return (value + 2**31) % 2**32 - 2**31


def nearest_up(value: Fraction) -> int:
    return math.floor(value + HALF)


def nearest_away(value: Fraction) -> int:
    return int(math.copysign(1, value)) * math.floor(abs(value) + HALF)


def truncated(a: int, b: int) -> int:
    """C's division."""
    return abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)


def gemmlowp_high_mul(a: int, b: int) -> int:
    """SaturatingRoundingDoublingHighMul of gemmlowp, step by step."""
    if a == b == -(2**31):
        return 2**31 - 1
    product = a * b
    nudge = 2**30 if product >= 0 else 1 - 2**30
    return truncated(product + nudge, 2**31)


def gemmlowp_divide_by_pot(x: int, exponent: int) -> int:
    """RoundingDivideByPOT of gemmlowp, step by step."""
    mask = 2**exponent - 1
    remainder = x & mask
    threshold = (mask >> 1) + (1 if x < 0 else 0)
    return (x >> exponent) + (1 if remainder > threshold else 0)


def tflite_scale(a: int, multiplier: int, shift: int) -> int:
    """MultiplyByQuantizedMultiplier of TFLite, its exponent being 31 - shift."""
    left, right = max(31 - shift, 0), max(shift - 31, 0)
    return gemmlowp_divide_by_pot(gemmlowp_high_mul(int32(a << left), multiplier), right)


def scale(a: int, multiplier: int, shift: int, flags: int) -> int:
    if flags & Flag.TFLITE_ROUNDING:
        return tflite_scale(a, multiplier, shift)
    return nearest_up(Fraction(a * multiplier, 2**shift)) if shift else a * multiplier


class Tile:
    """One compute instruction on one PE."""

    def __init__(self, o: Operands, pe: bytearray, cores: list[bytearray]) -> None:
        self.o, self.old, self.cores = o, bytes(pe), cores
        self.memory, self.flags = pe, o.get("flags", 0)
        self.wide = 2 if self.flags & Flag.WIDE_SOURCE else 1

    def work(self) -> Iterator[tuple[int, int, int]]:
        """Core, position and channel of every result."""
        o = self.o
        count = o["rows"] * o["columns"]
        for m in range(len(self.cores)):
            for n in range(count):
                for jj in range(o["out_channels"]):
                    j = jj
                    if self.flags & Flag.SPLIT_POSITIONS:
                        each = math.ceil(count / len(self.cores))
                        if not m * each <= n < (m + 1) * each:
                            continue
                    else:
                        j += m * o["core_step"]
                    if j < o["channels"]:
                        yield m, n, j

    def source(self, n: int, k: int, a: int = 0, b: int = 0) -> int:
        o = self.o
        r, c = divmod(n, o["columns"])
        row = r * o.get("stride_rows", 1) + a * o.get("dilation_rows", 1)
        column = c * o.get("stride_columns", 1) + b * o.get("dilation_columns", 1)
        address = o["source"] + row * o["source_row_pitch"] + column * o["source_column_pitch"]
        return get(self.old, address + k * o["source_channel_pitch"], self.wide)

    def second(self, n: int, j: int) -> int:
        o = self.o
        r, c = divmod(n, o["columns"])
        address = o["second"] + r * o["second_row_pitch"] + c * o["second_column_pitch"]
        width = 2 if self.flags & Flag.WIDE_SECOND else 1
        return get(self.old, address + j * o["second_channel_pitch"], width)

    def result(self, n: int, j: int, value: int) -> None:
        o = self.o
        r, c = divmod(n, o["columns"])
        address = o["destination"] + r * o["row_pitch"] + c * o["column_pitch"]
        width = 2 if self.flags & Flag.WIDE_DESTINATION else 1
        put(self.memory, address + j * o["channel_pitch"], value, width)

    def clamp(self, value: int) -> int:
        return min(max(value, self.o["low"]), self.o["high"])

    def taps(self) -> Iterator[tuple[int, int]]:
        for a in range(self.o["kernel_rows"]):
            for b in range(self.o["kernel_columns"]):
                yield a, b

    def finish(self, n: int, j: int, total: int, core: bytearray, record: int) -> None:
        """A sum becomes a partial sum or an element."""
        o = self.o
        partial = o["partial"] + 4 * (n * o["channels"] + j)
        if self.flags & Flag.ACCUMULATE:
            total += get(self.old, partial, 4)
        if self.flags & Flag.PARTIAL:
            put(self.memory, partial, int32(total), 4)
            return
        self.result(n, j, self.element(total, core, record))

    def element(self, total: int, core: bytearray, record: int) -> int:
        a = int32(total + get(core, record, 4))
        multiplier, shift = get(core, record + 4, 4), get(core, record + 8)
        return self.clamp(self.o["zero_point"] + scale(a, multiplier, shift, self.flags))

    def weighted(self, inputs: int, dense: bool) -> None:
        """A convolution (`dense`), or one of each channel by itself."""
        o = self.o
        uniform, partial = self.flags & Flag.UNIFORM, self.flags & Flag.PARTIAL
        for m, n, j in self.work():
            core, jj = self.cores[m], j
            if not self.flags & Flag.SPLIT_POSITIONS:
                jj = j - m * o["core_step"]
            weights = o["parameters"] + jj * (inputs + (0 if uniform or partial else 9))
            weights += 9 if uniform and not partial else 0
            record = o["parameters"] if uniform else weights + inputs
            total, at = 0, weights
            for a, b in self.taps():
                for k in range(o["in_channels"]) if dense else [j]:
                    total += self.source(n, k, a, b) * get(core, at)
                    at += 1
            self.finish(n, j, total, core, record)

    def convolve(self) -> None:
        o = self.o
        self.weighted(o["kernel_rows"] * o["kernel_columns"] * o["in_channels"], dense=True)

    def depthwise(self) -> None:
        self.weighted(self.o["kernel_rows"] * self.o["kernel_columns"], dense=False)

    def convolve_sparse(self) -> None:
        o = self.o
        for m, n, j in self.work():
            core, at = self.cores[m], o["parameters"]
            jj = j if self.flags & Flag.SPLIT_POSITIONS else j - m * o["core_step"]
            for _ in range(jj):
                at += 11 + 2 * get(core, at + 9, 2, signed=False)
            total = index = 0
            for pair in range(get(core, at + 9, 2, signed=False)):
                index += get(core, at + 11 + 2 * pair, signed=False)
                tap, k = divmod(index, o["in_channels"])
                a, b = divmod(tap, o["kernel_columns"])
                total += self.source(n, k, a, b) * get(core, at + 12 + 2 * pair)
            self.result(n, j, self.element(total, core, at))

    def pool(self, combine: Callable[[list[int]], int]) -> None:
        for _, n, j in self.work():
            value = combine([self.source(n, j, a, b) for a, b in self.taps()])
            self.result(n, j, self.clamp(value))

    def pool_max(self) -> None:
        self.pool(max)

    def pool_average(self) -> None:
        self.pool(lambda window: nearest_away(Fraction(sum(window), len(window))))

    def copy(self) -> None:
        for _, n, j in self.work():
            self.result(n, j, self.source(n, j))

    def multiply(self) -> None:
        for m, n, j in self.work():
            core, at = self.cores[m], self.o["parameters"]
            x, y = self.source(n, j) - get(core, at, 2), self.second(n, j) - get(core, at + 2, 2)
            value = scale(int32(x * y), get(core, at + 4, 4), get(core, at + 8), self.flags)
            self.result(n, j, self.clamp(self.o["zero_point"] + value))

    def add(self) -> None:
        for m, n, j in self.work():
            core, at = self.cores[m], self.o["parameters"]
            x, y = self.source(n, j) - get(core, at, 2), self.second(n, j) - get(core, at + 2, 2)
            if self.flags & Flag.TFLITE_ROUNDING:
                left = get(core, at + 4, signed=False)
                factors = [
                    (get(core, at + 5 + 5 * i, 4), get(core, at + 9 + 5 * i)) for i in range(3)
                ]
                total = tflite_scale(int32(x << left), *factors[0])
                total += tflite_scale(int32(y << left), *factors[1])
                value = tflite_scale(int32(total), *factors[2])
            else:
                total = x * get(core, at + 4, 4) + y * get(core, at + 8, 4)
                shift = get(core, at + 12)
                value = nearest_up(Fraction(total, 2**shift)) if shift else total
            self.result(n, j, self.clamp(self.o["zero_point"] + value))

    def lookup(self) -> None:
        wide = 2 if self.flags & Flag.WIDE_DESTINATION else 1
        for m, n, j in self.work():
            core, at, x = self.cores[m], self.o["parameters"], self.source(n, j)
            if self.flags & Flag.WIDE_SOURCE:
                i, f = (x + 32768) // 128, x % 128
                low, high = get(core, at + 2 * i, 2), get(core, at + 2 * i + 2, 2)
                value = low + math.floor(Fraction((high - low) * f + 64, 128))
            else:
                value = get(core, at + (x + 128) * wide, wide)
            self.result(n, j, self.clamp(value))

    def softmax(self) -> None:
        for m, n, j in self.work():
            row = [self.source(n, k) for k in range(self.o["channels"])]
            at = self.o["parameters"]
            e = [get(self.cores[m], at + 2 * (max(row) - x), 2, signed=False) for x in row]
            top = 32768 if self.flags & Flag.WIDE_DESTINATION else 256
            value = (e[j] * top + sum(e) // 2) // sum(e)
            self.result(n, j, self.clamp(self.o["zero_point"] + value))

    def standardize(self) -> None:
        for m, n, j in self.work():
            core, at = self.cores[m], self.o["parameters"]
            row = [self.source(n, k) for k in range(self.o["channels"])]
            count, total = len(row), sum(row)
            spread = count * sum(x * x for x in row) - total * total
            spread += get(core, at, 4, signed=False)
            root = math.isqrt(max(1, spread) << 20)
            top = (count * row[j] - total) * get(core, at + 4, 2, signed=False) << 10
            self.result(n, j, self.clamp(self.o["zero_point"] + (2 * top + root) // (2 * root)))

    def normalize(self) -> None:
        window = self.o["passes"] - 2
        for m, n, j in self.work():
            core, at = self.cores[m], self.o["parameters"]
            zero, shift = get(core, at, 2), get(core, at + 2, signed=False)
            first = j - (window - 1) // 2
            near = [k for k in range(first, first + window) if 0 <= k < self.o["channels"]]
            s = sum((self.source(n, k) - zero) ** 2 for k in near)
            t = get(core, at + 3 + 2 * min(255, s >> shift), 2, signed=False)
            value = math.floor(Fraction((self.source(n, j) - zero) * t + 2**14, 2**15))
            self.result(n, j, self.clamp(self.o["zero_point"] + value))


def expected(opcode: str, o: Operands, pe: np.ndarray, core: np.ndarray) -> np.ndarray:
    """PE memories [N, B] after a compute instruction."""
    after = []
    for of_pe, of_cores in zip(pe, core, strict=True):
        memory = bytearray(of_pe.tobytes())
        tile = Tile(o, memory, [bytearray(one.tobytes()) for one in of_cores])
        getattr(tile, opcode.lower())()
        after.append(np.frombuffer(bytes(memory), np.uint8))
    return np.stack(after)
