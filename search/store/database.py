"""Opening a database, a file of SQLite or a server of PostgreSQL: tables made, version checked.

What can go wrong is said in one sentence that names the file or the server.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import (
    URL,
    Connection,
    Engine,
    create_engine,
    event,
    insert,
    inspect,
    make_url,
    select,
    text,
)
from sqlalchemy.exc import (
    ArgumentError,
    DatabaseError,
    IntegrityError,
    NoResultFound,
    OperationalError,
)
from sqlalchemy.orm import Session

from apollo.search.store.schema import SCHEMA_VERSION, Base, SchemaRow

SQLITE, POSTGRESQL = "sqlite", "postgresql"
_DRIVERS = {SQLITE: "sqlite", POSTGRESQL: "postgresql+psycopg"}
_MAKING_TABLES = 0x61706F6C  # PostgreSQL's lock for it

_CAUSES = (
    ("locked", "is locked by another process"),
    ("not a database", "is not a study database or is damaged"),
    ("malformed", "is not a study database or is damaged"),
    ("could not decode", "is not a study database or is damaged"),
    ("no such", "is not a study database or is damaged"),
    ("unable to open", "cannot be opened"),
    ("readonly", "cannot be written"),
    ("read-only", "cannot be written"),
    ("disk is full", "cannot grow because the disk is full"),
    ("disk i/o error", "cannot be read or written"),
    ("no space left", "cannot grow because the disk is full"),
)


def url_of(location: str | Path) -> URL:
    """The URL of a file's path, or of a URL of SQLite or PostgreSQL.

    Raises `ValueError`, one sentence, for a URL of anything else.
    """
    if "://" not in str(location):
        return URL.create(SQLITE, database=str(location))
    try:
        url = make_url(str(location))
    except (ArgumentError, ValueError):  # the latter of a port
        url = None
    kind = "" if url is None else url.get_backend_name()
    if url is None or kind not in _DRIVERS or (kind == SQLITE and url.query):
        raise ValueError(
            f"The storage must be a path, sqlite:///PATH or postgresql://USER@HOST/DATABASE, "
            f"not '{location}'."
        )
    return url.set(drivername=_DRIVERS[kind])


def name_of(url: URL) -> str:
    """The file or the URL as messages name it, without a password."""
    if url.get_backend_name() == SQLITE:
        return str(url.database)
    return url.set(drivername=POSTGRESQL).render_as_string(hide_password=True)


def open_database(url: URL, timeout_s: float) -> Engine:
    """The engine of that database, with tables made where there are none.

    A second writer waits `timeout_s` for the first, and a server is waited for as long. Raises
    `ValueError`, one sentence, when it is not a database of this version or cannot be used.
    """
    is_file = url.get_backend_name() == SQLITE
    if is_file:
        _make_folder(Path(str(url.database)))
    timeout = {"timeout": timeout_s} if is_file else {"connect_timeout": max(2, int(timeout_s))}
    try:
        engine = create_engine(
            url, connect_args=timeout, json_serializer=_json, pool_pre_ping=not is_file
        )
    except ModuleNotFoundError:
        raise ValueError(
            "A PostgreSQL storage needs a driver: pip install 'apollo-dse[postgresql]'."
        ) from None
    if is_file:
        event.listen(engine, "connect", _on_connect)
        event.listen(engine, "begin", _on_begin)
    try:
        with sentences(engine):
            _check_tables(engine)
    except BaseException:
        engine.dispose()
        raise
    return engine


def writer(engine: Engine) -> Engine:
    """The engine for a transaction that writes: it waits for its turn before it reads.

    In a file, a reader that turns writer in the middle fails at once when another process wrote
    meanwhile.
    """
    return engine.execution_options(begin="IMMEDIATE")


@contextmanager
def sentences(engine: Engine) -> Iterator[None]:
    """Turn what a database says into a `ValueError` that names it."""
    name = name_of(engine.url)
    try:
        yield
    except UnicodeDecodeError:  # what it says quotes what it read
        raise ValueError(_damaged(engine)) from None
    except IntegrityError:
        raise ValueError(
            f"The database '{name}' was changed by another process running the same study."
        ) from None
    except DatabaseError as error:
        said = str(error.orig).lower()
        for word, cause in _CAUSES:
            if word in said:
                raise ValueError(f"The database '{name}' {cause}.") from None
        if isinstance(error, OperationalError):
            what = "reached" if engine.dialect.name == POSTGRESQL else "used"
            why = str(error.orig).strip().splitlines()[-1].strip().rstrip(".?")
            raise ValueError(f"The database '{name}' cannot be {what}: {why}.") from None
        raise


@contextmanager
def reading(engine: Engine) -> Iterator[Session]:
    """A session to read rows and make values of them; a row of which none can be made is damage."""
    with sentences(engine), Session(engine) as session:
        try:
            yield session
        except (ValueError, TypeError, AttributeError, LookupError, NoResultFound):
            raise ValueError(_damaged(engine)) from None


def _damaged(engine: Engine) -> str:
    return f"The database '{name_of(engine.url)}' is not a study database or is damaged."


def _make_folder(path: Path) -> None:
    if path.is_dir():
        raise ValueError(f"The database '{path}' must be a file, not a folder.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(f"The folder '{path.parent}' cannot be made: {error.strerror}.") from None


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


def _check_tables(engine: Engine) -> None:
    with engine.connect() as connection:
        names = set(inspect(connection).get_table_names())
    if not names:
        _make_tables(engine)
    elif SchemaRow.__tablename__ not in names:
        raise ValueError(_damaged(engine))
    with reading(engine) as session:
        version = int(session.scalars(select(SchemaRow.version)).one())
    if version != SCHEMA_VERSION:
        is_older = version < SCHEMA_VERSION
        age = "an older" if is_older else "a newer"
        advice = "use that one, or a new study" if is_older else "update to use it"
        raise ValueError(
            f"The database '{name_of(engine.url)}' was made by {age} Apollo "
            f"(schema {version}, this one reads {SCHEMA_VERSION}): {advice}."
        )


def _make_tables(engine: Engine) -> None:
    """All tables or none, also when killed; those that another process made meanwhile are kept."""
    with writer(engine).begin() as connection:
        if engine.dialect.name == POSTGRESQL:
            connection.execute(text(f"SELECT pg_advisory_xact_lock({_MAKING_TABLES})"))
        if not inspect(connection).get_table_names():
            Base.metadata.create_all(connection)
            connection.execute(insert(SchemaRow).values(version=SCHEMA_VERSION))
