"""Lock -> Environment: a virtual environment that holds exactly what the lock pins, or nothing at all.

`virtualenv` makes the environment empty, `uv` installs the lock into it. A marker file tells environments of
envlock from folders of other people, which are never touched, and finished ones from interrupted ones.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import virtualenv

from envlock import __version__
from envlock.errors import InstallationError, OccupiedPathError, WriteError
from envlock.formats.text import first_line
from envlock.interpreters import Interpreter
from envlock.reporter import Reporter
from envlock.uv_process import UvError, run_uv

MARKER_NAME = "envlock.json"
MARKER_SCHEMA = "envlock/environment/1"

_OTHER_PLACE_HINT = "choose another place with --venv, or remove it yourself"


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """A virtual environment that holds what its lock pins."""

    path: Path
    """Its folder, as it was asked for."""

    python: Path
    """Its interpreter."""

    reused: bool
    """Whether it was there already."""

    activate: str
    """The command that activates it in the person's shell."""


def create_environment(
    place: Path,
    *,
    interpreter: Interpreter,
    lock_text: str,
    digest: str,
    reporter: Reporter,
    build_constraints: str | None = None,
    uv_executable: str | None = None,
) -> Environment:
    """Make the environment of a lock at *place*, or take the one that is there.

    An environment that envlock finished from the same lock and interpreter is reused. Another one that it made, or
    left behind half made, is replaced. Whatever ends the work early, nothing of it stays at *place*.

    Args:
        place: A folder that does not exist, is empty, or holds an environment made by envlock.
        interpreter: What the environment is based on.
        lock_text: Requirements, every one pinned with ``==`` and its hashes.
        digest: SHA-256 of the lock, in hexadecimal: what tells one lock from another.
        reporter: Hears of each step.
        build_constraints: Requirements that hold for whatever sdists need to be built.
        uv_executable: The uv to install with, instead of the one that came with envlock.

    Raises:
        OccupiedPathError: Something that envlock did not make is at *place*; it is left as it is.
        WriteError: The disk is full, or the place may not be written to.
        NetworkError: The package index cannot be reached.
        InstallationError: The interpreter cannot be served, or the index does not hold what the lock pins.
    """
    site = Path(os.path.realpath(place))
    identity = _identify(interpreter, digest)
    try:
        refuse_foreign_environment(place)
        was_there = site.exists()
        with _claimed(site, place) as claim:
            if _is_ready(site, identity):
                return _environment_at(place, reused=True)
            with _emptied_unless_finished(site, keep_folder=was_there):
                _write_marker(site, identity, state="building")
                with reporter.step(f"make an empty environment of Python {interpreter.version}"):
                    _make_empty_environment(site, interpreter, place)
                with reporter.step(f"install {_count_pins(lock_text)} distributions"):
                    _install(site, place, claim, lock_text, build_constraints, uv_executable)
                _write_marker(site, identity, state="ready")
    except OSError as error:
        raise WriteError(str(place), error.strerror or str(error)) from error
    return _environment_at(place, reused=False)


def refuse_foreign_environment(place: Path) -> None:
    """Raise unless an environment may be made at *place*.

    Raises:
        OccupiedPathError: Something that envlock did not make is there.
    """
    site = Path(os.path.realpath(place))
    if site.is_dir():
        if any(site.iterdir()) and _read_marker(site) is None:
            found = f"the folder is not empty and holds no {MARKER_NAME} of envlock"
            raise OccupiedPathError(str(place), found=found, hint=_OTHER_PLACE_HINT)
    elif os.path.lexists(site):
        raise OccupiedPathError(str(place), found="a file is there", hint=_OTHER_PLACE_HINT)


def remove_environment(environment: Environment) -> None:
    """Remove an environment that envlock made.

    Raises:
        OccupiedPathError: What is there by now is not of envlock; it is left as it is.
        WriteError: The operating system refuses.
    """
    refuse_foreign_environment(environment.path)
    site = Path(os.path.realpath(environment.path))
    try:
        _empty(site)
        site.rmdir()
    except OSError as error:
        raise WriteError(str(environment.path), error.strerror or str(error)) from error


# --- the place -----------------------------------------------------------------------------------------------


