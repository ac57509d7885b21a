"""Our figures on the partition graphs beside the published ones."""

import csv
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np

from apollo.search.placement.partition.bound import max_load_bound_ms
from apollo.search.placement.partition.contiguous import place_contiguous, place_linear
from apollo.search.placement.partition.expert import place_as_expert
from apollo.search.placement.partition.graph import PartitionGraph
from apollo.search.placement.partition.greedy import place_greedily
from apollo.search.placement.partition.local_search import improve, place_by_local_search
from apollo.search.placement.partition.objectives import Objective
from apollo.search.placement.partition.problem import partition_problem
from apollo.search.placement.partition.read import DATA, partition_graphs, read_partition_file
from apollo.search.placement.problem import Ints

Method = Callable[[PartitionGraph], Ints]  # to a placement; ValueError where it has none


class PartitionRow(NamedTuple):
    """What a method came to."""

    graph: str
    objective: Objective
    method: str
    cost_ms: float | None  # also where memory is lacking; None if the method has no placement
    lacking_bytes: int
    published_ms: float | None
    bound_ms: float | None  # of max-load: no placement is below it
    note: str  # why there is no placement


def methods_for(objective: Objective, seed: int = 0) -> Mapping[str, Method]:
    """The methods that the table has for an objective, by name."""
    common: dict[str, Method] = {"one device": _on_one_device, "expert": place_as_expert}
    if objective is Objective.MAX_LOAD:
        return common | {
            "local search": partial(_search, seed=seed),
            "dynamic program, one order": place_linear,
            "dynamic program": place_contiguous,
            "dynamic program, then local search": partial(
                _mend, place=place_contiguous, objective=objective
            ),
        }
    return common | {
        "greedy": place_greedily,
        "dynamic program for max-load": _pipelined,
        "greedy, then local search": partial(_mend, place=place_greedily, objective=objective),
        "dynamic program for max-load, then local search": partial(
            _mend, place=_pipelined, objective=objective
        ),
    }


def objective_for(name: str, objective: str | None = None) -> Objective:
    """The objective of that name; else latency for a graph of the folder `latency`, or max-load.

    Raises `ValueError`, one sentence, when there is no such objective.
    """
    if objective is None:
        return Objective.LATENCY if name.startswith("latency/") else Objective.MAX_LOAD
    if objective not in list(Objective):
        raise ValueError(f"Objective must be max_load or latency, not '{objective}'.")
    return Objective(objective)


def partition_table(
    graphs: Sequence[str] | None = None,
    methods: Sequence[str] | None = None,
    seed: int = 0,
    objective: str | None = None,
) -> list[PartitionRow]:
    """Rows for named graphs and methods; for all that come with Apollo, in some minutes.

    Objectives are as `objective_for` says. Raises `ValueError` for a graph, a method or an
    objective that there is not.
    """
    known = {name for objective in Objective for name in methods_for(objective)}
    for name in methods or ():
        if name not in known:
            raise ValueError(f"Method must be one of {', '.join(sorted(known))}, not '{name}'.")
    rows = []
    for name in graphs if graphs is not None else partition_graphs():
        graph = read_partition_file(name)
        least = objective_for(name, objective)
        bound_ms = max_load_bound_ms(graph) if least is Objective.MAX_LOAD else None
        for method, place in methods_for(least, seed).items():
            if methods is None or method in methods:
                published = _published().get((name, least, method))
                blank = PartitionRow(name, least, method, None, 0, published, bound_ms, "")
                rows.append(_filled(blank, graph, place))
    return rows


def _filled(row: PartitionRow, graph: PartitionGraph, place: Method) -> PartitionRow:
    """The row with the cost of the method's placement, or why there is none."""
    try:
        placement = place(graph)
    except ValueError as error:
        return row._replace(note=str(error))
    costs = partition_problem(graph, row.objective).costs(placement[None, :])
    cost, lacking = float(costs.cost[0]), int(costs.overflow_bytes[0])
    return row._replace(cost_ms=cost, lacking_bytes=lacking)


def _on_one_device(graph: PartitionGraph) -> Ints:
    """[G] Everything on the first accelerator, as if it had the memory."""
    return np.zeros(graph.groups, dtype=np.int64)


def _search(graph: PartitionGraph, seed: int) -> Ints:
    problem = partition_problem(graph, Objective.MAX_LOAD)
    return place_by_local_search(problem, np.random.default_rng(seed))


def _pipelined(graph: PartitionGraph) -> Ints:
    """[G] The split for max-load; for latency all cores are one device."""
    return np.minimum(place_contiguous(graph), graph.accelerators)


def _mend(graph: PartitionGraph, place: Method, objective: Objective) -> Ints:
    return improve(partition_problem(graph, objective), place(graph))


def _published() -> dict[tuple[str, str, str], float]:
    with (DATA / "published.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return {(row["graph"], row["objective"], row["method"]): float(row["cost_ms"]) for row in rows}
