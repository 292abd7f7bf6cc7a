"""``envlock interpreters`` as a person and as a script see it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from envlock.cli import main
from envlock.cli.interpreters_output import coverage_document, render_coverage
from envlock.interpreters import SEARCH_VARIABLE, SkippedInterpreter
from envlock.interpreters.coverage import Coverage, CoveredInterpreter, MissingPython
from tests.interpreters.answers import WriteProgram, answer, interpreter

COVERAGE = Coverage(
    interpreters=(
        CoveredInterpreter(
            interpreter=interpreter("/home/ann/.pyenv/versions/3.10.13", "3.10.13", source="pyenv"),
            tensorflow=("2.8", "2.9", "2.11"),
        ),
        CoveredInterpreter(
            interpreter=interpreter(
                "/Library/Frameworks/\x1b[2J", "3.0rc1", system="darwin", machine="arm64", libc="", source="framework"
            ),
            tensorflow=(),
        ),
    ),
    skipped=(SkippedInterpreter(executable=Path("/opt/pypy/bin/python3"), reason="PyPy, not CPython"),),
    missing=(
        MissingPython(
            line="3.8",
            tensorflow=("2.2", "2.3", "2.4"),
            unserved=("2.2", "2.4"),
            command="uv python install 3.8",
        ),
        MissingPython(line="2.7", tensorflow=("1.15", "2.0"), unserved=(), command=""),
    ),
)


def test_the_pythons_are_listed_for_a_person() -> None:
    assert render_coverage(COVERAGE) == (
        "Pythons here, with the TensorFlow that has wheels for each\n"
        "  3.10.13  2.8 to 2.9, 2.11  pyenv, x86_64, glibc 2.36\n"
        "           /home/ann/.pyenv/versions/3.10.13/bin/python3.10\n"
        "  3.0rc1   no TensorFlow     framework, arm64\n"
        "           /Library/Frameworks/\\x1b[2J/bin/python3.0\n"
        "\n"
        "Not here, though TensorFlow has wheels for them\n"
        "  3.8  2.2 to 2.4   no Python here serves 2.2, 2.4\n"
        "       uv python install 3.8\n"
        "  2.7  1.15 to 2.0  others here serve these too\n"
        "\n"
        "Skipped\n"
        "  /opt/pypy/bin/python3: PyPy, not CPython\n"
    )


def test_the_pythons_are_listed_for_a_script() -> None:
    assert coverage_document(COVERAGE) == {
        "schema": "envlock/interpreters/1",
        "interpreters": [
            {
                "version": "3.10.13",
                "line": "3.10",
                "executable": "/home/ann/.pyenv/versions/3.10.13/bin/python3.10",
                "prefix": "/home/ann/.pyenv/versions/3.10.13",
                "source": "pyenv",
                "system": "linux",
                "machine": "x86_64",
                "libc": "glibc 2.36",
                "bits": 64,
                "tensorflow": ["2.8", "2.9", "2.11"],
            },
            {
                "version": "3.0rc1",
                "line": "3.0",
                "executable": "/Library/Frameworks/\x1b[2J/bin/python3.0",
                "prefix": "/Library/Frameworks/\x1b[2J",
                "source": "framework",
                "system": "darwin",
                "machine": "arm64",
                "libc": "",
                "bits": 64,
                "tensorflow": [],
            },
        ],
        "skipped": [{"executable": "/opt/pypy/bin/python3", "reason": "PyPy, not CPython"}],
        "missing": [
            {
                "line": "3.8",
                "tensorflow": ["2.2", "2.3", "2.4"],
                "unserved": ["2.2", "2.4"],
                "command": "uv python install 3.8",
            },
            {"line": "2.7", "tensorflow": ["1.15", "2.0"], "unserved": [], "command": ""},
        ],
    }


def test_a_machine_without_any_python_is_told_so() -> None:
    assert render_coverage(Coverage(interpreters=(), skipped=(), missing=())) == (
        "There is no Python here that environments can be made from.\n"
    )


@pytest.fixture
def python(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, write_program: WriteProgram) -> Path:
    """The only Python of the machine, which notes when it is asked."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    path = tmp_path / "bin/python3.7"
    write_program("bin/python3.7", f"echo asked >>{tmp_path}/asked\n{answer(path)}")
    monkeypatch.setenv(SEARCH_VARIABLE, str(path))
    return path


def test_the_command_lists_what_is_here(python: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["interpreters"]) == 0

    captured = capsys.readouterr()
    assert f"  3.7.16  1.13 to 2.11  listed, x86_64, glibc 2.36\n          {python}\n" in captured.out
    assert captured.err == "envlock: ENVLOCK_PYTHONS is set: only what it lists is looked at\n"


def test_the_command_prints_one_document(python: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["interpreters", "--json"]) == 0

    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == "envlock/interpreters/1"
    assert [item["executable"] for item in document["interpreters"]] == [str(python)]


@pytest.mark.parametrize(("options", "times"), [([], 1), (["--refresh"], 2)])
def test_pythons_are_asked_again_on_demand_alone(python: Path, tmp_path: Path, options: list[str], times: int) -> None:
    main(["interpreters"])
    main(["interpreters", *options])

    assert len((tmp_path / "asked").read_text().splitlines()) == times
