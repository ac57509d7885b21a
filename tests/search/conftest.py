import pytest

from apollo.search.store import Store


@pytest.fixture
def store(tmp_path):
    with Store(tmp_path / "study.db") as opened:
        yield opened
