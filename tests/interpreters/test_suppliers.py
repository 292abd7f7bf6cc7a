"""How a Python that is missing is got: by a person, and by envlock with a tool that is here."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import pytest
import uv

from envlock.interpreters import UnavailablePythonError, command_to_get, fetch_interpreter, find_interpreters
from envlock.reporter import SilentReporter
from tests.interpreters.answers import WriteProgram, answer


@pytest.mark.parametrize(
    ("line", "tools", "command"),
    [
        ("3.8", [], "uv python install 3.8"),
        ("3.13", ["conda", "pyenv"], "uv python install 3.13"),
        ("3.7", [], "conda create --name py37 python=3.7"),
        ("3.7", ["pyenv"], "pyenv install 3.7"),
        ("3.7", ["mamba"], "mamba create --name py37 python=3.7"),
        ("3.7", ["micromamba", "pyenv"], "micromamba create --name py37 --channel conda-forge python=3.7"),
        ("2.7", ["conda", "pyenv"], "conda create --name py27 python=2.7"),
        ("1.5", ["conda", "pyenv"], ""),
    ],
)
def test_the_command_is_that_of_an_installed_tool_where_one_provides_the_line(
    home: Path, monkeypatch: pytest.MonkeyPatch, write_program: WriteProgram, line: str, tools: list[str], command: str
) -> None:
    for tool in tools:
        write_program(f"bin/{tool}", "exit 1")
    monkeypatch.setenv("PATH", str(home / "bin"))

    assert command_to_get(line) == command


# --- fetching ------------------------------------------------------------------------------------------------


@pytest.fixture
def tools(home: Path, monkeypatch: pytest.MonkeyPatch, write_program: WriteProgram) -> Path:
    """The folder on PATH for tools. uv is there; it has no network."""
    write_program("tools/uv", "echo 'error: Failed to install' >&2; echo '  cause: no route' >&2; exit 1")
    monkeypatch.setattr(uv, "find_uv_bin", lambda: str(home / "tools/uv"))
    monkeypatch.setenv("PATH", f"{home / 'tools'}:/usr/bin:/bin")
    return home / "tools"


def makes(python: Path, version: str) -> str:
    """Shell text of a tool that notes its arguments in ``~/calls`` and makes an interpreter at *python*."""
    return f"""\
