"""Where interpreters are looked for."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import pytest

from envlock.interpreters import SkippedInterpreter, find_interpreters, survey_interpreters
from tests.interpreters.answers import WriteProgram, answer


def found_sources() -> dict[Path, str]:
    """The source of each interpreter that is found."""
    return {item.executable: item.source for item in find_interpreters()}


def test_an_interpreter_on_path_is_found(
    home: Path, monkeypatch: pytest.MonkeyPatch, write_program: WriteProgram
) -> None:
    python = write_program("tools/bin/python3", answer(home / "tools/bin/python3"))
    monkeypatch.setenv("PATH", str(python.parent))

    assert found_sources()[python] == "path"


@pytest.mark.parametrize("folder", ["shims", "Microsoft/WindowsApps"])
def test_what_only_stands_for_an_interpreter_is_not_started(
    home: Path, monkeypatch: pytest.MonkeyPatch, write_program: WriteProgram, folder: str
) -> None:
    shim = write_program(f"{folder}/python3", f"touch {home}/started")
    monkeypatch.setenv("PATH", str(shim.parent))

    survey_interpreters()

    assert not (home / "started").exists()


@pytest.mark.parametrize(
    ("variable", "value", "place", "source"),
    [
        ("PYENV_ROOT", "pyenv", "pyenv/versions/3.7.16/bin/python3.7", "pyenv"),
        ("ASDF_DATA_DIR", "asdf", "asdf/installs/python/3.7.16/bin/python3.7", "asdf"),
        ("MISE_DATA_DIR", "mise", "mise/installs/python/3.7.16/bin/python3.7", "mise"),
        ("RYE_PY_ROOT", "rye", "rye/cpython@3.7.16/bin/python3", "rye"),
        ("UV_PYTHON_INSTALL_DIR", "uv", "uv/cpython-3.7.16-linux-x86_64-gnu/bin/python3", "uv"),
        ("CONDA_EXE", "forge/bin/conda", "forge/envs/py37/bin/python3.7", "conda"),
        ("CONDA_EXE", "forge/condabin/conda", "forge/bin/python3.7", "conda"),
        ("CONDA_PREFIX", "forge", "forge/bin/python3.7", "conda"),
        ("MAMBA_ROOT_PREFIX", "mamba", "mamba/envs/py37/bin/python3.7", "conda"),
        ("CONDA_ENVS_PATH", "all", "all/py37/bin/python3.7", "conda"),
        ("CONDA_ENVS_DIRS", "all", "all/py37/bin/python3.7", "conda"),
        ("HOMEBREW_PREFIX", "brew", "brew/Cellar/python@3.7/3.7.16/bin/python3.7", "homebrew"),
        ("XDG_DATA_HOME", "data", "data/envlock/pythons/python3.7/bin/python3.7", "envlock"),
        ("XDG_DATA_HOME", "data", "data/mise/installs/python/3.7/bin/python3.7", "mise"),
        ("XDG_DATA_HOME", "data", "data/uv/python/cpython-3.7.9-macos-x86_64-none/bin/python3", "uv"),
        ("PATH", "tools", "tools/python3.7", "path"),
    ],
)
def test_a_variable_leads_to_the_interpreters_of_its_tool(
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    write_program: WriteProgram,
    variable: str,
    value: str,
    place: str,
    source: str,
) -> None:
    python = write_program(place, answer(home / place))
    if source == "conda":
        (python.parents[1] / "conda-meta").mkdir()
    monkeypatch.setenv(variable, str(home / value))

    assert found_sources()[python] == source


@pytest.mark.parametrize(
    ("place", "source"),
    [
        (".pyenv/versions/3.7.16/bin/python3.7", "pyenv"),
        (".pyenv/pyenv-win/versions/3.7.9/python", "pyenv"),
        (".asdf/installs/python/3.7.16/bin/python3.7", "asdf"),
        (".local/share/mise/installs/python/3.7.16/bin/python3.7", "mise"),
        (".rye/py/cpython@3.7.16/bin/python3", "rye"),
        (".local/share/uv/python/cpython-3.8.20-linux-x86_64-gnu/bin/python3", "uv"),
        (".local/share/envlock/pythons/python3.7/bin/python3.7", "envlock"),
    ],
)
def test_the_usual_folders_of_tools_are_searched(
    home: Path, write_program: WriteProgram, place: str, source: str
) -> None:
    python = write_program(place, answer(home / place))

    assert found_sources()[python] == source


def test_an_installation_is_told_by_its_tool_wherever_links_to_it_lie(
    home: Path, monkeypatch: pytest.MonkeyPatch, write_program: WriteProgram
) -> None:
    python = write_program("brew/Cellar/python@3.11/3.11.9/bin/python3.11", "exit 1")
    python.write_text(f"#!/bin/sh\n{answer(python)}\n")
    for folder in ("brew/bin", "brew/opt/python@3.11/bin"):
        (home / folder).mkdir(parents=True)
        (home / folder / "python3").symlink_to(python)
    monkeypatch.setenv("HOMEBREW_PREFIX", str(home / "brew"))
    monkeypatch.setenv("PATH", str(home / "brew/bin"))

    assert {path: source for path, source in found_sources().items() if path.is_relative_to(home)} == {
        python: "homebrew"
    }


def test_a_folder_on_path_that_is_relative_is_passed_over(
    home: Path, monkeypatch: pytest.MonkeyPatch, write_program: WriteProgram
) -> None:
    write_program("python3", f"touch {home}/started")
    monkeypatch.chdir(home)
    monkeypatch.setenv("PATH", os.pathsep.join((".", "")))

    survey_interpreters()

    assert not (home / "started").exists()


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


# --- other systems -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("framework", ["Library/Frameworks/Python.framework", "Library/Frameworks/Python3.framework"])
def test_framework_builds_are_found_on_macos_alone(
    home: Path, monkeypatch: pytest.MonkeyPatch, write_program: WriteProgram, framework: str
) -> None:
    place = f"{framework}/Versions/3.9/bin/python3.9"
    python = write_program(place, answer(home / place, system="darwin", libc=""))

    assert python not in found_sources()
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    assert found_sources()[python] == "framework"


def test_the_python_of_macos_that_offers_to_install_tools_is_not_started(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    monkeypatch.setenv("PATH", "/usr/bin")

    seen = survey_interpreters()

    assert [item for item in (*seen.interpreters, *seen.skipped) if item.executable.parent == Path("/usr/bin")] == []


@pytest.mark.parametrize(
    "listing",
    [
        pytest.param(" -V:3.7 *        {path}", id="from-3.11-on"),
        pytest.param(" -3.7-64        {path} *", id="before-3.11"),
        pytest.param(" -V:ContinuumAnalytics/Anaconda37-64 {path}", id="of-another-company"),
        pytest.param("Installed Pythons found by py Launcher for Windows\n -3.7-64\t{path}", id="with-a-heading"),
        pytest.param("  *               C:\\work\\.venv\\python.exe\n -V:3.7         {path}", id="with-an-environment"),
    ],
)
def test_what_the_py_launcher_lists_is_found_on_windows(
    home: Path, monkeypatch: pytest.MonkeyPatch, write_program: WriteProgram, listing: str
) -> None:
    python = write_program("Program Files/Python37/python.exe", answer(home / "Program Files/Python37/python.exe"))
    launcher = write_program("windows/py", f"cat <<'END'\n{listing.format(path=python)}\nEND")
    monkeypatch.setenv("PATH", f"{launcher.parent}:/usr/bin:/bin")

    assert python not in found_sources()
    monkeypatch.setattr(platform, "system", lambda: "Windows")
    assert found_sources()[python] == "launcher"


@pytest.mark.parametrize("body", ["exit 1", "echo nothing", "kill -9 $$"])
def test_a_launcher_that_fails_lists_nothing(
    home: Path, monkeypatch: pytest.MonkeyPatch, write_program: WriteProgram, body: str
) -> None:
    python = write_program("tools/python3", answer(home / "tools/python3"))
    write_program("tools/py", body)
    monkeypatch.setenv("PATH", str(python.parent))
    monkeypatch.setattr(platform, "system", lambda: "Windows")

    assert found_sources()[python] == "path"


def test_the_registry_is_asked_on_windows(
    home: Path, monkeypatch: pytest.MonkeyPatch, write_program: WriteProgram
) -> None:
    from findpython.providers.path import PathProvider
    from findpython.providers.winreg import WinregProvider

    python = write_program("Python37/python3", answer(home / "Python37/python3"))
    monkeypatch.setattr(WinregProvider, "create", lambda: PathProvider([python.parent]))

    assert found_sources()[python] == "registry"


def test_an_environment_of_conda_for_windows_has_its_python_in_the_prefix(
    home: Path, write_program: WriteProgram
) -> None:
    python = write_program("miniforge3/envs/old/python", "exit 1")
    (python.parent / "conda-meta").mkdir()

    assert SkippedInterpreter(executable=python, reason="exit status 1") in survey_interpreters().skipped
