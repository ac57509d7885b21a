import pytest
from hypothesis import given
from hypothesis import strategies as st

from apollo.arch import space
from apollo.arch.accelerator import load_design


def test_the_space_has_the_published_size() -> None:
    assert space.SIZE == 452_760_000
    assert space.RADICES == (10, 10, 7, 10, 7, 11, 7, 4, 5, 6)


@given(st.integers(0, space.SIZE - 1))
def test_index_point_and_accelerator_lead_back(index: int) -> None:
    digits = space.digits_of(index)
    assert space.index_of(digits) == index
    accelerator = space.accelerator_at(index)
    assert space.index_of_accelerator(accelerator) == index
    for parameter, digit in zip(space.PARAMETERS, digits, strict=True):
        assert getattr(accelerator, parameter.name) == parameter.choices[digit]


def test_corners() -> None:
    assert space.digits_of(0) == (0,) * 10
    assert space.digits_of(space.SIZE - 1) == tuple(radix - 1 for radix in space.RADICES)


@pytest.mark.parametrize("index", [-1, space.SIZE])
def test_an_index_outside_is_refused(index: int) -> None:
    with pytest.raises(ValueError, match=r"^A design's index must be in 0\.\.452,759,999, not "):
        space.digits_of(index)


def test_wrong_points_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^A point must have 10 digits, not 3\.$"):
        space.index_of((0, 0, 0))
    with pytest.raises(ValueError, match=r"^The digit of pes_y must be in 0\.\.9, not 10\.$"):
        space.index_of((0, 10, 0, 0, 0, 0, 0, 0, 0, 0))


def test_a_preset_with_a_bandwidth_of_its_own_is_no_point() -> None:
    with pytest.raises(ValueError, match=r"^dram_gb_per_s must be one of 5, 10, 16, .* not 17\.$"):
        space.index_of_accelerator(load_design("edge_tpu_v1"))
