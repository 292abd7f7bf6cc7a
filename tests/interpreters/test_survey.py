"""What interpreters say of themselves, and which of them can serve."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from envlock.interpreters import (
    SEARCH_VARIABLE,
    Interpreter,
    SkippedInterpreter,
    Survey,
    find_interpreters,
    search_is_restricted,
    survey_interpreters,
)
from tests.interpreters.answers import WriteProgram, answer, interpreter


def survey(monkeypatch: pytest.MonkeyPatch, *listed: Path, time_limit: float = 5.0) -> Survey:
    monkeypatch.setenv(SEARCH_VARIABLE, os.pathsep.join(map(str, listed)))
    return survey_interpreters(time_limit=time_limit)


def test_an_interpreter_is_described_by_what_it_says(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, write_program: WriteProgram
) -> None:
    python = write_program("a/bin/python3.7", answer(tmp_path / "a/bin/python3.7"))

    assert survey(monkeypatch, python) == Survey(
        interpreters=(interpreter(str(tmp_path / "a"), "3.7.16", source="listed"),), skipped=()
    )


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        pytest.param("sleep 30", "no answer within 0.5 seconds", id="hangs"),
        pytest.param("echo hello", "its answer is not that of a Python interpreter", id="says-something-else"),
        pytest.param(
            f"echo '{'[' * 60_000}'", "its answer is not that of a Python interpreter", id="says-brackets-without-end"
        ),
        pytest.param("echo '[1]'", "its answer is not that of a Python interpreter", id="says-another-document"),
        pytest.param("echo '{}'", "its answer is not that of a Python interpreter", id="says-nothing-useful"),
        pytest.param("exit 3", "exit status 3", id="fails"),
        pytest.param("exit 2", "exit status 2", id="knows-no-option"),
        pytest.param("exec >&-; sleep 30", "no answer within 0.5 seconds", id="closes-its-output-and-hangs"),
        pytest.param("sleep 30 &", "no answer within 0.5 seconds", id="leaves-something-behind-that-may-answer"),
        pytest.param("setsid sleep 3 &", "no answer within 0.5 seconds", id="leaves-something-behind-out-of-reach"),
        pytest.param("yes", "its answer is not that of a Python interpreter", id="says-too-much"),
        pytest.param("kill -SEGV $$", "killed by signal 11", id="crashes"),
        pytest.param(answer(Path("/p"), implementation="PyPy"), "PyPy, not CPython", id="pypy"),
        pytest.param(answer(Path("/p"), abi_flags="t"), "a free-threaded build", id="free-threaded"),
        pytest.param(answer(Path("/p"), abi_flags="d"), "a debug build", id="debug"),
        pytest.param(answer(Path("/p"), bits=32), "a 32-bit build", id="32-bit"),
        pytest.param(answer(Path("/p"), libc=""), "built for another C library than glibc", id="musl"),
        pytest.param(
            answer(Path("/p"), version="three"), "its answer is not that of a Python interpreter", id="no-version"
        ),
    ],
)
def test_an_executable_that_cannot_serve_is_skipped_with_the_reason(
    monkeypatch: pytest.MonkeyPatch, write_program: WriteProgram, body: str, reason: str
) -> None:
    program = write_program("python3", body)

    assert survey(monkeypatch, program, time_limit=0.5) == Survey(
        interpreters=(), skipped=(SkippedInterpreter(executable=program, reason=reason),)
    )


def test_a_listed_file_that_is_missing_or_no_program_is_skipped_with_the_reason(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    text = tmp_path / "notes"
    text.write_text("hello")

    assert survey(monkeypatch, tmp_path / "missing", text).skipped == (
        SkippedInterpreter(executable=tmp_path / "missing", reason="No such file or directory"),
        SkippedInterpreter(executable=text, reason="Permission denied"),
    )


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        pytest.param("~nobody-of-this-name/bin", "No such file or directory", id="home-of-nobody"),
        pytest.param("x" * 5000, "File name too long", id="too-long"),
    ],
)
def test_a_listed_entry_that_cannot_be_a_path_is_skipped_with_the_reason(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, entry: str, reason: str
) -> None:
    monkeypatch.chdir(tmp_path)

    assert survey(monkeypatch, Path(entry)).skipped == (SkippedInterpreter(executable=tmp_path / entry, reason=reason),)


def test_the_newest_version_comes_first_and_equals_come_by_path(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, write_program: WriteProgram
) -> None:
    versions = {"a": "3.7.9", "b": "3.11.2", "c": "3.7.16", "d": "3.7.9", "e": "3.9.0rc1"}
    for name, version in versions.items():
        write_program(f"{name}/bin/python", answer(tmp_path / name / "bin/python", version=version))

    found = survey(monkeypatch, *(tmp_path / name for name in "edcba")).interpreters

    assert [(str(item.version), item.prefix.name) for item in found] == [
        ("3.11.2", "b"),
        ("3.9.0rc1", "e"),
        ("3.7.16", "c"),
        ("3.7.9", "a"),
        ("3.7.9", "d"),
    ]


def test_several_names_of_one_installation_are_one_interpreter(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, write_program: WriteProgram
) -> None:
    python = write_program("a/bin/python3.7", answer(tmp_path / "a/bin/python3.7"))
    write_program("a/bin/python3.7m", answer(tmp_path / "a/bin/python3.7m"))
    (tmp_path / "a/bin/python").symlink_to(python)
    (tmp_path / "python-elsewhere").symlink_to(python)

    found = survey(monkeypatch, tmp_path / "a", tmp_path / "python-elsewhere")

    assert [item.executable for item in found.interpreters] == [python]
    assert found.skipped == ()


@pytest.mark.parametrize("option", ["--symlinks", "--copies"])
def test_a_virtual_environment_stands_for_its_base(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, own_interpreter: Interpreter, option: str
) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", option, tmp_path / "venv"], check=True)

    assert survey(monkeypatch, tmp_path / "venv").interpreters == (own_interpreter,)


def test_the_running_interpreter_is_described_truly(own_interpreter: Interpreter) -> None:
    assert str(own_interpreter.version) == platform.python_version()
    assert own_interpreter.line == f"{sys.version_info.major}.{sys.version_info.minor}"
    assert own_interpreter.machine == platform.machine()
    assert own_interpreter.executable.samefile(sys.executable)


@pytest.mark.parametrize("line", ["2.7", "3.6", "3.7", "3.8", "3.9", "3.10", "3.11", "3.12", "3.13"])
def test_the_probe_runs_on_every_line(require_interpreter: Callable[[str], Interpreter], line: str) -> None:
    assert require_interpreter(line).line == line


def test_an_empty_list_replaces_the_search(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SEARCH_VARIABLE, "")

    assert find_interpreters() == ()
    assert search_is_restricted()


def test_without_a_list_the_search_is_not_restricted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(SEARCH_VARIABLE, raising=False)

    assert not search_is_restricted()


# --- how they are asked --------------------------------------------------------------------------------------


def test_what_is_asked_sees_neither_the_folder_nor_the_input_of_the_person(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, write_program: WriteProgram
) -> None:
    python = write_program("a/bin/python3", f"pwd >{tmp_path}/seen; cat >>{tmp_path}/seen; exit 1")
    monkeypatch.chdir(tmp_path)

    survey(monkeypatch, python)

    folder, *given = (tmp_path / "seen").read_text().splitlines()
    assert Path(folder) != tmp_path
    assert given == []


@pytest.mark.parametrize("line", ["2.7", "3.6", "3.13"])
def test_modules_of_the_person_are_not_imported(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    require_interpreter: Callable[[str], Interpreter],
    line: str,
) -> None:
    executable = require_interpreter(line).executable
    for name in ("json", "platform", "sitecustomize"):
        (tmp_path / f"{name}.py").write_text(f"open({str(tmp_path / 'imported')!r}, 'w')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("PYTHONSTARTUP", str(tmp_path / "json.py"))
    monkeypatch.chdir(tmp_path)

    assert [item.line for item in survey(monkeypatch, executable).interpreters] == [line]
    assert not (tmp_path / "imported").exists()


def test_nothing_of_what_was_asked_is_left_running(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, write_program: WriteProgram
) -> None:
    python = write_program("python3", f"(sleep 0.6; touch {tmp_path}/outlived) & sleep 30")

    survey(monkeypatch, python, time_limit=0.3)
    time.sleep(0.8)

    assert not (tmp_path / "outlived").exists()


def test_many_that_hang_take_no_longer_than_a_few(monkeypatch: pytest.MonkeyPatch, write_program: WriteProgram) -> None:
    programs = [write_program(f"{number}/python3", "sleep 30") for number in range(16)]
    started = time.monotonic()

    assert len(survey(monkeypatch, *programs, time_limit=0.5).skipped) == 16
    assert time.monotonic() - started < 4
