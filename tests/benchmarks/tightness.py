"""How near the chosen mappings are to the best there is: `python -m tests.benchmarks.tightness`.

Small layers on small designs, every mapping tried (tests/compiler/exhaustive.py): the estimate and
the simulated cycles of the chosen mapping, the least of all mappings of either, and the bound.
"""

import statistics

from apollo.compiler.errors import DoesNotFit
from tests.compiler.exhaustive import Comparison, compare
from tests.compiler.small_layers import DESIGNS, LAYERS, small_layer


def comparisons() -> dict[tuple[str, str], Comparison]:
    """By layer and design, where the layer fits."""
    found = {}
    for name in LAYERS:
        network = small_layer(name)
        for design in DESIGNS:
            try:
                found[name, design.name] = compare(network, design)
            except DoesNotFit:
                continue
    return found


def main() -> None:
    """Print a row for each, and the geometric means."""
    print(
        f"{'layer':24}{'design':14}{'mappings':>9}{'estimate':>10}{'least':>9}{'ratio':>7}"
        f"{'cycles':>10}{'least':>9}{'ratio':>7}{'bound':>9}{'ratio':>7}"
    )
    found = comparisons()
    for (layer, design), each in found.items():
        print(
            f"{layer:24}{design:14}{each.count:9,}"
            f"{each.chosen.estimate:10,}{each.by_estimate.estimate:9,}{each.of_model:7.3f}"
            f"{each.chosen.simulated:10,}{each.by_simulation.simulated:9,}{each.of_machine:7.3f}"
            f"{each.bound:9,}{each.of_bound:7.3f}"
        )
    rows = list(found.values())
    for what, ratios in (
        ("least estimate over the chosen one's", [each.of_model for each in rows]),
        ("least cycles over the chosen one's", [each.of_machine for each in rows]),
        ("bound over least cycles", [each.of_bound for each in rows]),
    ):
        mean, worst = statistics.geometric_mean(ratios), min(ratios)
        print(f"{what:40} geometric mean {mean:.3f}, worst {worst:.3f}")


if __name__ == "__main__":
    main()
