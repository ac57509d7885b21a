import re

import pytest

from apollo.search.optimizers.table import make_optimizer


@pytest.mark.parametrize(
    ("name", "settings", "sentence"),
    [
        (
            "evolutionry",
            {},
            "There is no optimizer 'evolutionry' (known: evolutionary, nsga2, random). "
            "Did you mean 'evolutionary'?",
        ),
        (
            "evolutionary",
            {"mutaton": 1},
            "Optimizer 'evolutionary' has no setting 'mutaton' (known: population, founders, "
            "initial, tournament, elite, crossover, mutation). Did you mean 'mutation'?",
        ),
        ("random", {"size": 1}, "Optimizer 'random' has no setting 'size' (it has none)."),
    ],
)
def test_unknown_names_are_refused_in_a_sentence(name, settings, sentence):
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        make_optimizer(name, settings)
