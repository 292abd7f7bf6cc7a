"""Lock -> Environment: a virtual environment that holds exactly what the lock pins, or nothing at all.

An installer makes the environment empty and installs the lock into it. A marker file tells environments of
envlock from folders of other people, which are never touched, and finished ones from interrupted ones.
"""

from __future__ import annotations

import fcntl
import json
import os
import shlex
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from envlock import __version__
from envlock.errors import ArtifactError, OccupiedPathError, WriteError
from envlock.formats.json_text import parse_json
from envlock.installers import Installation, installer_for
from envlock.interpreters import Interpreter
from envlock.reporter import Reporter

MARKER_NAME = "envlock.json"
MARKER_SCHEMA = "envlock/environment/1"

_PREVIOUS = ".envlock-previous"
_LARGEST_MARKER = 64 * 1024
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


@contextmanager
def reserve_place(place: Path) -> Iterator[ReservedPlace]:
    """Hold *place* against other runs of envlock while environments are made and tried there.

    What stays when the block ends is the environment that was made, where it was kept; else what was there before.

    Args:
        place: A folder that does not exist, is empty, or holds an environment made by envlock.

    Raises:
        OccupiedPathError: Something that envlock did not make is at *place*, or another envlock is at work there.
        WriteError: The disk is full, or the place may not be written to.
    """
    site = Path(os.path.realpath(place))
    refuse_foreign_environment(place)
    was_there = site.exists()
    with _errors_of(place), _claimed(site, place) as claim:
        _restore_previous(site)
        reserved = ReservedPlace(place, site, claim)
        try:
            yield reserved
        finally:
            if reserved.is_kept:
                _remove(site / _PREVIOUS)
            else:
                reserved.roll_back()
                if not was_there:
                    site.rmdir()


class ReservedPlace:
    """A place where environments are made one after the other, until one is kept."""

    def __init__(self, place: Path, site: Path, claim: int) -> None:
        self._place, self._site, self._claim = place, site, claim
        self._is_changed = False
        self.is_kept = False

    def create(
        self,
        *,
        interpreter: Interpreter,
        lock_text: str,
        digest: str,
        reporter: Reporter,
        build_constraints: str | None = None,
        uv_executable: str | None = None,
        find_links: Sequence[Path] = (),
        no_index: bool = False,
    ) -> Environment:
        """Make the environment of a lock, in place of what this block has made before.

        An environment that envlock finished from the same lock and interpreter is reused.

        Args:
            interpreter: What the environment is based on.
            lock_text: Requirements, every one pinned with ``==`` and its hashes.
            digest: SHA-256 of the lock, in hexadecimal: what tells one lock from another.
            reporter: Hears of each step.
            build_constraints: Requirements that hold for whatever sdists need to be built.
            uv_executable: The uv to install with, instead of the one that came with envlock.
            find_links: Folders of wheels and sources to install from, beside the index.
            no_index: Install from *find_links* alone, without a network.

        Raises:
            WriteError: The disk is full, or the place may not be written to.
            NetworkError: The package index cannot be reached.
            InstallationError: The interpreter cannot be served, or the index does not hold what the lock pins.
        """
        site, identity = self._site, _identify(interpreter, digest)
        if _is_ready(site, identity):
            return _environment_at(self._place, reused=True)
        with _errors_of(self._place):
            if not self._is_changed and _state_of(site) == "ready":
                _set_aside(site)
            self._is_changed = True
            _write_marker(site, identity, state="building")
            _empty(site)
            installer = installer_for(interpreter)
            job = Installation(
                interpreter=interpreter,
                site=site,
                place=self._place,
                claim=self._claim,
                lock_text=lock_text,
                build_constraints=build_constraints,
                find_links=tuple(find_links),
                no_index=no_index,
                uv_executable=uv_executable,
            )
            with reporter.step(f"make an empty environment of Python {interpreter.version}"):
                installer.make_empty_environment(job)
            installer.install(job, reporter)
            _write_marker(site, identity, state="ready")
        return _environment_at(self._place, reused=False)

    def keep(self) -> None:
        """Let what was made last stay when the block ends."""
        self.is_kept = True

    def roll_back(self) -> None:
        """Put back what was there before this block changed it."""
        if self._is_changed:
            # On a full disk there is no room to say so; what comes next makes some.
            with suppress(OSError):
                _write_marker(self._site, {}, state="building")
            _undo(self._site)


