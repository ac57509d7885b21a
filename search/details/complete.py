"""Everything that a report needs of a study beside its trials, computed and stored."""

from collections import Counter
from collections.abc import Sequence

from apollo.search.details.designs import design_row, wanted_designs
from apollo.search.details.levers import CAUSES, levers_rows
from apollo.search.measure import evaluator_version
from apollo.search.problem import Problem
from apollo.search.store import Store, StudyRow
from apollo.search.store.brief import brief_trials
from apollo.search.store.detail import design_names, levers_of, replace_designs, replace_levers
from apollo.search.studies import row_of
from apollo.search.task import Task


def complete(store: Store, study: str, also: Sequence[int] = ()) -> str | None:
    """Store what lacks of the details of a study: designs, those of other points too, and levers.

    A sentence that says why it cannot be done, or None. Nothing is loaded where nothing lacks.
    """
    log = brief_trials(store, study)
    causes = Counter(trial.resource for trial in log if trial.resource is not None)
    has_levers = dict(causes.most_common(CAUSES)) == {
        row.resource: row.trials for row in levers_of(store, study)
    }
    has_designs = design_names(store, study) == wanted_designs(store, study, also)
    if has_designs and has_levers:
        return None
    try:
        task = task_of(row_of(store, study))
    except ValueError as error:
        return str(error)
    if not has_designs:
        store_designs(store, study, task, also)
    if not has_levers:
        replace_levers(store, study, levers_rows(task, store.trials(study)))
    return None


def store_designs(store: Store, study: str, task: Task, also: Sequence[int] = ()) -> None:
    """Store the designs that lack, in place of those that a report no longer shows."""
    wanted, kept = wanted_designs(store, study, also), design_names(store, study)
    missing = [design_row(task, name) for name in wanted if name not in kept]
    replace_designs(store, study, wanted, missing)


def task_of(row: StudyRow) -> Task:
    """The task of a stored study.

    Raises `ValueError`, one sentence, when it is no study of designs, was made by another
    simulator, or of networks that are not there any more or are others now.
    """
    try:
        problem, content = Problem.of_options(row.options), row.options["content"]
    except KeyError:
        raise ValueError(f"Study '{row.name}' is none of designs for networks.") from None
    if row.version != evaluator_version():
        raise ValueError(
            f"Study '{row.name}' was made by simulator {row.version}, this one is "
            f"{evaluator_version()}: details that it does not hold are not computed."
        )
    task = Task.of(problem)
    for name, key in task.contents.items():
        if content.get(name) != key:
            raise ValueError(f"'{name}' is not what it was when study '{row.name}' was made.")
    return task
