"""The section on a chosen design: its run on a network, and what it is made of."""

from collections.abc import Sequence

from apollo.search.report.breakdown import breakdown_figure, breakdown_table
from apollo.search.report.memory import CORE_MEMORY, PE_MEMORY, memory_figure
from apollo.search.report.roofline import roofline_figure
from apollo.search.report.section import Section, Selector, Slot, Table, always
from apollo.search.report.source import Source
from apollo.search.report.stalls import layers_table, stalls_figure
from apollo.search.report.theme import BEST, FEASIBLE, Figure, words
from apollo.search.report.timeline import timeline_figure
from apollo.search.store.detail import DesignRow, RunRow

View = Figure | Table | str
# The slots: title, how to read it, whether two stand side by side.
_SLOTS = (
    ("", "", False),  # in a sentence
    (
        "Cycles of the layers",
        "What the compute engine does for each layer, in a following inference.",
        False,
    ),
    (
        "Timeline",
        "When each engine works; the two blues tell neighbouring layers apart.",
        False,
    ),
    ("PE memory", "What each PE holds while which layers run.", True),
    ("Core memory", "Parameters that stay in each core, and others that pass through.", True),
    ("Energy", "Of a following inference, by component.", True),
    ("Area", "Of the chip, by component.", True),
    (
        "Roofline",
        "What each layer reaches, against what bandwidth and multipliers allow; the larger a mark, "
        "the longer the layer takes.",
        False,
    ),
    ("Layers in numbers", "", False),
    ("Energy in numbers", "", True),
    ("Area in numbers", "", True),
    ("Parameters", "", True),
)


def design_section(sources: Sequence[Source], chosen: int | None = None) -> Section:
    """Details of designs; `chosen` is the trial that is shown at first."""
    known = [(source, design) for source in sources for design in _shown(source, sources)]
    title, text = "A design in detail", "One of the best designs or a preset, on one network."
    if not known:
        why = "The studies hold no details of designs. " + " ".join(s.note or "" for s in sources)
        return Section("design", title, text, [Slot("", always(why.strip()))])
    networks = list(dict.fromkeys(run.network for _, design in known for run in design.runs))
    views: list[dict[str, View]] = [{} for _ in _SLOTS]
    for number, (source, design) in enumerate(known):
        runs = {run.network: run for run in design.runs}
        for place, network in enumerate(networks):
            file = f"{source.title_of(design)}-{network}".replace(" ", "-").replace("/", "-")
            for slot, view in zip(views, _views(design, runs.get(network), file), strict=True):
                slot[f"{number},{place}"] = view
    labels = [_label(source, design, len(sources) > 1) for source, design in known]
    selected = _selected(known, chosen)
    slots = [
        Slot(title, view, note, half=half)
        for (title, note, half), view in zip(_SLOTS, views, strict=True)
    ]
    selectors = [Selector("Design", labels, selected), Selector("Network", networks)]
    return Section("design", title, text, slots, selectors)


def _shown(source: Source, sources: Sequence[Source]) -> list[DesignRow]:
    """The designs of a study; presets once where studies are of one problem."""
    earlier = sources[: sources.index(source)]
    is_repeated = any(each.problem() == source.problem() and each.presets for each in earlier)
    return [design for design in source.designs if not (is_repeated and design.is_preset)]


def _label(source: Source, design: DesignRow, is_one_of_several: bool) -> str:
    kind = "preset " if design.is_preset else ""
    study = f"{source.name}: " if is_one_of_several else ""
    reached = f"reward {design.reward:.3f}" if design.reason is None else "infeasible"
    return f"{study}{kind}{source.title_of(design)}, {reached}"


def _selected(known: Sequence[tuple[Source, DesignRow]], chosen: int | None) -> int:
    log = known[0][0].trials
    if chosen is None or chosen >= len(log):
        return 0
    points = [design.point for _, design in known]
    return points.index(log[chosen].index) if log[chosen].index in points else 0


def _views(design: DesignRow, run: RunRow | None, file: str) -> list[View]:
    area = breakdown_figure(design.area_mm2, "mm²", BEST)
    numbers = (
        breakdown_table(design.area_mm2, "mm²", f"area-{file}"),
        _parameters(design, f"parameters-{file}"),
    )
    about = _about(design, run)
    if run is None:
        why = design.reason or "This design was not run on this network."
        return [about, *[why] * 5, area, *[why] * 3, *numbers]
    return [
        about,
        stalls_figure(run),
        timeline_figure(run),
        memory_figure(run, PE_MEMORY) or "Nothing is held in PE memory.",
        memory_figure(run, CORE_MEMORY) or "Nothing is held in core memory.",
        breakdown_figure(run.energy_uj, "µJ", FEASIBLE),
        area,
        roofline_figure(run) or "No layer has multiply-accumulates.",
        layers_table(run, f"layers-{file}"),
        breakdown_table(run.energy_uj, "µJ", f"energy-{file}"),
        *numbers,
    ]


def _parameters(design: DesignRow, file: str) -> Table:
    rows = [(words(name), value) for name, value in design.machine.items() if value != ""]
    return Table(("parameter", "value"), rows, file)


def _about(design: DesignRow, run: RunRow | None) -> str:
    """A design in a sentence, and why it is infeasible."""
    facts = [f"{sum(design.area_mm2.values()):.2f} mm²"]
    if design.reason is None:
        facts.insert(0, f"Reward {design.reward:.4f}")
    if run is not None:
        ms = run.facts["cycles"] / (1000 * run.facts["clock_mhz"])
        facts.append(f"{ms:.4g} ms and {sum(run.energy_uj.values()):.4g} µJ a following inference")
    said = f" It is infeasible: {design.reason}" if design.reason else ""
    return f"{', '.join(facts)}.{said}"
