from apollo.arch.space import SPACE
from apollo.search.restrict import restricted
from apollo.search.transfer.mapping import Mapped, mapped

VALUES = SPACE.values_at(123_456_789)


def test_a_point_of_the_same_space_is_itself():
    assert mapped(SPACE, 5, SPACE) == Mapped(5, same=True)


def test_the_same_machine_is_found_in_another_space():
    new = restricted(SPACE, [f"lanes={VALUES['lanes']}"], [])
    found = mapped(SPACE, 123_456_789, new)
    assert found.same
    assert new.values_at(found.index) == VALUES
    assert mapped(new, found.index, SPACE) == Mapped(123_456_789, same=True)


def test_a_value_that_is_no_choice_becomes_the_nearest_by_ratio():
    lanes = VALUES["lanes"]
    new = restricted(SPACE, [], [f"lanes={lanes // 4},{lanes * 2}"])
    found = mapped(SPACE, 123_456_789, new)
    assert not found.same
    assert new.values_at(found.index) == VALUES | {"lanes": lanes * 2}


def test_a_parameter_that_the_old_space_lacks_has_its_base_value():
    new = restricted(SPACE, [], ["clock_mhz=400,800,1600", "states=1,8"])
    found = mapped(SPACE, 77, new)
    clock = SPACE.base.clock_mhz
    assert new.values_at(found.index) == SPACE.values_at(77) | {"clock_mhz": clock, "states": 1}
    assert not found.same  # the compiler keeps other layouts


def test_values_that_are_no_machine_are_never_the_same():
    wild = restricted(SPACE, ["dram_gb_per_s=5000"], [])
    assert not mapped(wild, 0, SPACE).same
