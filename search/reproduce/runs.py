"""One run: a study in the database of its set of networks, whose evaluations all runs share."""

from pathlib import Path

from apollo.search.measure import evaluator_version
from apollo.search.reproduce.plan import Plan, Run
from apollo.search.reproduce.rows import is_finished, save_rows
from apollo.search.store import Store
from apollo.search.study import Study, run_study
from apollo.search.task import Task
from apollo.search.transfer.warm_start import Start, WarmStart, start_of


def database_of(folder: Path, networks: str) -> Path:
    """The database of all runs on a set of networks."""
    return folder / f"{networks}.db"


def finish(plan: Plan, folder: Path, run: Run) -> None:
    """Run it to its end from where the database has it, and leave its rows.

    Raises `KeyboardInterrupt` after Ctrl-C, when all that is done is stored, and `ValueError` as
    `run_study` does.
    """
    if is_finished(folder, run):
        return
    problem = plan.problem(*run.task)
    task = Task.of(problem)
    start = _start(run, task, folder)
    study = Study(
        run.name,
        run.optimizer,
        run.seed,
        evaluator_version(),
        options=problem.options() | {"content": task.contents} | start.as_options(),
        space=problem.space,
        first=start.points,
    )
    with Store(database_of(folder, run.networks)) as store:
        result = run_study(store, study, task.evaluator()(store), run.trials)
    if result.interrupted:
        raise KeyboardInterrupt
    save_rows(folder, run, result.trials)


def _start(run: Run, task: Task, folder: Path) -> Start:
    if run.source is None:
        return Start()
    source = f"{database_of(folder, run.source.networks)}#{run.source.name}"
    database = database_of(folder, run.networks)
    return start_of(WarmStart((source,)), task, run.seed, run.name, database, folder)
