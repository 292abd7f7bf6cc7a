"""What interpreters have said is kept on disk, and believed only where that is safe."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from envlock.interpreters import SEARCH_VARIABLE, Survey, survey_interpreters
from tests.interpreters.answers import WriteProgram, answer


@pytest.fixture
def python(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, write_program: WriteProgram) -> Path:
    """An interpreter, the only one, that writes a line to ``asked`` each time it is asked."""
    path = tmp_path / "bin/python3.7"
    write_program("bin/python3.7", f"echo asked >>{tmp_path}/asked\n{answer(path)}")
    monkeypatch.setenv(SEARCH_VARIABLE, str(path))
    return path


@pytest.fixture
def times_asked(tmp_path: Path) -> Callable[[], int]:
    """How often the interpreter was asked so far."""
    return lambda: len((tmp_path / "asked").read_text().splitlines())


@pytest.fixture
def file(private_cache: Path) -> Path:
    """Where answers are kept."""
    return private_cache / "envlock" / "interpreters.json"


def versions(survey: Survey) -> list[str]:
    return [str(item.version) for item in survey.interpreters]


def test_an_interpreter_is_asked_once(python: Path, times_asked: Callable[[], int]) -> None:
    first = survey_interpreters()

    assert survey_interpreters() == first
    assert versions(first) == ["3.7.16"]
    assert times_asked() == 1


def test_all_are_asked_again_on_demand(python: Path, times_asked: Callable[[], int]) -> None:
    survey_interpreters()

    survey_interpreters(refresh=True)

    assert times_asked() == 2


def test_an_interpreter_that_was_replaced_is_asked_again(python: Path) -> None:
    survey_interpreters()

    python.write_text(f"#!/bin/sh\n{answer(python, version='3.7.17')}\n")

    assert versions(survey_interpreters()) == ["3.7.17"]


def test_a_copy_is_asked_again_when_the_interpreter_behind_it_changes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, write_program: WriteProgram
) -> None:
    base = write_program("base/bin/python3.7", "exit 1")
    copy = write_program("venv/bin/python", f"echo asked >>{tmp_path}/asked\n{answer(base)}")
    monkeypatch.setenv(SEARCH_VARIABLE, str(copy))
    survey_interpreters()

    base.write_text("#!/bin/sh\nexit 2\n")
    survey_interpreters()

    assert len((tmp_path / "asked").read_text().splitlines()) == 2


def test_what_did_not_answer_is_asked_again(python: Path) -> None:
    whole, status = python.read_text(), python.stat()
    python.write_text("#!/bin/sh\nexit 1\n".ljust(len(whole)))
    os.utime(python, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert versions(survey_interpreters()) == []

    python.write_text(whole)
    os.utime(python, ns=(status.st_atime_ns, status.st_mtime_ns))

    assert versions(survey_interpreters()) == ["3.7.16"]


def test_what_no_tensorflow_fits_is_known_to_be_skipped(python: Path, times_asked: Callable[[], int]) -> None:
    python.write_text(python.read_text().replace("CPython", "PyPy"))

    reasons = [[item.reason for item in survey_interpreters().skipped] for _ in range(2)]

    assert reasons == [["PyPy, not CPython"]] * 2
    assert times_asked() == 1


def test_answers_of_other_searches_stay_unless_their_interpreter_is_gone(
    monkeypatch: pytest.MonkeyPatch, python: Path, file: Path, write_program: WriteProgram
) -> None:
    gone = write_program("gone/python3", answer(python.parents[1] / "gone/python3"))
    other = write_program("other/python3", answer(python.parents[1] / "other/python3"))
    monkeypatch.setenv(SEARCH_VARIABLE, os.pathsep.join(map(str, (python, gone))))
    survey_interpreters()
    gone.unlink()

    monkeypatch.setenv(SEARCH_VARIABLE, str(other))
    survey_interpreters()

    assert set(json.loads(file.read_text())["answers"]) == {str(python), str(other)}


def test_only_the_user_can_read_the_folder(python: Path, file: Path) -> None:
    survey_interpreters()

    assert file.parent.stat().st_mode & 0o777 == 0o700
    assert [path.name for path in file.parent.iterdir()] == [file.name]


# --- what is not believed ------------------------------------------------------------------------------------

DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "nothing": lambda _: b"",
    "half": lambda content: content[: len(content) // 2],
    "no text": lambda _: b"\xff\xfe\x00",
    "another document": lambda _: b"[1, 2]",
    "brackets without end": lambda _: b"[" * 100_000,
    "too large": lambda content: content + b" " * (5 * 1024 * 1024),
    "answers to another probe": lambda content: content.replace(b'"probe": ', b'"probe": 1'),
    "no answers": lambda content: content.replace(b'"answers"', b'"others"'),
    "answers that are a list": lambda _: b'{"probe": 0, "answers": []}',
    "an entry that is a number": lambda content: content.replace(b'{"files"', b'1, "": {"files"'),
    "facts that are none": lambda content: content.replace(b'"facts": {', b'"facts": 1, "": {'),
    "a version that is none": lambda content: content.replace(b"3.7.16", b"3.x.16"),
    "bits in words": lambda content: content.replace(b"64,", b'"64",'),
    "another inode": lambda content: content.replace(b"]", b"1]"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_ignored_and_written_anew(
    python: Path, file: Path, times_asked: Callable[[], int], damage: str
) -> None:
    first = survey_interpreters()
    file.write_bytes(DAMAGES[damage](file.read_bytes()))

    assert [survey_interpreters(), survey_interpreters()] == [first, first]
    assert times_asked() == 2


@pytest.mark.parametrize(("place", "mode"), [("file", 0o666), ("file", 0o664), ("folder", 0o777), ("folder", 0o1777)])
def test_what_others_may_write_is_not_believed(
    python: Path, file: Path, times_asked: Callable[[], int], place: str, mode: int
) -> None:
    survey_interpreters()
    (file if place == "file" else file.parent).chmod(mode)

    survey_interpreters()

    assert times_asked() == 2


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
@pytest.mark.parametrize("place", ["file", "folder"])
def test_what_belongs_to_others_is_not_believed(
    python: Path, file: Path, times_asked: Callable[[], int], place: str
) -> None:
    survey_interpreters()
    os.chown(file if place == "file" else file.parent, 12345, 12345)

    survey_interpreters()

    assert times_asked() == 2


def make_link(file: Path) -> None:
    file.rename(file.with_suffix(".moved"))
    file.symlink_to(file.with_suffix(".moved"))


def make_pipe(file: Path) -> None:
    file.unlink()
    os.mkfifo(file)


def make_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


@pytest.mark.parametrize("make", [make_link, make_pipe, make_folder])
def test_what_is_no_file_is_not_read(
    python: Path, file: Path, times_asked: Callable[[], int], make: Callable[[Path], Any]
) -> None:
    first = survey_interpreters()
    make(file)

    assert survey_interpreters() == first
    assert times_asked() == 2


@pytest.mark.parametrize("variable", ["XDG_CACHE_HOME", "HOME"])
def test_without_a_place_to_write_every_search_asks(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, python: Path, times_asked: Callable[[], int], variable: str
) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME")
    (tmp_path / "file").touch()
    monkeypatch.setenv(variable, str(tmp_path / "file"))

    assert survey_interpreters() == survey_interpreters()
    assert times_asked() == 2
