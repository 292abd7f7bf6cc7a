"""Which interpreters are found, which are passed over, and how a missing one is got."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from packaging.version import Version

from envlock.interpreters import (
    SEARCH_VARIABLE,
    Interpreter,
    SkippedInterpreter,
    Survey,
    command_to_get,
    find_interpreters,
    search_is_restricted,
    survey_interpreters,
)

WriteProgram = Callable[[str, str], Path]


def answer(executable: Path, **changes: Any) -> str:
    """Shell text that prints what the probe would print for an interpreter at *executable*."""
    facts = {
        "implementation": "CPython",
        "version": "3.7.16",
        "prefix": str(executable.parent.parent),
        "executable": str(executable),
        "abi_flags": "",
        "bits": 64,
        "system": "linux",
        "machine": "x86_64",
        "libc": "glibc 2.36",
        **changes,
    }
    return f"echo '{json.dumps(facts)}'"


def survey(monkeypatch: pytest.MonkeyPatch, *listed: Path, time_limit: float = 5.0) -> Survey:
    monkeypatch.setenv(SEARCH_VARIABLE, os.pathsep.join(map(str, listed)))
    return survey_interpreters(time_limit=time_limit)


def test_an_interpreter_is_described_by_what_it_says(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, write_program: WriteProgram
) -> None:
    python = write_program("a/bin/python3.7", answer(tmp_path / "a/bin/python3.7"))

    assert survey(monkeypatch, python) == Survey(
        interpreters=(
            Interpreter(
                executable=python,
                version=Version("3.7.16"),
                line="3.7",
                system="linux",
                machine="x86_64",
                libc="glibc 2.36",
                bits=64,
                prefix=tmp_path / "a",
            ),
        ),
        skipped=(),
    )


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        pytest.param("sleep 30", "no answer within 0.5 seconds", id="hangs"),
        pytest.param("echo hello", "its answer is not that of a Python interpreter", id="says-something-else"),
        pytest.param("echo '[1]'", "its answer is not that of a Python interpreter", id="says-another-document"),
        pytest.param("echo '{}'", "its answer is not that of a Python interpreter", id="says-nothing-useful"),
        pytest.param("exit 3", "exit status 3", id="fails"),
        pytest.param("kill -SEGV $$", "killed by signal 11", id="crashes"),
        pytest.param(answer(Path("/p"), implementation="PyPy"), "PyPy, not CPython", id="pypy"),
        pytest.param(answer(Path("/p"), abi_flags="t"), "a free-threaded build", id="free-threaded"),
        pytest.param(answer(Path("/p"), abi_flags="d"), "a debug build", id="debug"),
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


# --- where interpreters are looked for -----------------------------------------------------------------------


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A home folder without anything, and nothing that leads elsewhere."""
    for variable in (SEARCH_VARIABLE, "CONDA_EXE", "CONDA_PREFIX", "CONDA_ENVS_PATH", "MAMBA_ROOT_PREFIX"):
        monkeypatch.delenv(variable, raising=False)
    for variable in ("PYENV_ROOT", "ASDF_DATA_DIR", "RYE_PY_ROOT", "UV_PYTHON_INSTALL_DIR"):
        monkeypatch.setenv(variable, str(tmp_path / "nothing"))
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def test_an_interpreter_on_path_is_found(
    home: Path, monkeypatch: pytest.MonkeyPatch, write_program: WriteProgram
) -> None:
    python = write_program("tools/bin/python3", answer(home / "tools/bin/python3"))
    monkeypatch.setenv("PATH", str(python.parent))

    assert python in {item.executable for item in find_interpreters()}


def test_a_shim_is_not_started(home: Path, monkeypatch: pytest.MonkeyPatch, write_program: WriteProgram) -> None:
    shim = write_program("shims/python3", f"touch {home}/started")
    monkeypatch.setenv("PATH", str(shim.parent))

    survey_interpreters()

    assert not (home / "started").exists()


