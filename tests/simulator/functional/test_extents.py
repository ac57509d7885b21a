"""What the closed form says an instruction touches, against what its meaning touches."""

import numpy as np
import pytest

from apollo.arch.extents import extents_of
from apollo.arch.isa import Opcode
from apollo.arch.operands import ComputeFlag as Flag
from apollo.arch.touched import Memory
from apollo.simulator.functional.ranges import access_of, accesses
from tests.simulator.functional import meaning
from tests.simulator.functional.build import Script
from tests.simulator.functional.draw import OPCODES, draw

PLACES = [(Memory.PE, False), (Memory.PE, True), (Memory.CORE, False)]
# These read by data, or all channels of a position for any of them.
MORE = ("LOOKUP", "SOFTMAX", "NORMALIZE", "STANDARDIZE", "CONVOLVE_SPARSE")


def bytes_of(access) -> set[int]:
    return {at for a, b in zip(access.start, access.end, strict=True) for at in range(a, b)}


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("opcode", OPCODES)
def test_extents_are_the_bytes_that_are_touched(
    opcode: str, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = draw(np.random.default_rng([seed, 77]), opcode)
    touched = {place: set() for place in PLACES}
    get, put = meaning.get, meaning.put

    def reading(memory, address, width=1, signed=True):
        place = Memory.PE if isinstance(memory, bytes) else Memory.CORE
        touched[place, False] |= set(range(address, address + width))
        return get(memory, address, width, signed)

    def writing(memory, address, value, width):
        touched[Memory.PE, True] |= set(range(address, address + width))
        put(memory, address, value, width)

    monkeypatch.setattr(meaning, "get", reading)
    monkeypatch.setattr(meaning, "put", writing)
    meaning.expected(opcode, case.operands, case.pe, case.core)
    script = Script()
    script.add(opcode, **case.operands)
    found = accesses(script.program, case.chip, {})
    for place in PLACES:
        claimed = set().union(
            *(bytes_of(one) for _, one in found[place[0]] if one.writes == place[1])
        )
        if opcode == "CONVOLVE_SPARSE" and place[0] == Memory.CORE:
            assert claimed  # the headers; the data say how far it reads
        elif opcode in MORE and not place[1]:
            assert touched[place] <= claimed
        else:
            assert touched[place] == claimed


@pytest.mark.parametrize("seed", range(30))
def test_intervals_are_those_of_the_nest(seed: int) -> None:
    rng = np.random.default_rng(seed)
    flags = int(rng.choice([0, Flag.WIDE_SOURCE]))
    case = draw(rng, "CONVOLVE", flags)
    script = Script()
    script.add("CONVOLVE", **case.operands)
    operands = script.program.operand[0].tolist()
    for extent in extents_of(Opcode.CONVOLVE, operands, case.chip):
        wanted = {extent.first}
        for count, pitch in extent.dimensions:
            wanted = {at + n * pitch for at in wanted for n in range(count)}
        wanted = {at + n for at in wanted for n in range(extent.width)}
        access = access_of(extent)
        assert bytes_of(access) == wanted
        assert (access.start[1:] > access.end[:-1]).all()  # disjoint, and no two that touch
        assert extent.end == max(wanted) + 1
