"""Worked examples: one rule of docs/placement.md each, with times found by hand.

Devices are d0, d1, …; unless said otherwise a sender has a queue, a byte takes 1 ns, an operator
is a group, and `duration_ns` is of every operator on every device.
"""

from collections.abc import Sequence

import numpy as np

from apollo.arch.cluster import Link, Order
from apollo.search.placement.instance import Instance
from apollo.search.placement.step import Simulator, Step
from tests.search.placement.agreement import assert_agree
from tests.search.placement.cases import cluster_of, instance_of_columns

MEMORY = 1000


def step_of(instance: Instance, placement: Sequence[int]) -> Step:
    """By the kernel, when the reference says the same."""
    assert_agree(instance, placement)
    return Simulator(instance).run(np.array(placement))


def transfers_of(step: Step) -> list[tuple[int, int, int, int]]:
    """(operator, target device, start, left) of each."""
    columns = step.transfers
    rows = zip(
        columns.operator.tolist(),
        columns.target.tolist(),
        columns.start_ns.tolist(),
        columns.left_ns.tolist(),
        strict=True,
    )
    return list(rows)


def test_p1_an_operator_takes_what_it_takes_on_its_device() -> None:
    instance = instance_of_columns([[3, 9], [4, 1]], [(0, 1, 0)], cluster_of([MEMORY] * 2))
    assert step_of(instance, [0, 0]).finish_ns.tolist() == [3, 7]
    assert step_of(instance, [1, 1]).finish_ns.tolist() == [9, 10]


def test_p2_a_group_shares_its_device() -> None:
    instance = instance_of_columns([[1] * 3] * 4, [], cluster_of([MEMORY] * 3), group=[0, 1, 0, 1])
    assert step_of(instance, [2, 1]).device.tolist() == [2, 1, 2, 1]


def test_p3_what_arrives_is_used_in_the_same_instant() -> None:
    # 0 ends at 2, its 3 bytes leave at once, arrive at 5, when 1 starts and d0 starts nothing.
    instance = instance_of_columns([[2] * 2] * 2, [(0, 1, 3)], cluster_of([MEMORY] * 2))
    step = step_of(instance, [0, 1])
    assert transfers_of(step) == [(0, 1, 2, 5)]
    assert step.start_ns.tolist() == [0, 5]


def test_p3_tensors_are_handed_over_by_number_of_operator_then_of_device() -> None:
    # 0 on d2 and 1 on d1 end at 2; one bus. 0 goes first, to d0 and then to d1; then 1 to d0.
    edges = [(0, 2, 4), (0, 3, 4), (1, 2, 4)]
    cluster = cluster_of([MEMORY] * 3, Link("bus", 1000))
    step = step_of(instance_of_columns([[2] * 3] * 4, edges, cluster), [2, 1, 0, 1])
    assert transfers_of(step) == [(0, 0, 2, 6), (0, 1, 6, 10), (1, 0, 10, 14)]


def waiting_pair(order: Order, ranks: Sequence[int]) -> Step:
    """0 keeps d0 until 10; the word of 1 frees 4 at 3, the word of 2 frees 3 at 5."""
    durations = [[10, 10], [2, 2], [2, 2], [1, 1], [1, 1]]
    edges = [(1, 4, 0), (2, 3, 0)]
    cluster = cluster_of([MEMORY] * 2, order=order)
    return step_of(instance_of_columns(durations, edges, cluster, rank=ranks), [0, 1, 1, 0, 0])


def test_p4_the_operator_that_was_ready_first_is_started() -> None:
    assert waiting_pair(Order.FIFO, [0, 1, 2, 3, 4]).start_ns.tolist() == [0, 0, 2, 11, 10]


def test_p4_by_rank_the_lowest_is_started_however_late_it_was_ready() -> None:
    assert waiting_pair(Order.RANK, [0, 1, 2, 3, 4]).start_ns.tolist() == [0, 0, 2, 10, 11]
    assert waiting_pair(Order.RANK, [0, 1, 2, 4, 3]).start_ns.tolist() == [0, 0, 2, 11, 10]


def test_p4_among_equals_the_lowest_number_is_started() -> None:
    step = step_of(instance_of_columns([[5]] * 3, [], cluster_of([MEMORY])), [0, 0, 0])
    assert step.start_ns.tolist() == [0, 5, 10]


def test_p5_a_tensor_goes_once_with_the_most_bytes_of_an_edge() -> None:
    # 0 ends at 2; 7 bytes at 300 a us take ceil(23.3) ns after 4 of overhead, and arrive 10 later.
    link = Link("bus", bytes_per_us=300, overhead_ns=4, latency_ns=10)
    cluster = cluster_of([MEMORY] * 2, link)
    instance = instance_of_columns([[2] * 2] * 3, [(0, 1, 5), (0, 2, 7)], cluster)
    step = step_of(instance, [0, 1, 1])
    assert transfers_of(step) == [(0, 1, 2, 30)]
    assert step.start_ns.tolist() == [0, 40, 42]