@pytest.mark.parametrize(
    ("variable", "value", "place"),
    [
        ("PYENV_ROOT", "pyenv", "pyenv/versions/3.7.16/bin/python3.7"),
        ("UV_PYTHON_INSTALL_DIR", "uv", "uv/cpython-3.7.16-linux-x86_64-gnu/bin/python3"),
        ("CONDA_EXE", "forge/bin/conda", "forge/envs/py37/bin/python3.7"),
        ("CONDA_PREFIX", "forge", "forge/bin/python3.7"),
        ("MAMBA_ROOT_PREFIX", "mamba", "mamba/envs/py37/bin/python3.7"),
        ("CONDA_ENVS_PATH", "all", "all/py37/bin/python3.7"),
    ],
)
def test_a_variable_leads_to_the_interpreters_of_its_tool(
    home: Path, monkeypatch: pytest.MonkeyPatch, write_program: WriteProgram, variable: str, value: str, place: str
) -> None:
    python = write_program(place, answer(home / place))
    (python.parents[1] / "conda-meta").mkdir()
    monkeypatch.setenv(variable, str(home / value))

    assert python in {item.executable for item in find_interpreters()}


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("CONDA_EXE", "conda"),
        ("CONDA_EXE", "bin/conda"),
        ("CONDA_PREFIX", ""),
        ("CONDA_PREFIX", "."),
        ("CONDA_ENVS_PATH", "envs:"),
        ("MAMBA_ROOT_PREFIX", "x" * 5000),
        ("MAMBA_ROOT_PREFIX", "/" + "x" * 5000),
    ],
)
def test_a_variable_that_leads_nowhere_is_passed_over(
    home: Path, monkeypatch: pytest.MonkeyPatch, write_program: WriteProgram, variable: str, value: str
) -> None:
    for prefix in (".", "envs/py37"):
        write_program(f"{prefix}/bin/python3", f"touch {home}/started")
        (home / prefix / "conda-meta").mkdir()
    monkeypatch.chdir(home)
    monkeypatch.setenv(variable, value)

    survey_interpreters()

    assert not (home / "started").exists()


def test_a_user_without_a_home_still_has_the_interpreters_on_path(
    home: Path, monkeypatch: pytest.MonkeyPatch, write_program: WriteProgram
) -> None:
    def has_no_home() -> Path:
        raise RuntimeError("Could not determine home directory.")

    python = write_program("tools/bin/python3", answer(home / "tools/bin/python3"))
    monkeypatch.setenv("PATH", str(python.parent))
    monkeypatch.setattr(Path, "home", has_no_home)

    assert python in {item.executable for item in find_interpreters()}


@pytest.mark.parametrize("prefix", ["miniconda3", "miniforge3/envs/old", ".conda/envs/old", "recorded/old"])
def test_conda_environments_are_found_without_any_variable(
    home: Path, write_program: WriteProgram, prefix: str
) -> None:
    python = write_program(f"{prefix}/bin/python3.7", answer(home / prefix / "bin/python3.7"))
    (home / prefix / "conda-meta").mkdir()
    (home / ".conda").mkdir(exist_ok=True)
    (home / ".conda/environments.txt").write_text(f"{home}/gone\n{home}/recorded/old\n")

    assert python in {item.executable for item in find_interpreters()}


def test_a_folder_that_only_has_the_name_of_a_conda_installation_is_left_alone(
    home: Path, write_program: WriteProgram
) -> None:
    write_program("miniconda3/bin/python3", f"touch {home}/started")

    survey_interpreters()

    assert not (home / "started").exists()


# --- how to get one ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "tools", "command"),
    [
        ("3.8", [], "uv python install 3.8"),
        ("3.13", ["conda", "pyenv"], "uv python install 3.13"),
        ("3.7", [], "conda create --name py37 python=3.7"),
        ("3.7", ["pyenv"], "pyenv install 3.7"),
        ("2.7", ["conda", "pyenv"], "conda create --name py27 python=2.7"),
        ("1.5", ["conda", "pyenv"], ""),
    ],
)
def test_the_command_is_that_of_an_installed_tool_where_one_provides_the_line(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    write_program: WriteProgram,
    line: str,
    tools: list[str],
    command: str,
) -> None:
    for tool in tools:
        write_program(f"bin/{tool}", "exit 1")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))

    assert command_to_get(line) == command