def refuse_foreign_environment(place: Path) -> None:
    """Raise unless an environment may be made at *place*.

    Raises:
        OccupiedPathError: Something that envlock did not make is there, or what is there cannot be read.
    """
    try:
        found = _find_foreign(Path(os.path.realpath(place)))
    except OSError as error:
        found = f"what is there cannot be read ({error.strerror or error})"
    if found:
        raise OccupiedPathError(str(place), found=found, hint=_OTHER_PLACE_HINT)


def _find_foreign(site: Path) -> str:
    """What envlock did not make at *site*, as one clause; empty where an environment may be made there."""
    if site.is_dir():
        is_free = not any(site.iterdir()) or _read_marker(site) is not None
        return "" if is_free else f"the folder is not empty and holds no {MARKER_NAME} of envlock"
    return "a file is there" if os.path.lexists(site) else ""


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
def _errors_of(place: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise WriteError(str(place), error.strerror or str(error)) from error


# A finished environment that is to be replaced waits inside its own folder, so that its place stays claimed and
# nothing lies beside it. The marker tells how far that is, at every moment: while it says "restoring", whatever lies
# in the waiting folder belongs one level up, and nothing else is in doubt; while it says "building", all the rest is
# worthless.


def _set_aside(site: Path) -> None:
    """Move the finished environment in *site* into its waiting folder."""
    previous = site / _PREVIOUS
    previous.mkdir()
    shutil.copyfile(site / MARKER_NAME, previous / MARKER_NAME)
    _write_marker(site, {}, state="restoring")
    for child in _contents(site):
        child.rename(previous / child.name)


def _restore_previous(site: Path) -> None:
    """Bring *site* into order after a run that was ended: what was finished before it is there again."""
    state = _state_of(site)
    if state == "building":
        _undo(site)
    elif state == "restoring":
        _move_up(site)
    elif (site / _PREVIOUS).exists():
        # That run was ended just after it had kept its environment.
        _remove(site / _PREVIOUS)


def _undo(site: Path) -> None:
    """Remove what was built in *site*, and bring back what waits there."""
    _empty(site)
    if (site / _PREVIOUS / MARKER_NAME).is_file():
        _write_marker(site, {}, state="restoring")
        _move_up(site)
    else:
        _remove(site / _PREVIOUS)
        (site / MARKER_NAME).unlink(missing_ok=True)


def _move_up(site: Path) -> None:
    previous = site / _PREVIOUS
    for child in sorted(previous.iterdir()):
        if child.name != MARKER_NAME:
            child.rename(site / child.name)
    (previous / MARKER_NAME).replace(site / MARKER_NAME)
    previous.rmdir()


def _contents(site: Path) -> list[Path]:
    """All that *site* holds beside the marker and the waiting folder."""
    return sorted(child for child in site.iterdir() if child.name not in {MARKER_NAME, _PREVIOUS})


def _empty(site: Path) -> None:
    """Remove all that *site* holds beside the marker and the waiting folder."""
    for child in _contents(site):
        _remove(child)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


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
    path = site / MARKER_NAME
    try:
        # A folder of somebody else may hold anything under this name; to open a pipe would wait for its writer.
        if not path.is_file() or path.stat().st_size > _LARGEST_MARKER:
            return None
        marker = parse_json(path.read_bytes(), where=str(path))
    except (OSError, ArtifactError):
        return None
    return marker if isinstance(marker, dict) and marker.get("schema") == MARKER_SCHEMA else None


_State = Literal["building", "ready", "restoring"]


def _state_of(site: Path) -> str | None:
    return (_read_marker(site) or {}).get("state")


def _write_marker(site: Path, identity: Mapping[str, Any], *, state: _State) -> None:
    """Write the marker whole or not at all."""
    marker = {"schema": MARKER_SCHEMA, "state": state, **identity, "envlock": __version__}
    draft = site / f"{MARKER_NAME}.new"
    draft.write_text(json.dumps(marker, indent=2) + "\n", encoding="utf-8")
    draft.replace(site / MARKER_NAME)


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
