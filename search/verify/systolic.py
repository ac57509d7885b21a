"""Arrays of many sizes with data on the chip: simulated cycles, closed form, SCALE-Sim."""

from apollo.compiler.systolic.layers import Shape, Window
from apollo.search.verify.figures import Figure, Part
from apollo.search.verify.on_chip import Run, Work, gemm, run

SIZES = (8, 16, 32, 128, 256)
WORKS = (
    gemm(64, 64, 64),
    gemm(200, 300, 100),
    gemm(5, 1000, 37),
    Work("conv 14x14x64, 3x3, 96", Shape(1, 16, 16, 64), Window((3, 3)), 96),
    Work("conv 28x28x3, 5x5 by 2, 40", Shape(2, 31, 31, 3), Window((5, 5), (2, 2)), 40),
)
COLUMNS = (
    "work ",
    "array ",
    "stationary ",
    "cycles",
    "closed form",
    "SCALE-Sim",
    "skew",
    "shifts",
    "ragged",
)
NOTES = (
    "Cycles from the first shift (or multiplication) to the last retirement; closed forms and "
    "SCALE-Sim's formulas in docs/systolic.md.",
    "SCALE-Sim runs tile after tile; ours overlaps the skew of a tile, and the shift of the next "
    "weights, with multiplications. SCALE-Sim = cycles + skew + shifts - ragged - 1, exactly.",
)


def runs() -> list[Run]:
    """Every size of array, work and dataflow."""
    return [
        run(work, rows, columns, output_stationary=stays)
        for work in WORKS
        for rows in SIZES
        for columns in SIZES
        for stays in (False, True)
    ]


def verify_systolic() -> Part:
    """Two figures for every run: the closed form, and SCALE-Sim less what is overlapped."""
    figures, rows = [], []
    for result in runs():
        flow = "outputs" if result.output_stationary else "weights"
        array = f"{result.rows}x{result.columns}"
        subject = f"{result.work.name} on {array}, {flow} stationary"
        cycles, less = float(result.cycles), result.scale_sim - result.explained
        figures.append(Figure(subject, "closed form", result.closed_form, cycles, 0.0))
        figures.append(Figure(subject, "SCALE-Sim less overlap", less, cycles, 0.0))
        figures.append(Figure(subject, "SCALE-Sim", result.scale_sim, cycles))
        counts = (
            result.cycles,
            result.closed_form,
            result.scale_sim,
            result.overlapped_skew,
            result.overlapped_shifts,
            result.ragged_tiles,
        )
        if result.rows == result.columns:
            rows.append((result.work.name, array, flow, *(f"{count:,}" for count in counts)))
    title = "Systolic arrays, data on the chip (square ones; --json has all)"
    return Part("systolic", title, tuple(figures), COLUMNS, tuple(rows), NOTES)
