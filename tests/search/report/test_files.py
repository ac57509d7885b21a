"""Files on a disk that is full, or that end half-way: whole or not at all."""

import re
from pathlib import Path

import pytest

from apollo.search.report.files import whole_file


def refuses(path: Path, sentence: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"), whole_file(path) as part:
        part.write_text("text")


def test_a_file_is_written_whole(tmp_path: Path) -> None:
    for text in ("first", "second"):
        with whole_file(tmp_path / "a.txt") as part:
            part.write_text(text)
        assert (tmp_path / "a.txt").read_text() == text
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_what_was_there_stays_when_the_writing_ends_early(
    tmp_path: Path, error: type[BaseException]
) -> None:
    (tmp_path / "a.txt").write_text("first")

    def ends_early() -> None:
        with whole_file(tmp_path / "a.txt") as part:
            part.write_text("sec")
            raise error

    with pytest.raises(error):
        ends_early()
    assert [path.read_text() for path in tmp_path.iterdir()] == ["first"]


def test_a_full_disk_is_one_sentence(tmp_path: Path) -> None:
    refuses(Path("/dev/full"), "The file '/dev/full' cannot be written: No space left on device.")
    assert Path("/dev/full").is_char_device()


def test_what_cannot_be_written_is_said(tmp_path: Path) -> None:
    refuses(tmp_path, f"The file '{tmp_path}' must not be a folder.")
    path = tmp_path / "no" / "a.txt"
    refuses(path, f"There is no folder '{path.parent}' to write '{path}' into.")


def test_a_link_stays_one(tmp_path: Path) -> None:
    real, link = tmp_path / "real.html", tmp_path / "link.html"
    real.write_text("old")
    link.symlink_to(real)
    with whole_file(link) as part:
        part.write_text("new")
    assert link.is_symlink()
    assert real.read_text() == "new"
    assert sorted(tmp_path.iterdir()) == [link, real]
