import pytest

from apollo.workloads.catalogue import load
from apollo.workloads.models.inception_v3 import Blocks, inception_v3


def test_the_usual_blocks_are_the_published_network() -> None:
    assert inception_v3("inception_v3", Blocks(3, 4, 2)) == load("inception_v3")


@pytest.mark.parametrize("blocks", [Blocks(1, 1, 1), Blocks(5, 5, 5)])
def test_there_are_as_many_modules_as_asked_for(blocks: Blocks) -> None:
    names = [item.name for item in inception_v3("other", blocks).operators]
    for size, count in (("35", blocks.at_35), ("17", blocks.at_17), ("8", blocks.at_8)):
        joins = [name for name in names if name.startswith(size) and name.endswith("/join")]
        assert len(joins) == count


def test_blocks_out_of_range_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^Blocks must be in 1\.\.5, not 6\.$"):
        Blocks(at_17=6)
