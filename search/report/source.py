"""What a report is made of: a study as a database holds it, and nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from apollo.search.store import Store, StudyRow
from apollo.search.store.brief import EvaluationCounts, evaluation_counts
from apollo.search.store.detail import DesignRow, LeversRow, designs_of, levers_of
from apollo.search.trial import Trial, best_of

_OF_THE_SEARCH = ("batch", "filter", "merged")  # options that change no reward


@dataclass(frozen=True)
class Source:
    """A stored study, whole."""

    row: StudyRow
    trials: Sequence[Trial]
    designs: Sequence[DesignRow] = ()  # the best first, then the presets
    levers: Sequence[LeversRow] = ()
    evaluations: EvaluationCounts = field(default_factory=lambda: EvaluationCounts(0, 0))
    note: str | None = None  # why something lacks

    @classmethod
    def read(cls, store: Store, row: StudyRow, note: str | None = None) -> "Source":
        """The study of that row."""
        name = row.name
        return cls(
            row,
            store.trials(name),
            designs_of(store, name),
            levers_of(store, name),
            evaluation_counts(store, name),
            note,
        )

    @property
    def name(self) -> str:
        """Of the study."""
        return self.row.name

    @property
    def feasible(self) -> list[Trial]:
        """Trials that are, in order."""
        return [trial for trial in self.trials if trial.feasible]

    @property
    def best(self) -> Trial | None:
        """The best trial, or None."""
        return next(iter(best_of(self.trials)), None)

    @property
    def objectives(self) -> list[str]:
        """What was asked for; none where the study names none."""
        return list(self.row.options.get("objectives", []))

    @property
    def presets(self) -> list[DesignRow]:
        """The shipped designs on the study's networks."""
        return [design for design in self.designs if design.is_preset]

    def problem(self) -> dict[str, Any]:
        """What makes rewards comparable: all options but those of the search itself."""
        others = (*_OF_THE_SEARCH, self.row.optimizer)
        return {n: v for n, v in self.row.options.items() if n not in others and n != "warm_start"}

    def title_of(self, design: DesignRow) -> str:
        """The number of the first trial of a design's point, or the preset's name."""
        if design.is_preset:
            return design.name
        numbers = [trial.number for trial in self.trials if trial.index == design.point]
        return f"trial {min(numbers)}" if numbers else f"point {design.point}"