echo "$@" >>~/calls
mkdir -p {python.parent}
cat >{python} <<'END'
#!/bin/sh
{answer(python, version=version)}
END
chmod +x {python}"""


def python_of_uv(home: Path) -> Path:
    return home / ".local/share/uv/python/cpython-3.9/bin/python3"


def python_of_conda(home: Path) -> Path:
    return home / ".local/share/envlock/pythons/python3.7/bin/python3.7"


def conda_arguments(home: Path, line: str) -> str:
    prefix = home / f".local/share/envlock/pythons/python{line}"
    return f"create --yes --quiet --prefix {prefix} --override-channels --channel conda-forge python={line}\n"


def test_uv_gets_what_it_provides(tools: Path, home: Path, write_program: WriteProgram) -> None:
    write_program("tools/uv", makes(python_of_uv(home), "3.9.18"))

    found = fetch_interpreter("3.9", SilentReporter())

    assert (found.executable, str(found.version), found.source) == (python_of_uv(home), "3.9.18", "uv")
    assert (home / "calls").read_text() == "python install --no-bin 3.9\n"
    assert not (home / ".local/share/envlock").exists()
    assert found in find_interpreters()


@pytest.mark.parametrize("tool", ["conda", "mamba", "micromamba"])
def test_what_uv_does_not_provide_is_made_by_conda_or_its_kin(
    tools: Path, home: Path, write_program: WriteProgram, tool: str
) -> None:
    write_program(f"tools/{tool}", makes(python_of_conda(home), "3.7.12"))

    found = fetch_interpreter("3.7", SilentReporter())

    assert (found.executable, str(found.version), found.source) == (python_of_conda(home), "3.7.12", "envlock")
    assert (home / "calls").read_text() == conda_arguments(home, "3.7")
    assert found in find_interpreters()


def test_conda_steps_in_where_uv_fails(tools: Path, home: Path, write_program: WriteProgram) -> None:
    python = home / ".local/share/envlock/pythons/python3.9/bin/python3.9"
    write_program("tools/conda", makes(python, "3.9.19"))

    assert fetch_interpreter("3.9", SilentReporter()).executable == python
    assert (home / "calls").read_text() == conda_arguments(home, "3.9")


def test_a_conda_that_is_a_function_of_the_shell_is_found_by_its_variable(
    tools: Path, home: Path, monkeypatch: pytest.MonkeyPatch, write_program: WriteProgram
) -> None:
    monkeypatch.setenv("CONDA_EXE", str(write_program("forge/bin/conda", makes(python_of_conda(home), "3.7.12"))))

    assert fetch_interpreter("3.7", SilentReporter()).executable == python_of_conda(home)


def test_what_was_fetched_before_is_not_fetched_again(tools: Path, home: Path, write_program: WriteProgram) -> None:
    write_program("tools/conda", makes(python_of_conda(home), "3.7.12"))

    with ThreadPoolExecutor() as pool:
        found = list(pool.map(lambda _: fetch_interpreter("3.7", SilentReporter()), range(4)))

    assert found == [found[0]] * 4
    assert (home / "calls").read_text() == conda_arguments(home, "3.7")


def test_a_line_that_only_compiling_gets_is_left_to_the_person(
    tools: Path, home: Path, write_program: WriteProgram
) -> None:
    write_program("tools/pyenv", "touch ~/calls")

    with pytest.raises(UnavailablePythonError) as caught:
        fetch_interpreter("3.7", SilentReporter())

    assert str(caught.value) == "Python 3.7 cannot be fetched: no tool that is here fetches it"
    assert caught.value.hint == "get it with: pyenv install 3.7"
    assert not (home / "calls").exists()


@pytest.mark.parametrize(
    ("body", "told"),
    [
        pytest.param("exit 3", "exit status 3", id="says nothing"),
        pytest.param("echo only this; exit 3", "only this", id="complains on its output"),
        pytest.param("true", "it ended well, but no Python 3.9 that works is there", id="does nothing"),
        pytest.param("sleep 30", "not done within 1 seconds", id="hangs"),
        pytest.param(
            "echo 'Python downloads are not allowed (`python-downloads = \"never\"`).' >&2; exit 2",
            'Python downloads are not allowed (`python-downloads = "never"`).',
            id="disabled",
        ),
        pytest.param(
            "printf 'error: Failed\\n  cause: http://me:secret@mirror/x is gone\\n' >&2; exit 2",
            "Failed: http://mirror/x is gone",
            id="tells a password",
        ),
    ],
)
def test_a_failure_ends_in_one_sentence_and_the_command(
    tools: Path, write_program: WriteProgram, body: str, told: str
) -> None:
    write_program("tools/uv", body)

    with pytest.raises(UnavailablePythonError) as caught:
        fetch_interpreter("3.9", SilentReporter(), time_limit=1)

    assert str(caught.value) == f"Python 3.9 cannot be fetched: uv: {told}"
    assert caught.value.hint == "get it with: uv python install 3.9"


def test_all_that_failed_is_told(tools: Path, home: Path, write_program: WriteProgram) -> None:
    write_program("tools/conda", "mkdir -p \"$5/bin\"; echo 'PackagesNotFoundError: python=3.9' >&2; exit 1")

    with pytest.raises(UnavailablePythonError) as caught:
        fetch_interpreter("3.9", SilentReporter())

    assert str(caught.value) == (
        "Python 3.9 cannot be fetched: uv: Failed to install: no route; conda: PackagesNotFoundError: python=3.9"
    )
    assert list((home / ".local/share/envlock/pythons").iterdir()) == []


def test_what_an_interrupted_run_has_left_is_replaced(tools: Path, home: Path, write_program: WriteProgram) -> None:
    write_program(".local/share/envlock/pythons/python3.7/bin/python3.7", "exit 1")
    (home / ".local/share/envlock/pythons/python3.7/half").touch()
    write_program("tools/conda", makes(python_of_conda(home), "3.7.12"))

    assert fetch_interpreter("3.7", SilentReporter()).executable == python_of_conda(home)
    assert not (home / ".local/share/envlock/pythons/python3.7/half").exists()


def test_the_settings_of_the_current_folder_do_not_count_and_nobody_is_asked(
    tools: Path, home: Path, monkeypatch: pytest.MonkeyPatch, write_program: WriteProgram
) -> None:
    (home / "project").mkdir()
    monkeypatch.chdir(home / "project")
    write_program("tools/uv", f"pwd >~/seen; cat >>~/seen; {makes(python_of_uv(home), '3.9.18')}")

    fetch_interpreter("3.9", SilentReporter())

    assert (home / "seen").read_text() == f"{home}\n"


def test_without_a_home_nothing_is_fetched(tools: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def has_no_home() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", has_no_home)

    with pytest.raises(UnavailablePythonError) as caught:
        fetch_interpreter("3.9", SilentReporter())

    assert str(caught.value) == "Python 3.9 cannot be fetched: uv: Could not determine home directory."


def test_each_tool_is_a_step_that_is_told(tools: Path, home: Path, write_program: WriteProgram) -> None:
    class Listener(SilentReporter):
        def __init__(self) -> None:
            self.steps: list[str] = []

        def step(self, title: str) -> AbstractContextManager[None]:
            self.steps.append(title)
            return nullcontext()

    write_program("tools/conda", "exit 1")
    listener = Listener()

    with pytest.raises(UnavailablePythonError):
        fetch_interpreter("3.9", listener)

    assert listener.steps == ["fetching Python 3.9 with uv", "fetching Python 3.9 with conda"]


def test_a_machine_without_a_way_to_the_downloads_of_uv_is_told_soon(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UV_PYTHON_INSTALL_MIRROR", "http://127.0.0.1:9")
    started = time.monotonic()

    with pytest.raises(UnavailablePythonError) as caught:
        fetch_interpreter("3.8", SilentReporter())

    assert str(caught.value).startswith("Python 3.8 cannot be fetched: uv: Failed to install cpython-3.8.20-")
    assert time.monotonic() - started < 10
