"""The tables. A row is numbers and strings; docs/studies.md describes every column.

Floats are stored as they are (8 bytes, or JSON text that reads back to the same bits), so rows of
two runs compare with `==`.
"""

from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, ForeignKeyConstraint, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

SCHEMA_VERSION = 5


class Base(DeclarativeBase):
    """Parent of the tables."""


class SchemaRow(Base):
    """One row: the version of the schema, written last when a database is made."""

    __tablename__ = "apollo_schema"

    version: Mapped[int] = mapped_column(primary_key=True)


class StudyTable(Base):
    """A study and everything that its rows depend on."""

    __tablename__ = "study"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    optimizer: Mapped[str]
    seed: Mapped[int] = mapped_column(BigInteger)
    options: Mapped[str]  # canonical JSON
    version: Mapped[str]  # of the simulator
    created: Mapped[str]  # ISO 8601, UTC


class TrialTable(Base):
    """A trial of a study."""

    __tablename__ = "trial"

    study_id: Mapped[int] = mapped_column(ForeignKey("study.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    point: Mapped[int] = mapped_column(BigInteger)  # index in the space
    parameters: Mapped[dict[str, int]] = mapped_column(JSON)
    feasible: Mapped[bool]
    reward: Mapped[float]
    objectives: Mapped[list[float]] = mapped_column(JSON)  # where there are several
    metrics: Mapped[dict[str, float]] = mapped_column(JSON)
    resource: Mapped[str | None]
    reason: Mapped[str | None]
    seconds: Mapped[float]
    proposer: Mapped[str | None]  # member of an optimizer that is made of several


class EvaluationTable(Base):
    """One design on one network, cached by what it depends on."""

    __tablename__ = "evaluation"
    __table_args__ = (UniqueConstraint("design", "network", "options", "version"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    design: Mapped[str]
    network: Mapped[str]
    options: Mapped[str]
    version: Mapped[str]
    feasible: Mapped[bool]
    metrics: Mapped[dict[str, float]] = mapped_column(JSON)
    resource: Mapped[str | None]
    reason: Mapped[str | None]


class TrialEvaluationTable(Base):
    """Which evaluations a trial was made of: none when a budget rejected it."""

    __tablename__ = "trial_evaluation"
    __table_args__ = (
        ForeignKeyConstraint(["study_id", "number"], ["trial.study_id", "trial.number"]),
    )

    study_id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    evaluation_id: Mapped[int] = mapped_column(ForeignKey("evaluation.id"), primary_key=True)


class JobTable(Base):
    """A point that waits for a worker, is being evaluated, or was."""

    __tablename__ = "job"

    study_id: Mapped[int] = mapped_column(ForeignKey("study.id"), primary_key=True)
    point: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    place: Mapped[int]  # among the jobs of the study: the order in which they are taken
    networks: Mapped[list[str]] = mapped_column(JSON)  # to be measured
    worker: Mapped[str | None]  # that has it, or had it last
    lease_until: Mapped[float | None]  # seconds since 1970 by the database's clock; free after it
    seconds: Mapped[float | None]  # that it took; none while it is open


class DesignTable(Base):
    """A design that a report shows in detail: of the best of a study, or a preset."""

    __tablename__ = "design"

    study_id: Mapped[int] = mapped_column(ForeignKey("study.id"), primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)  # of a preset; else the point's number
    place: Mapped[int]  # among the designs of the study
    point: Mapped[int | None] = mapped_column(BigInteger)  # none of a preset
    machine: Mapped[dict[str, int | str]] = mapped_column(JSON)  # all that the machine is, by name
    area_mm2: Mapped[dict[str, float]] = mapped_column(JSON)  # by component
    reward: Mapped[float]
    resource: Mapped[str | None]
    reason: Mapped[str | None]  # why it has no reward
    metrics: Mapped[dict[str, float]] = mapped_column(JSON)


class RunTable(Base):
    """A following inference of a network on such a design. Lists have an item a layer or a span."""

    __tablename__ = "run"
    __table_args__ = (
        ForeignKeyConstraint(["study_id", "design"], ["design.study_id", "design.name"]),
    )

    study_id: Mapped[int] = mapped_column(primary_key=True)
    design: Mapped[str] = mapped_column(primary_key=True)
    network: Mapped[str] = mapped_column(primary_key=True)
    place: Mapped[int]  # among the networks of the study
    facts: Mapped[dict[str, float]] = mapped_column(JSON)
    layers: Mapped[dict[str, Any]] = mapped_column(JSON)
    spans: Mapped[dict[str, Any]] = mapped_column(JSON)
    memory: Mapped[dict[str, Any]] = mapped_column(JSON)
    energy_uj: Mapped[dict[str, float]] = mapped_column(JSON)


class LeverTable(Base):
    """Which changes make designs feasible that were not, of those that fail for one cause."""

    __tablename__ = "lever"

    study_id: Mapped[int] = mapped_column(ForeignKey("study.id"), primary_key=True)
    resource: Mapped[str] = mapped_column(primary_key=True)
    trials: Mapped[int]  # of that cause when the levers were tried
    sampled: Mapped[int]  # of them, the designs that were changed
    levers: Mapped[list[dict[str, Any]]] = mapped_column(JSON)  # what helps most first
