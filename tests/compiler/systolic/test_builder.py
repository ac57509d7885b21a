import numpy as np
import pytest

from apollo.arch.isa import Engine, Opcode
from apollo.compiler.errors import DoesNotFit
from apollo.compiler.systolic.builder import Builder
from apollo.compiler.systolic.hazards import Access, Memory


def core(start: int, end: int, *, writes: bool = False) -> Access:
    return Access(Memory.CORE, start, end, writes)


def pe(start: int, end: int, *, writes: bool = False) -> Access:
    return Access(Memory.PE, start, end, writes)


def waits(builder: Builder) -> list[dict[str, int]]:
    program = builder.program(1 << 20)
    return [
        {engine.name: int(count) for engine, count in zip(Engine, row, strict=True) if count}
        for row in program.wait
    ]


def test_readers_wait_for_writers_and_writers_for_both() -> None:
    builder = Builder(["layer"])
    builder.add(Opcode.LOAD_PARAMETERS, 0, [core(0, 100, writes=True)])
    builder.add(Opcode.LOAD_PARAMETERS, 0, [core(100, 200, writes=True)])
    builder.add(Opcode.SHIFT_WEIGHTS, 0, [core(50, 60)])
    builder.add(Opcode.SHIFT_WEIGHTS, 0, [core(150, 160)])
    builder.add(Opcode.LOAD_PARAMETERS, 0, [core(0, 100, writes=True)])
    builder.add(Opcode.SHIFT_WEIGHTS, 0, [core(99, 101)])
    expected = [{}, {}, {"PARAM": 1}, {"PARAM": 2}, {"MOVE": 1}, {"PARAM": 3}]
    assert waits(builder) == expected


def test_readers_do_not_wait_for_readers_nor_memories_for_each_other() -> None:
    builder = Builder(["layer"])
    builder.add(Opcode.LOAD_ACTIVATIONS, 0, [pe(0, 64, writes=True)])
    builder.add(Opcode.MATMUL, 0, [pe(0, 64)])
    builder.add(Opcode.STORE, 0, [pe(0, 64)])
    builder.add(Opcode.LOAD_PARAMETERS, 0, [core(0, 64, writes=True)])
    assert waits(builder) == [{}, {"ACT": 1}, {"ACT": 1}, {}]


def test_a_write_stands_for_what_it_waited_for() -> None:
    """Nothing is lost when a record of earlier accesses is forgotten."""
    builder = Builder(["layer"])
    builder.add(Opcode.MATMUL, 0, [pe(0, 10)])
    builder.add(Opcode.DRAIN, 0, [pe(0, 20, writes=True)])
    builder.add(Opcode.LOAD_ACTIVATIONS, 0, [pe(5, 6, writes=True)])
    builder.add(Opcode.STORE, 0, [pe(0, 20)])
    assert waits(builder) == [{}, {"COMPUTE": 1}, {"MOVE": 1}, {"ACT": 1, "MOVE": 1}]


def drain(builder: Builder, start: int, *, ready: int, cycles: int) -> None:
    place = pe(start, start + 10, writes=True)
    builder.defer(Opcode.DRAIN, 0, [place], ready=ready, cycles=cycles)


def test_deferred_drains_go_where_they_are_needed() -> None:
    builder = Builder(["layer"])
    for start in (0, 10, 20):
        drain(builder, start, ready=0, cycles=10)
    builder.add(Opcode.SHIFT_WEIGHTS, 0, [core(0, 4)])
    builder.add(Opcode.MATMUL, 0, [pe(12, 14)])  # needs the second, and so the first
    program = builder.program(1 << 20)
    order = [Opcode.SHIFT_WEIGHTS, Opcode.DRAIN, Opcode.DRAIN, Opcode.MATMUL, Opcode.DRAIN]
    assert program.opcode.tolist() == order
    assert program.wait[3, Engine.MOVE] == 3


@pytest.mark.parametrize(
    ("end", "released", "done"), [(9, 0, 0), (10, 1, 10), (34, 1, 10), (35, 2, 35)]
)
def test_drains_are_released_while_they_are_in_time(end: int, released: int, done: int) -> None:
    builder = Builder(["layer"])
    drain(builder, 0, ready=0, cycles=10)
    drain(builder, 10, ready=20, cycles=15)
    assert builder.release_until(0, end) == done
    assert builder.waiting == 2 - released


def test_a_layer_must_fit_the_instruction_memory() -> None:
    builder = Builder()
    for name in ("a", "b", "b"):
        builder.add(Opcode.SHIFT_WEIGHTS, builder.layer(name), [core(0, 4)])
    assert np.array_equal(builder.program(64).layer, [0, 1, 1])
    with pytest.raises(DoesNotFit) as caught:
        builder.program(63)
    assert (caught.value.layer, caught.value.demand) == ("b", 64)
