from collections.abc import Iterator
from pathlib import Path

import pytest

from apollo.search.store import Store
from tests.postgresql import server


@pytest.fixture
def store(tmp_path):
    with Store(tmp_path / "study.db") as opened:
        yield opened


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """The URL of a server for all tests of a process."""
    with server() as url:
        yield url


@pytest.fixture(params=["file", "server"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database, in a file and on the server."""
    if request.param == "file":
        yield str(tmp_path / "study.db")
        return
    from sqlalchemy import create_engine, text

    url = request.getfixturevalue("postgresql")
    yield url
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE; CREATE SCHEMA public"))
    engine.dispose()
