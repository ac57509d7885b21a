"""What a report shows of a few designs and of causes, as rows: written when a study ends."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from apollo.search.store.database import reading, sentences, writer
from apollo.search.store.schema import DesignTable, LeverTable, RunTable, StudyTable
from apollo.search.store.store import Store

Columns = Mapping[str, Sequence[Any]]  # of a table, by name, all of one length


@dataclass(frozen=True)
class RunRow:
    """A following inference of a network on a design.

    Raises `ValueError` when the columns of a table are not of one length.

    Attributes:
        network: its name in the study.
        facts: `cycles`, `clock_mhz`, `peak_macs_per_cycle`, `dram_bytes_per_cycle`, capacities.
        layers: `layer`, cycles by cause, `macs`, `dram_bytes`; an item a layer.
        spans: `engine`, `what`, `layer`, `begin`, `end` in cycles; an item an interval.
        memory: `kind`, `tensor`, `first`, `last`, `address`, `bytes`; an item a block.
        energy_uj: by component.

    """

    network: str
    facts: Mapping[str, float]
    layers: Columns
    spans: Columns
    memory: Columns
    energy_uj: Mapping[str, float]

    def __post_init__(self) -> None:
        """Check the tables."""
        for table in (self.layers, self.spans, self.memory):
            if len({len(column) for column in table.values()}) > 1:
                raise ValueError(f"The columns of a table of {self.network} differ in length.")


@dataclass(frozen=True)
class DesignRow:
    """A design on the networks of a study; without runs where it cannot run them."""

    name: str  # of a preset; else the point's number
    point: int | None  # none of a preset
    machine: Mapping[str, int | str]
    area_mm2: Mapping[str, float]  # by component
    reward: float
    resource: str | None  # what does not fit
    reason: str | None
    metrics: Mapping[str, float]
    runs: tuple[RunRow, ...] = ()

    @property
    def is_preset(self) -> bool:
        """Whether it is none of the study's."""
        return self.point is None


@dataclass(frozen=True)
class LeversRow:
    """What makes designs feasible that fail for one cause.

    A lever has `helped` (designs), `steps` (their median), and of one of them the `trial` and the
    `changes`, each with `parameter`, `direction`, `before` and `after`.
    """

    resource: str
    trials: int  # of that cause when the levers were tried
    sampled: int  # of them, the designs that were changed
    levers: Sequence[Mapping[str, Any]]  # what helps most first


def designs_of(store: Store, study: str) -> list[DesignRow]:
    """The designs that are stored in detail, the best first, then the presets."""
    runs: dict[str, list[RunRow]] = {}
    with reading(store.engine) as session:
        for run in session.scalars(_of(RunTable, study).order_by(RunTable.place)):
            row = RunRow(run.network, run.facts, run.layers, run.spans, run.memory, run.energy_uj)
            runs.setdefault(run.design, []).append(row)
        rows = session.scalars(_of(DesignTable, study).order_by(DesignTable.place))
        return [_design(row, runs.get(row.name, ())) for row in rows]


def _design(row: DesignTable, runs: Sequence[RunRow]) -> DesignRow:
    return DesignRow(
        row.name,
        row.point,
        row.machine,
        row.area_mm2,
        row.reward,
        row.resource,
        row.reason,
        row.metrics,
        tuple(runs),
    )


def design_names(store: Store, study: str) -> list[str]:
    """The names of those designs, without what is known of them."""
    with reading(store.engine) as session:
        rows = _of(DesignTable, study).order_by(DesignTable.place)
        return [row.name for row in session.scalars(rows)]


def replace_designs(
    store: Store, study: str, names: Sequence[str], missing: Collection[DesignRow]
) -> None:
    """Keep the designs of these names, in this order, with the missing ones; drop the others."""
    with sentences(store.engine), Session(writer(store.engine)) as session, session.begin():
        study_id = _id(session, store, study)
        mine = (RunTable.study_id == study_id, RunTable.design.not_in(names))
        session.execute(delete(RunTable).where(*mine))
        mine = (DesignTable.study_id == study_id, DesignTable.name.not_in(names))
        session.execute(delete(DesignTable).where(*mine))
        for row in session.scalars(_of(DesignTable, study)):
            row.place = names.index(row.name)
        for design in missing:
            values = vars(design) | {"study_id": study_id, "place": names.index(design.name)}
            runs = values.pop("runs")
            session.execute(insert(DesignTable), [values])
            of_run = {"study_id": study_id, "design": design.name}
            if runs:
                rows = [vars(run) | of_run | {"place": place} for place, run in enumerate(runs)]
                session.execute(insert(RunTable), rows)


def levers_of(store: Store, study: str) -> list[LeversRow]:
    """The levers of every cause that has some, the most frequent cause first."""
    with reading(store.engine) as session:
        rows = _of(LeverTable, study).order_by(LeverTable.trials.desc(), LeverTable.resource)
        return [
            LeversRow(row.resource, row.trials, row.sampled, row.levers)
            for row in session.scalars(rows)
        ]


def replace_levers(store: Store, study: str, rows: Sequence[LeversRow]) -> None:
    """Store the levers of a study in place of others."""
    with sentences(store.engine), Session(writer(store.engine)) as session, session.begin():
        study_id = _id(session, store, study)
        session.execute(delete(LeverTable).where(LeverTable.study_id == study_id))
        if rows:
            session.execute(insert(LeverTable), [vars(r) | {"study_id": study_id} for r in rows])


def _of(table: Any, study: str) -> Any:
    mine = select(table).join(StudyTable, StudyTable.id == table.study_id)
    return mine.where(StudyTable.name == study)


def _id(session: Session, store: Store, study: str) -> int:
    found = session.scalar(select(StudyTable.id).where(StudyTable.name == study))
    if found is None:
        raise ValueError(f"The database '{store.name}' holds no study '{study}' any more.")
    return found