def test_p5_a_word_takes_the_overhead_and_at_least_a_nanosecond() -> None:
    for overhead_ns, left_ns in ((0, 3), (1, 3), (6, 8)):
        cluster = cluster_of([MEMORY] * 2, Link("bus", 1000, overhead_ns))
        step = step_of(instance_of_columns([[2] * 2] * 2, [(0, 1, 0)], cluster), [0, 1])
        assert transfers_of(step) == [(0, 1, 2, left_ns)]


def test_p6_a_channel_carries_one_transfer_at_a_time_and_latency_does_not_keep_it() -> None:
    edges = [(0, 1, 4), (0, 2, 4)]
    bus = cluster_of([MEMORY] * 3, Link("bus", 1000, latency_ns=50))
    step = step_of(instance_of_columns([[2] * 3] * 3, edges, bus), [0, 1, 2])
    assert transfers_of(step) == [(0, 1, 2, 6), (0, 2, 6, 10)]
    assert step.start_ns.tolist() == [0, 56, 60]


def test_p6_channels_work_beside_each_other() -> None:
    # 0 and 1 on different senders, both to d2.
    instance = instance_of_columns([[2] * 3] * 4, [(0, 2, 4), (1, 3, 4)], cluster_of([MEMORY] * 3))
    step = step_of(instance, [0, 1, 2, 2])
    assert transfers_of(step) == [(0, 2, 2, 6), (1, 2, 2, 6)]
    assert step.start_ns.tolist() == [0, 0, 6, 8]


def test_p7_the_step_ends_with_the_last_operator() -> None:
    instance = instance_of_columns([[3, 3], [8, 8]], [], cluster_of([MEMORY] * 2))
    assert step_of(instance, [0, 1]).step_ns == 8
    assert step_of(instance, [0, 0]).step_ns == 11


def test_p8_a_tensor_is_held_until_its_consumers_have_ended() -> None:
    # parameters 6; of 0 and 1 together 10 + 20, then of 1 and 2 20 + 5.
    instance = instance_of_columns(
        [[2]] * 3,
        [(0, 1, 10), (1, 2, 20)],
        cluster_of([MEMORY]),
        parameter_bytes=[1, 2, 3],
        output_bytes=[10, 20, 5],
    )
    assert step_of(instance, [0, 0, 0]).peak_bytes.tolist() == [36]


def test_p8_who_only_waits_holds_the_tensor_too() -> None:
    # 2 waits for 0 by word: 0's 10 bytes stay while 1 writes its 20 and 2 its 5.
    edges = [(0, 2, 0), (1, 2, 20)]
    instance = instance_of_columns([[2]] * 3, edges, cluster_of([MEMORY]), output_bytes=[10, 20, 5])
    assert step_of(instance, [0, 0, 0]).peak_bytes.tolist() == [35]


def test_p8_a_tensor_is_held_until_its_transfers_have_left() -> None:
    # 0 ends at 2, its 8 bytes leave until 10, 2 on d0 runs from 2: 10 + 5 there at once; on d1
    # the copy's 8 and the 3 that 1 writes. With 2 begun at 12, after 0 has left, 10 is the most.
    for waits_for, most in (([], 15), ([(1, 2, 0)], 10)):
        instance = instance_of_columns(
            [[2] * 2] * 3,
            [(0, 1, 8), *waits_for],
            cluster_of([MEMORY] * 2),
            output_bytes=[10, 3, 5],
        )
        assert step_of(instance, [0, 1, 0]).peak_bytes.tolist() == [most, 11]


def test_p8_a_copy_that_waits_for_its_channel_takes_nothing_yet() -> None:
    # 0 sends 8 bytes to d1 until 10, then 8 to d2 until 18. On d2, 3 holds 20 bytes until 5: with
    # the copy from 10 on, 20 is the most; on d1, 2's 20 bytes meet the copy.
    edges = [(0, 1, 8), (0, 4, 8)]
    instance = instance_of_columns(
        [[2] * 3, [2] * 3, [5] * 3, [5] * 3, [2] * 3],
        edges,
        cluster_of([MEMORY] * 3),
        output_bytes=[8, 0, 20, 20, 0],
    )
    assert step_of(instance, [0, 1, 1, 2, 2]).peak_bytes.tolist() == [8, 28, 20]


def test_p9_what_ends_makes_room_for_what_starts_at_the_same_instant() -> None:
    instance = instance_of_columns([[2]] * 2, [], cluster_of([MEMORY]), output_bytes=[10, 10])
    assert step_of(instance, [0, 0]).peak_bytes.tolist() == [10]


def test_p9_a_placement_lacks_the_excess_over_all_devices() -> None:
    # both devices hold parameters of 12 and 9; they have 10 and 7.
    instance = instance_of_columns(
        [[3] * 2] * 3, [], cluster_of([10, 7]), parameter_bytes=[7, 5, 9]
    )
    step = step_of(instance, [0, 0, 1])
    assert (step.peak_bytes.tolist(), step.overflow_bytes, step.step_ns) == ([12, 9], 4, 6)
    assert step_of(instance, [0, 1, 0]).overflow_bytes == 6
    fits = instance_of_columns([[3] * 2] * 2, [], cluster_of([10, 7]), parameter_bytes=[10, 7])
    assert step_of(fits, [0, 1]).overflow_bytes == 0
