"""Tables of what came of the networks; each function says whether something is wrong."""

import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from apollo.arch.accelerator import Accelerator, load_design
from apollo.workloads.quantize.calibrate import synthetic
from tests.compiler.zoo import layers, top1
from tests.compiler.zoo.cases import CLASSIFIERS, FEW, THIRD_PARTY, VARIANTS, Outcome, case_of
from tests.compiler.zoo.occurrences import REQUIRED, missing
from tests.compiler.zoo.runs import executed, presets_and_random
from tests.workloads.integer.against import Row

PRESETS = 3  # before the random designs
OF_FEW = 5
STATES = ("equal", "does not fit", "no lowering", "differs")
DESIGN = "edge_tpu_v1"
EXECUTED = 10  # pictures
LEAST_SAME = 0.99
WIDE, MOST_WIDE = ", 16 bits", 65_536 // 200  # memories behind gates that tables have normalised


def on_designs(names: Sequence[str], count: int, seed: int) -> bool:
    """Every network on presets and random designs, and what occurs in the programs."""
    seen, failed = Counter[str](), False
    _head("network", *STATES, "s")
    for name in names:
        designs = min(OF_FEW, count) if name in FEW else count
        failed |= _row(name, presets_and_random(seed), PRESETS + designs, seen)
    lacking = missing(seen)
    print("\n".join(f"{times:8} {what}" for what, times in sorted(seen.items())))
    found = len(REQUIRED) - len(lacking)
    print(f"occurs: {found} of {len(REQUIRED)}; missing: {', '.join(lacking) or 'nothing'}")
    return failed or (bool(lacking) and len(names) > len(VARIANTS))


def on_arrays(names: Sequence[str]) -> bool:
    """Every network on the presets with an array."""
    _head("network", *STATES, "s")
    designs = [load_design("tpu_v1"), load_design("gemmini")]
    return any([_row(name, designs, len(designs), Counter()) for name in names])


def by_operator(names: Sequence[str]) -> bool:
    """Operators as programs of their own on ONNX Runtime's inputs, by kind."""
    rows: dict[str, list[Row]] = defaultdict(list)
    for name in names:
        if name in THIRD_PARTY or name in VARIANTS:
            continue
        model = case_of(name).model
        for row in layers.compare(model, synthetic(model, 0, 1)[0], load_design(DESIGN)):
            is_wide = model.quantization[row.tensor].bits == 16
            rows[f"{row.label}{WIDE * is_wide}"].append(row)
    _head("operator", "outputs", "16 values or more", "elements", "exact, %", "largest difference")
    for label, found in sorted(rows.items()):
        elements = sum(row.elements for row in found)
        exact = 100 * sum(row.exact * row.elements for row in found) / elements
        distinct, most = sum(row.fit for row in found), max(row.difference for row in found)
        print(f"| {label} | {len(found)} | {distinct} | {elements:,} | {exact:.4f} | {most} |")
    return any(
        row.difference > (MOST_WIDE if label.endswith(WIDE) else 1)
        for label, found in rows.items()
        for row in found
    )


def end_to_end(names: Sequence[str], count: int) -> bool:
    """The class that is put first, on so many pictures."""
    failed = False
    _head("network", "same class first", "of", "executed", "classes", "right, %", "difference")
    for name in names:
        if name in CLASSIFIERS:
            found = top1.agreement(name, load_design(DESIGN), count, EXECUTED)
        elif name in top1.OF_INTERPRETER:
            found = top1.agreement_with_interpreter(name, load_design(DESIGN), count, EXECUTED)
        else:
            continue
        right = "" if found.right is None else f"{100 * found.right:.1f}"
        columns = (found.same, found.count, found.executed, found.kinds, right, found.difference)
        print(f"| `{name}` | {' | '.join(map(str, columns))} |", flush=True)
        failed |= found.same < LEAST_SAME * found.count
    return failed


def _head(*columns: str) -> None:
    print(f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}", flush=True)


def _row(name: str, designs: Iterable[Accelerator], feasible: int, seen: Counter[str]) -> bool:
    """A network's; whether a program differs or the compiler fails."""
    start = time.process_time()
    try:
        outcomes, found = executed(name, designs, feasible)
    except Exception as error:  # the other networks are still of interest
        print(f"| `{name}` | {type(error).__name__}: {error} |", flush=True)
        return True
    seen.update(found)
    states = Counter(outcome.state for outcome in outcomes.values())
    seconds = time.process_time() - start
    print(f"| `{name}` | {' | '.join(str(states[state]) for state in STATES)} | {seconds:.0f} |")
    _reasons(outcomes)
    return bool(states["differs"])


def _reasons(outcomes: dict[str, Outcome]) -> None:
    for design, outcome in outcomes.items():
        if outcome.state in ("differs", "no lowering"):
            print(f"    {design}: {outcome.reason}")
    print(end="", flush=True)
