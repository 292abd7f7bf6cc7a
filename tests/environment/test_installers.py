"""A lock gets into an environment by uv, or by the pip that it pins where uv does not serve the Python."""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from virtualenv.seed.wheels.embed import get_embed_wheel

from envlock.environment.installers import Installation, PipInstaller, UvInstaller, installer_for
from envlock.errors import InstallationError
from envlock.interpreters import Interpreter
from tests.building import Recorder, write_source, write_wheel

WriteProgram = Callable[[str, str], Path]


def bundled(name: str, line: str) -> Path:
    """The wheel that virtualenv brings along for a Python line."""
    wheel = get_embed_wheel(name, line)
    assert wheel is not None
    return Path(wheel.path)


def pin(path: Path, name: str, version: str) -> str:
    return f"{name}=={version} --hash=sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}\n"


def pip_pin(line: str) -> str:
    wheel = bundled("pip", line)
    return pin(wheel, "pip", wheel.name.split("-")[1])


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither uv nor pip is told of an index."""
    for variable in [name for name in os.environ if name.startswith(("PIP_", "UV_"))]:
        monkeypatch.delenv(variable)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    folder = tmp_path / "wheels"
    folder.mkdir()
    return folder


@pytest.fixture
def job(tmp_path: Path, wheels: Path, own_interpreter: Interpreter, write_program: WriteProgram) -> Iterator[Any]:
    """Makes the job of installing a lock, with a uv that has no virtualenv to run but the standard library's."""
    uv = write_program(
        "uv", f'for last in "$@"; do :; done; "{own_interpreter.executable}" -m venv --without-pip "$last"'
    )
    claim = os.open(tmp_path, os.O_RDONLY)

    def make(lock_text: str, **changes: object) -> Installation:
        fields: dict[str, Any] = {
            "interpreter": own_interpreter,
            "site": tmp_path / "environment",
            "place": Path("environment"),
            "claim": claim,
            "lock_text": lock_text,
            "build_constraints": None,
            "find_links": (wheels, bundled("pip", own_interpreter.line).parent),
            "no_index": True,
            "uv_executable": str(uv),
        }
        return Installation(**(fields | changes))

    yield make
    os.close(claim)


def run_installer(job: Installation) -> list[str]:
    """Install with pip, and give the titles of the steps."""
    installer, reporter = PipInstaller("virtualenv==0"), Recorder()
    installer.make_empty_environment(job)
    installer.install(job, reporter)
    return reporter.titles


def installed(job: Installation) -> list[str]:
    program = "from importlib.metadata import distributions; print(*sorted(item.name for item in distributions()))"
    done = subprocess.run([job.python, "-I", "-c", program], capture_output=True, text=True, check=True)
    return done.stdout.split()


# --- which one -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "kind"), [("2.7", PipInstaller), ("3.5", PipInstaller), ("3.6", UvInstaller), ("3.13", UvInstaller)]
)
def test_pip_serves_the_pythons_that_uv_does_not(line: str, kind: type, own_interpreter: Interpreter) -> None:
    assert type(installer_for(replace(own_interpreter, line=line))) is kind


# --- pip -----------------------------------------------------------------------------------------------------


def test_pip_installs_what_the_lock_pins_itself_included_and_leaves_nothing_else(
    job: Callable[..., Installation], wheels: Path, own_interpreter: Interpreter
) -> None:
    lock = pin(write_wheel(wheels, "tiny", "1.0", requires=["absent"]), "tiny", "1.0") + pip_pin(own_interpreter.line)
    task = job(lock)

    titles = run_installer(task)

    assert titles == ["fetch 2 distributions", "install 2 distributions"]
    assert installed(task) == ["pip", "tiny"]
    assert not list(task.site.glob(".envlock*"))


def test_a_source_is_built_with_what_it_is_to_be_built_with(
    job: Callable[..., Installation], wheels: Path, own_interpreter: Interpreter
) -> None:
    lock = pin(write_source(wheels, "tiny", "1.0"), "tiny", "1.0") + pip_pin(own_interpreter.line)
    setuptools = bundled("setuptools", own_interpreter.line)
    task = job(lock, build_constraints=f"setuptools=={setuptools.name.split('-')[1]}\n")

    run_installer(task)

    assert installed(task) == ["pip", "tiny"]


def test_a_file_of_another_hash_is_not_installed(
    job: Callable[..., Installation], wheels: Path, own_interpreter: Interpreter
) -> None:
    lock = pin(write_wheel(wheels, "tiny", "1.0"), "tiny", "1.0") + pip_pin(own_interpreter.line)
    write_wheel(wheels, "tiny", "1.0", requires=["other"])

    with pytest.raises(InstallationError) as caught:
        run_installer(job(lock))

    problem = "the index serves another file for tiny==1.0 than the lock pins (hash mismatch)"
    assert str(caught.value) == f"environment: {problem}"


def test_a_lock_without_pip_is_refused(job: Callable[..., Installation], wheels: Path) -> None:
    task = job(pin(write_wheel(wheels, "tiny", "1.0"), "tiny", "1.0"))

    with pytest.raises(InstallationError) as caught:
        run_installer(task)

    problem = f"uv does not serve Python {task.interpreter.line}, and the lock pins no pip to install it with"
    assert str(caught.value) == f"environment: {problem}"


def test_that_the_old_virtualenv_cannot_be_had_is_said(
    job: Callable[..., Installation], write_program: WriteProgram
) -> None:
    uv = write_program("uv", 'echo "error: there is no such release" >&2; exit 2')
    task = job("", uv_executable=str(uv))

    with pytest.raises(InstallationError) as caught:
        PipInstaller("virtualenv==0").make_empty_environment(task)

    assert str(caught.value) == (
        f"environment: no environment of Python {task.interpreter.version}: "
        "virtualenv==0, which makes it: there is no such release"
    )
