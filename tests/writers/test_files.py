"""Writing a file whole, and never over somebody else's."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from envlock.errors import OccupiedPathError, WriteError
from envlock.writers.constraints_txt import ConstraintsTxtWriter
from envlock.writers.files import find_writer, refuse_foreign_file, write_whole, written_together
from envlock.writers.requirements_txt import RequirementsTxtWriter
from tests.writers.locks import LOCK

WRITERS = (ConstraintsTxtWriter(), RequirementsTxtWriter())
TEXT = WRITERS[1].render(LOCK)


@pytest.mark.parametrize("content", [None, TEXT])
def test_a_free_path_and_an_own_file_may_be_written(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "requirements.txt"
    if content is not None:
        path.write_text(content, encoding="utf-8")

    refuse_foreign_file(path, WRITERS)


def test_a_foreign_file_is_refused_with_the_option_that_helps(tmp_path: Path) -> None:
    path = tmp_path / "requirements.txt"
    path.write_text("tensorflow\n", encoding="utf-8")

    with pytest.raises(OccupiedPathError) as caught:
        refuse_foreign_file(path, WRITERS)

    assert str(caught.value) == f"{path}: exists and was not written by envlock, left untouched"
    assert "-o" in caught.value.hint


def test_a_link_is_foreign_even_if_it_points_to_our_file(tmp_path: Path) -> None:
    (tmp_path / "lock.txt").write_text(TEXT, encoding="utf-8")
    (tmp_path / "link.txt").symlink_to(tmp_path / "lock.txt")

    with pytest.raises(OccupiedPathError) as caught:
        refuse_foreign_file(tmp_path / "link.txt", WRITERS)

    assert str(caught.value) == f"{tmp_path / 'link.txt'}: is a link, left untouched"
    assert caught.value.hint == "name the file that it points to with -o"


def test_a_folder_is_named_for_what_it_is(tmp_path: Path) -> None:
    with pytest.raises(OccupiedPathError) as caught:
        refuse_foreign_file(tmp_path, WRITERS)

    assert str(caught.value) == f"{tmp_path}: is a folder, left untouched"


def test_the_writer_of_a_file_is_known_by_its_text(tmp_path: Path) -> None:
    path = tmp_path / "constraints.txt"
    assert find_writer(path, WRITERS) is None
    path.write_text("numpy==1\n", encoding="utf-8")
    assert find_writer(path, WRITERS) is None
    path.write_text(TEXT, encoding="utf-8")
    assert find_writer(path, WRITERS) == WRITERS[1]


@pytest.mark.skipif(not Path("/proc/self/mem").is_file(), reason="needs a file that not even root can read")
def test_a_file_that_cannot_be_read_is_foreign() -> None:
    with pytest.raises(OccupiedPathError) as caught:
        refuse_foreign_file(Path("/proc/self/mem"), WRITERS)

    assert str(caught.value) == "/proc/self/mem: exists and cannot be read (Input/output error), left untouched"


def test_a_file_is_written_whole_and_readable_by_all(tmp_path: Path) -> None:
    write_whole(tmp_path / "lock.txt", TEXT)

    assert (tmp_path / "lock.txt").read_text(encoding="utf-8") == TEXT
    assert stat.S_IMODE((tmp_path / "lock.txt").stat().st_mode) == 0o644
    assert [path.name for path in tmp_path.iterdir()] == ["lock.txt"]


def test_a_folder_that_is_not_there_is_one_clear_error(tmp_path: Path) -> None:
    path = tmp_path / "missing" / "lock.txt"

    with pytest.raises(WriteError) as caught:
        write_whole(path, TEXT)

    assert str(caught.value) == f"{path}: No such file or directory"


def test_files_are_put_into_place_together_at_the_end(tmp_path: Path) -> None:
    texts = {tmp_path / "a": "1", tmp_path / "b": "2"}

    with written_together(texts):
        assert not any(path.exists() for path in texts)

    assert {path: path.read_text() for path in tmp_path.iterdir()} == texts


def test_no_file_is_put_into_place_where_the_block_fails_or_one_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(KeyError), written_together({tmp_path / "a": "1"}):
        raise KeyError
    with pytest.raises(WriteError), written_together({tmp_path / "a": "1", tmp_path / "missing" / "b": "2"}):
        pass

    assert list(tmp_path.iterdir()) == []
