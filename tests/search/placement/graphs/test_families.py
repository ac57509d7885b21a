import numpy as np
import pytest

from apollo.search.placement.graphs.catalogue import placement_graph
from apollo.search.placement.graphs.expert import expert
from apollo.search.placement.graphs.families import FAMILIES, family


@pytest.mark.parametrize("name", FAMILIES)
def test_members_are_graphs_of_different_sizes(name: str) -> None:
    some, _ = family(name).split(3, 0, seed=1)
    graphs = [family(name).graph(member) for member in some]
    assert len({graph.operations.sum() for graph in graphs}) == 3
    for graph in graphs:
        assert graph.is_backward.any()
        assert set(expert(graph, [0, 1]).tolist()) <= {0, 1}
    forward = family(name).graph(some[0], training=False)
    assert not forward.is_backward.any()


@pytest.mark.parametrize(
    ("name", "member", "model"),
    [
        ("inception", (3, 4, 2, 32), "inception_v3"),
        ("nmt", (2, 1024, 40), "nmt_2"),
        ("rnnlm", (4, 2048, 40), "rnnlm_4"),
    ],
)
def test_the_published_model_is_a_member(name: str, member: tuple[int, ...], model: str) -> None:
    assert member in family(name).members
    ours, published = family(name).graph(member), placement_graph(model)
    assert ours.names == published.names
    np.testing.assert_array_equal(ours.operations, published.operations)
    np.testing.assert_array_equal(ours.group, published.group)


def test_members_that_are_held_out_are_others() -> None:
    known, unseen = family("nmt").split(20, 10, seed=3)
    assert (len(known), len(unseen)) == (20, 10)
    assert len({*known, *unseen}) == 30
    assert family("nmt").split(20, 10, seed=3) == (known, unseen)
    assert family("nmt").split(20, 10, seed=4) != (known, unseen)


def test_a_family_has_not_more_than_its_members() -> None:
    with pytest.raises(ValueError, match=r"^Family 'nmt' has 48 members, not 40 \+ 9\.$"):
        family("nmt").split(40, 9, seed=1)


def test_an_unknown_family_is_refused() -> None:
    with pytest.raises(
        ValueError,
        match=r"^There is no family 'vgg' of graphs: it must be one of inception, rnnlm, nmt, "
        r"random\.$",
    ):
        family("vgg")