@contextmanager
def _claimed(site: Path, place: Path) -> Iterator[int]:
    """Hold *site* against another envlock; the folder is made where it is missing.

    Gives the file descriptor that holds it, for whatever child works there too.
    """
    site.mkdir(parents=True, exist_ok=True)
    handle = os.open(site, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            found = "another envlock is making an environment there"
            hint = "wait for it, or choose another place with --venv"
            raise OccupiedPathError(str(place), found=found, hint=hint) from None
        yield handle
    finally:
        os.close(handle)


@contextmanager
def _emptied_unless_finished(site: Path, *, keep_folder: bool) -> Iterator[None]:
    """Start with nothing in *site*, and leave nothing when the block does not reach its end."""
    _empty(site)
    try:
        yield
    except BaseException:
        _empty(site)
        if not keep_folder:
            site.rmdir()
        raise


def _empty(site: Path) -> None:
    """Remove all that *site* holds, the marker last: cut short, it is still known to be ours."""
    for child in sorted(site.iterdir(), key=lambda child: child.name == MARKER_NAME):
        if child.is_dir() and not child.is_symlink():
            shutil.rmtree(child)
        else:
            child.unlink()


# --- the marker ----------------------------------------------------------------------------------------------


def _identify(interpreter: Interpreter, digest: str) -> dict[str, Any]:
    """What two environments have in common that can stand in for each other."""
    return {
        "lock": digest,
        "python": {"executable": str(interpreter.executable), "version": str(interpreter.version)},
    }


def _is_ready(site: Path, identity: Mapping[str, Any]) -> bool:
    """Whether *site* holds that environment, finished, and its interpreter is still installed."""
    marker = _read_marker(site) or {}
    is_same = all(marker.get(key) == value for key, value in identity.items())
    return is_same and marker.get("state") == "ready" and _python_of(site).exists()


def _read_marker(site: Path) -> dict[str, Any] | None:
    """The marker of *site*; ``None`` where there is none, or none that envlock wrote."""
    try:
        marker = json.loads((site / MARKER_NAME).read_bytes())
    except (FileNotFoundError, ValueError):
        return None
    return marker if isinstance(marker, dict) and marker.get("schema") == MARKER_SCHEMA else None


def _write_marker(site: Path, identity: Mapping[str, Any], *, state: Literal["building", "ready"]) -> None:
    """Write the marker whole or not at all."""
    marker = {"schema": MARKER_SCHEMA, "state": state, **identity, "envlock": __version__}
    draft = site / f"{MARKER_NAME}.new"
    draft.write_text(json.dumps(marker, indent=2) + "\n", encoding="utf-8")
    draft.replace(site / MARKER_NAME)


# --- virtualenv ----------------------------------------------------------------------------------------------


def _make_empty_environment(site: Path, interpreter: Interpreter, place: Path) -> None:
    """Make an environment without any distribution: pip is part of the lock."""
    settings = {name: value for name, value in os.environ.items() if not name.startswith("VIRTUALENV_")}
    arguments = [str(site), "--python", str(interpreter.executable), "--no-seed", "--no-download"]
    try:
        virtualenv.cli_run(arguments, setup_logging=False, env=settings)
    except (RuntimeError, SystemExit) as error:
        what = f"{place}: no environment of Python {interpreter.version}"
        raise InstallationError(what, first_line(str(error)) or "virtualenv does not serve it") from error
    _drop_unreadable_hook(site)


def _drop_unreadable_hook(site: Path) -> None:
    """Remove virtualenv's start-up hook where the interpreter cannot read it.

    The hook only guards installations by an outdated pip. Written for newer Pythons, it makes older ones print a
    traceback at every start.
    """
    for hook in site.rglob("_virtualenv.py"):
        program = f"compile(open({str(hook)!r}).read(), 'hook', 'exec')"
        checked = subprocess.run([str(_python_of(site)), "-S", "-c", program], capture_output=True, check=False)  # noqa: S603
        if checked.returncode != 0:
            hook.unlink()
            hook.with_suffix(".pth").unlink()


# --- uv ------------------------------------------------------------------------------------------------------


def _install(
    site: Path, place: Path, claim: int, lock_text: str, build_constraints: str | None, uv_executable: str | None
) -> None:
    """Install exactly what *lock_text* pins."""
    arguments = ["pip", "sync", "--require-hashes", "--python", str(_python_of(site)), "-"]
    with tempfile.TemporaryDirectory(prefix="envlock-") as folder:
        if build_constraints is not None:
            constraints = Path(folder) / "build-constraints.txt"
            constraints.write_text(build_constraints, encoding="utf-8")
            arguments += ["--build-constraints", str(constraints)]
        try:
            run_uv(
                arguments,
                action=f"{place}: installing its lock",
                place=str(place),
                text=lock_text,
                executable=uv_executable,
                # A claim is given back when its last holder ends: uv goes on for a moment after envlock was killed.
                kept_open=[claim],
            )
        except UvError as error:
            raise InstallationError(str(place), error.detail) from error


def _count_pins(lock_text: str) -> int:
    return len(re.findall(r"^[A-Za-z0-9][^\s;=]*==", lock_text, flags=re.MULTILINE))


# --- the result ----------------------------------------------------------------------------------------------

# Command and script by the name of the shell; any other takes those of POSIX.
_ACTIVATION = {
    "fish": ("source", "activate.fish"),
    "csh": ("source", "activate.csh"),
    "tcsh": ("source", "activate.csh"),
    "nu": ("overlay use", "activate.nu"),
    "pwsh": (".", "activate.ps1"),
}


def _environment_at(place: Path, *, reused: bool) -> Environment:
    command, script = _ACTIVATION.get(Path(os.environ.get("SHELL", "")).name, (".", "activate"))
    return Environment(
        path=place,
        python=_python_of(place.absolute()),
        reused=reused,
        activate=f"{command} {shlex.quote(str(place / 'bin' / script))}",
    )


def _python_of(site: Path) -> Path:
    return site / "bin" / "python"
