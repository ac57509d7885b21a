import re
import subprocess
import sys

import pytest

from apollo.search.optimizers.table import make_optimizer


@pytest.mark.parametrize(
    ("name", "settings", "sentence"),
    [
        (
            "evolutionry",
            {},
            "There is no optimizer 'evolutionry' (known: adaptive_p3bo, bayesian, evolutionary, "
            "mbo, nsga2, p3bo, random, nevergrad:NAME, vizier:NAME). Did you mean 'evolutionary'?",
        ),
        (
            "nevergrd:DE",
            {},
            "There is no optimizer 'nevergrd:DE' (known: adaptive_p3bo, bayesian, evolutionary, "
            "mbo, nsga2, p3bo, random, nevergrad:NAME, vizier:NAME). Did you mean 'nevergrad:DE'?",
        ),
        (
            "nevergrad:TwoPointDE",
            {},
            "Nevergrad has no optimizer 'TwoPointDE'. Did you mean 'TwoPointsDE'?",
        ),
        (
            "nevergrad:Cobyla",
            {},
            "Nevergrad's optimizer 'Cobyla' cannot serve a study: it asks for one point at a time.",
        ),
        (
            "nevergrad:ScrHammersleySearch",
            {},
            "Nevergrad's optimizer 'ScrHammersleySearch' cannot serve a study: it asks for all its "
            "points before it is told of any.",
        ),
        (
            "nevergrad:FCMA",
            {},
            "Nevergrad's optimizer 'FCMA' cannot serve a study: it needs a package that is not "
            "installed.",
        ),
        (
            "nevergrad:DE",
            {"budgt": 1},
            "Optimizer 'nevergrad:DE' has no setting 'budgt' (known: budget, workers, founders, "
            "initial). Did you mean 'budget'?",
        ),
        (
            "nevergrad:DE",
            {"founders": 0},
            "Founders must be at least 1, not 0.",
        ),
        (
            "vizier:eagel",
            {},
            "Vizier has no designer 'eagel' (known: eagle, gp_bandit, gp_ucb_pe, grid, nsga2, "
            "quasi_random). Did you mean 'eagle'?",
        ),
        (
            "vizier:bocs",
            {},
            "Vizier's designer 'bocs' cannot serve a study: it searches spaces of booleans.",
        ),
        ("bayesian", {"history": 4}, "History must be at least 8, not 4."),
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


def test_naming_an_optimizer_of_vizier_imports_nothing_of_it():
    code = (
        "import sys; from apollo.search.optimizers.table import make_optimizer as make; "
        "make('bayesian'); make('vizier:eagle'); "
        "print([name for name in ('jax', 'vizier', 'nevergrad') if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "[]\n"
