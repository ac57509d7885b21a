"""Opening a database: SQLite with a write-ahead log, tables made, version checked.

What can go wrong with the file is said in one sentence that names it.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, insert, inspect, select
from sqlalchemy.exc import DatabaseError, IntegrityError
from sqlalchemy.orm import Session

from apollo.search.store.schema import SCHEMA_VERSION, Base, SchemaRow

_CAUSES = (
    ("locked", "is locked by another process"),
    ("not a database", "is not a study database or is damaged"),
    ("malformed", "is not a study database or is damaged"),
    ("unable to open", "cannot be opened"),
    ("readonly", "cannot be written"),
    ("disk is full", "cannot grow because the disk is full"),
    ("disk i/o error", "cannot be read or written"),
)


def open_database(path: Path, timeout_s: float) -> Engine:
    """The engine of the database in that file, made when there is none.

    A second writer waits `timeout_s` for the first. Raises `ValueError`, one sentence, when the
    file is not a database of this version or cannot be used.
    """
    if path.is_dir():
        raise ValueError(f"The database '{path}' must be a file, not a folder.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(f"The folder '{path.parent}' cannot be made: {error.strerror}.") from None
    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        connect_args={"timeout": timeout_s},
        json_serializer=_json,
    )
    event.listen(engine, "connect", _on_connect)
    event.listen(engine, "begin", _on_begin)
    try:
        with sentences(path):
            _check_tables(engine, path)
    except BaseException:
        engine.dispose()
        raise
    return engine


def writer(engine: Engine) -> Engine:
    """The engine for a transaction that writes: it waits for its turn before it reads.

    A reader that turns writer in the middle fails at once when another process wrote meanwhile.
    """
    return engine.execution_options(begin="IMMEDIATE")


@contextmanager
def sentences(path: Path) -> Iterator[None]:
    """Turn what a database says about its file into a `ValueError` that names the file."""
    try:
        yield
    except IntegrityError:
        raise ValueError(
            f"The database '{path}' was changed by another process running the same study."
        ) from None
    except DatabaseError as error:
        text = str(error.orig).lower()
        for word, cause in _CAUSES:
            if word in text:
                raise ValueError(f"The database '{path}' {cause}.") from None
        raise


def _on_connect(connection: Any, _record: Any) -> None:
    # The driver would begin transactions late and not before CREATE TABLE; "begin" does instead.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=NORMAL")  # a killed process loses no commit
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def _json(value: Any) -> str:
    """Names stay in the order given: parameters in that of the space."""
    return json.dumps(value, separators=(",", ":"), allow_nan=False)


def _on_begin(connection: Connection) -> None:
    kind = connection.get_execution_options().get("begin", "DEFERRED")
    connection.exec_driver_sql(f"BEGIN {kind}")


def _check_tables(engine: Engine, path: Path) -> None:
    with engine.connect() as connection:
        names = set(inspect(connection).get_table_names())
    if not names:
        _make_tables(engine)
    elif SchemaRow.__tablename__ not in names:
        raise ValueError(f"The database '{path}' is not a study database or is damaged.")
    with Session(engine) as session:
        version = session.scalars(select(SchemaRow.version)).one()
    if version != SCHEMA_VERSION:
        age = "an older" if version < SCHEMA_VERSION else "a newer"
        raise ValueError(
            f"The database '{path}' was made by {age} Apollo "
            f"(schema {version}, this one reads {SCHEMA_VERSION})."
        )


def _make_tables(engine: Engine) -> None:
    """All tables or none, also when killed; those that another process made meanwhile are kept."""
    with writer(engine).begin() as connection:
        if not inspect(connection).get_table_names():
            Base.metadata.create_all(connection)
            connection.execute(insert(SchemaRow).values(version=SCHEMA_VERSION))
