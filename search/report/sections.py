"""The sections of a report over whole studies, in the order of the page."""

from collections.abc import Callable, Sequence

from apollo.search.report.best import best_table
from apollo.search.report.causes import causes_figure, causes_table, levers_table
from apollo.search.report.course import course_figure
from apollo.search.report.embedding import MOST_POINTS, embed, map_figure, sampled_points
from apollo.search.report.front import Quantity, front_figure, front_trials, quantities
from apollo.search.report.importance import (
    importance_figure,
    importance_of_feasibility,
    importance_of_reward,
)
from apollo.search.report.parallel import MOST_PARAMETERS, parallel_figure
from apollo.search.report.section import Section, Selector, Slot, Table, always
from apollo.search.report.source import Source
from apollo.search.report.summary import provenance_table, studies_table
from apollo.search.report.theme import Figure, words

View = Figure | Table | str
NOTHING_FEASIBLE = "No trial of this study is feasible."


def summary_section(sources: Sequence[Source]) -> Section:
    """How far the studies came, and what their trials depend on."""
    notes = [f"{source.note}" for source in sources if source.note]
    problems = {str(source.problem()) for source in sources}
    if len(problems) > 1:
        notes.append("The studies are not of one problem, so their rewards do not compare.")
    return Section(
        "summary",
        "Summary",
        " ".join(notes),
        [
            Slot("Studies", always(studies_table(sources))),
            Slot(
                "Provenance",
                always(provenance_table(sources)),
                "With these options, versions and seeds the same trials are made again.",
            ),
        ],
    )


def front_section(sources: Sequence[Source]) -> Section:
    """Designs that no other beats in both of two quantities."""
    pairs = quantities(sources)
    text = "A design on the front is beaten in both quantities by no other that was found."
    if not pairs:
        has_any = any(source.feasible for source in sources)
        why = "The trials have no two quantities to compare." if has_any else NOTHING_FEASIBLE
        return Section("front", "Pareto front", text, [Slot("", always(why))])
    figures: dict[str, View] = {}
    tables: dict[str, View] = {}
    for number, (x, y) in enumerate(pairs):
        figures[str(number)] = front_figure(sources, x, y)
        tables[str(number)] = _front_table(sources, x, y)
    options = [f"{words(x.name)} and {words(y.name)}" for x, y in pairs]
    slots = [Slot("", figures), Slot("The front", tables)]
    return Section("front", "Pareto front", text, slots, [Selector("Quantities", options)])


def _front_table(sources: Sequence[Source], x: Quantity, y: Quantity) -> Table:
    fronts = [(s.name, trial) for s in sources for trial in front_trials(s.feasible, x, y)]
    names = list(fronts[0][1].parameters)
    few = names if len(names) <= MOST_PARAMETERS else []
    is_alone = len(sources) == 1
    rows = [
        (
            *([] if is_alone else [study]),
            *(trial.number, x.of(trial), y.of(trial), trial.reward),
            *(trial.parameters.get(name) for name in few),
        )
        for study, trial in fronts
    ]
    study = [] if is_alone else ["study"]
    return Table((*study, "trial", x.name, y.name, "reward", *few), rows, "front")


def course_section(sources: Sequence[Source]) -> Section:
    """The best so far over the trials."""
    has_any = any(source.feasible for source in sources)
    view: View = course_figure(sources) if has_any else NOTHING_FEASIBLE
    text = "The reward of the best design so far, trial by trial."
    return Section("convergence", "Convergence", text, [Slot("", always(view))])


def best_section(sources: Sequence[Source]) -> Section:
    """Designs side by side."""
    views = _by_study(
        sources, lambda source: best_table(source, f"best-{source.name}") or NOTHING_FEASIBLE
    )
    text = "What the best designs are and reach, beside the presets on the same networks."
    return Section("best", "Best designs", text, [Slot("", views)], _studies(sources))


def parallel_section(sources: Sequence[Source]) -> Section:
    """Parameters of all feasible designs."""
    slot = Slot("", _by_study(sources, _parallel), wide=True)
    text = (
        "A line is a feasible design, the darker the better. Drag along an axis to keep a range, "
        "click it to let go."
    )
    return Section("parallel", "Parallel coordinates", text, [slot], _studies(sources))


def _parallel(source: Source) -> View:
    if not source.feasible:
        return NOTHING_FEASIBLE
    count = len(source.trials[0].parameters)
    if not 0 < count <= MOST_PARAMETERS:
        return f"Designs of {count} parameters are not drawn as lines."
    return parallel_figure(source.trials)


def importance_section(sources: Sequence[Source]) -> Section:
    """Which parameters matter."""
    text = (
        "How much worse a random forest predicts trials that it was not fitted to when the values "
        "of one parameter are mixed up. A score near 1 says that the forest knows the space, one "
        "near 0 that the bars mean little."
    )
    views = _by_study(sources, _importance)
    return Section(
        "importance", "Importance of parameters", text, [Slot("", views)], _studies(sources)
    )


def _importance(source: Source) -> View:
    if source.trials and len(source.trials[0].parameters) > MOST_PARAMETERS:
        return "There are too many parameters to compare them one by one."
    reward = importance_of_reward(source.trials)
    feasibility = importance_of_feasibility(source.trials)
    if reward is None and feasibility is None:
        return "There are too few trials, or all are alike, so nothing can be said of parameters."
    return importance_figure(reward, feasibility)


def causes_section(sources: Sequence[Source]) -> Section:
    """Why points were infeasible."""

    def levers(source: Source) -> View:
        if any(row.levers for row in source.levers):
            return levers_table(source.levers, f"levers-{source.name}")
        return "No change within the searched space is known to make one of these designs feasible."

    def all_feasible(source: Source) -> str | None:
        is_any = any(not trial.feasible for trial in source.trials)
        return None if is_any else "Every trial of this study is feasible."

    slots = [
        Slot("", _by_study(sources, lambda s: all_feasible(s) or causes_figure(s.trials))),
        Slot(
            "Causes",
            _by_study(
                sources,
                lambda s: all_feasible(s) or causes_table(s.trials, f"causes-{s.name}"),
            ),
        ),
        Slot(
            "Levers",
            _by_study(sources, lambda s: all_feasible(s) or levers(s)),
            "Of each frequent cause a few designs were changed by as little as helps: one "
            "parameter, or several where none does alone. Each change was compiled and run.",
        ),
    ]
    text = "Shares of the trials along the search; what did not fit, and what would make it fit."
    return Section("causes", "Why points were infeasible", text, slots, _studies(sources))


def map_section(sources: Sequence[Source]) -> Section:
    """The explored points on one map for all studies."""
    text = (
        "Points with similar parameters are near to each other (t-SNE); distances between groups "
        "mean little. Infeasible points are stars, feasible ones circles, the larger and darker "
        "the better, the best ones are crossed."
    )
    return Section("map", "Explored points", text, [Slot("", _maps(sources))], _studies(sources))


def _maps(sources: Sequence[Source]) -> dict[str, View]:
    """Studies of the same parameters share a map, so that they compare."""
    names = [tuple(source.trials[0].parameters) if source.trials else () for source in sources]
    views: dict[str, View] = {}
    for group in dict.fromkeys(names):
        mine = [number for number, each in enumerate(names) if each == group]
        share = MOST_POINTS // len(mine)
        points = {n: sampled_points(sources[n].trials, share) for n in mine}
        places = embed([trial for n in mine for trial in points[n]]) if group else None
        first = 0
        for number in mine:
            count = len(points[number])
            views[str(number)] = (
                "There are too few different points for a map."
                if places is None or not count
                else map_figure(points[number], places[first : first + count])
            )
            first += count
    return views


def _by_study(sources: Sequence[Source], view: Callable[[Source], View]) -> dict[str, View]:
    return {str(number): view(source) for number, source in enumerate(sources)}


def _studies(sources: Sequence[Source]) -> list[Selector]:
    return [Selector("Study", [source.name for source in sources])]
