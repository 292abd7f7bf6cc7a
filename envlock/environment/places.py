"""Lock -> Environment, in a place that this run holds: made whole, or what was there before is there again.

A marker file tells environments of envlock from folders of other people, which are never touched, and finished ones
from interrupted ones.
"""

from __future__ import annotations

import fcntl
import os
import re
import shlex
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from envlock.environment.installers import Installation, installer_for
from envlock.environment.marker import MARKER_NAME, identify, is_ready, python_of, read_marker, state_of, write_marker
from envlock.environment.replacement import empty, forget_previous, restore_previous, set_aside, undo
from envlock.errors import OccupiedPathError
from envlock.formats.text import printable
from envlock.interpreters import Interpreter
from envlock.reporter import Reporter
from envlock.writers.files import write_errors

_SECONDS_FOR_ORPHANS = 60.0
"""For an installer to end whose envlock was killed."""

_OTHER_PLACE_HINT = "choose another place with --venv, or remove it yourself"
_CLEARABLE_HINT = "choose another place with --venv, or pass --clear to have that environment replaced"

# What tools put at the top of a virtual environment: anything else there is a person's.
_PARTS_OF_ENVIRONMENTS = re.compile(
    r"bin|include|lib|lib64|share|etc|man|local|pyvenv\.cfg|pip-selfcheck\.json|pyvenv\.cfg\.bak"
    r"|\.lock|\.gitignore|CACHEDIR\.TAG|envlock.*\.json|\.envlock-.*"
)


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
def reserve_place(place: Path, *, clears: bool = False) -> Iterator[ReservedPlace]:
    """Hold *place* against other runs of envlock while environments are made and tried there.

    What stays when the block ends is the environment that was made, where it was kept; else what was there before.

    Args:
        place: A folder that does not exist, is empty, or holds an environment made by envlock.
        clears: Whether what is there gives way in any case, even a virtual environment that envlock did not make.

    Raises:
        OccupiedPathError: Something that envlock did not make is at *place*, or another envlock is at work there.
        WriteError: The disk is full, or the place may not be written to.
    """
    site = Path(os.path.realpath(place))
    refuse_foreign_environment(place, clears=clears)
    was_there = site.exists()
    with write_errors(place), _claimed(site, place) as claim:
        restore_previous(site)
        # What was restored may be somebody else's.
        refuse_foreign_environment(place, clears=clears)
        reserved = ReservedPlace(place, site, claim, clears=clears)
        try:
            yield reserved
        finally:
            if reserved.is_kept:
                forget_previous(site)
            else:
                reserved.roll_back()
                if not was_there:
                    site.rmdir()


class ReservedPlace:
    """A place where environments are made one after the other, until one is kept."""

    def __init__(self, place: Path, site: Path, claim: int, *, clears: bool) -> None:
        self._place, self._site, self._claim, self._clears = place, site, claim, clears
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

        An environment that envlock finished from the same lock and interpreter is reused, unless it is to be cleared.

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
        site, identity = self._site, identify(interpreter, digest)
        if (self._is_changed or not self._clears) and is_ready(site, identity):
            return _environment_at(self._place, reused=True)
        with write_errors(self._place):
            if not self._is_changed and any(site.iterdir()):
                set_aside(site)
            self._is_changed = True
            write_marker(site, identity, state="building")
            empty(site)
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
            write_marker(site, identity, state="ready")
        return _environment_at(self._place, reused=False)

    def keep(self) -> None:
        """Let what was made last stay when the block ends."""
        self.is_kept = True

    def roll_back(self) -> None:
        """Put back what was there before this block changed it."""
        if self._is_changed:
            # On a full disk there is no room to say so; what comes next makes some.
            with suppress(OSError):
                write_marker(self._site, {}, state="building")
            undo(self._site)


def refuse_foreign_environment(place: Path, *, clears: bool = False) -> None:
    """Raise unless an environment may be made at *place*, in place of any virtual environment where it *clears*.

    Raises:
        OccupiedPathError: Something that envlock did not make is there, or what is there cannot be read.
    """
    try:
        found, hint = _find_foreign(place, clears=clears)
    except OSError as error:
        found, hint = f"what is there cannot be read ({error.strerror or error})", _OTHER_PLACE_HINT
    if found:
        raise OccupiedPathError(str(place), found=found, hint=hint)


def list_installed(environment: Path) -> tuple[str, ...]:
    """What is installed in the environment in that folder, as ``name-version.dist-info``, sorted."""
    return tuple(sorted(path.name for path in environment.glob("lib/python*/site-packages/*-info")))


def _find_foreign(place: Path, *, clears: bool) -> tuple[str, str]:
    """What is in the way at *place*, as one clause, and what to do; both empty where an environment may be made."""
    site = Path(os.path.realpath(place))
    if not os.path.lexists(site):
        return "", ""
    if not site.is_dir():
        return "a file is there", _OTHER_PLACE_HINT
    if not any(site.iterdir()) or state_of(site) not in {None, "foreign"}:
        return "", ""
    obstacle = "a link is not cleared" if place.is_symlink() else _reason_not_to_clear(site)
    if clears:
        return obstacle, _OTHER_PLACE_HINT if obstacle else ""
    found = f"the folder is not empty and holds no {MARKER_NAME} of envlock"
    return found, _OTHER_PLACE_HINT if obstacle else _CLEARABLE_HINT


def _reason_not_to_clear(site: Path) -> str:
    """Why what somebody else made at *site* must not be removed, as one clause; empty where it may be."""
    if not (site / "pyvenv.cfg").is_file() or not os.path.lexists(python_of(site)):
        return "what is there is no virtual environment"
    if any(Path(os.path.realpath(path)).is_relative_to(site) for path in (Path.home(), Path.cwd())):
        return "your home or the current folder is that environment, or lies in it"
    if Path(os.path.realpath(sys.prefix)).is_relative_to(site):
        return "envlock itself runs in that environment"
    others = [child.name for child in sorted(site.iterdir()) if not _PARTS_OF_ENVIRONMENTS.fullmatch(child.name)]
    return f"the environment also holds {printable(others[0])}, which no tool puts there" if others else ""


# --- the place -----------------------------------------------------------------------------------------------


@contextmanager
def _claimed(site: Path, place: Path) -> Iterator[int]:
    """Hold *site* against another envlock; the folder is made where it is missing.

    Gives the file descriptor that holds it, for whatever child works there too.
    """
    site.mkdir(parents=True, exist_ok=True)
    handle = os.open(site, os.O_RDONLY)
    try:
        last = time.monotonic() + _SECONDS_FOR_ORPHANS
        while not _has_claimed(handle):
            if time.monotonic() > last or not _is_abandoned(site):
                found = "another envlock is making an environment there"
                hint = "wait for it, or choose another place with --venv"
                raise OccupiedPathError(str(place), found=found, hint=hint)
            time.sleep(0.1)
        yield handle
    finally:
        os.close(handle)


def _has_claimed(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_abandoned(site: Path) -> bool:
    """Whether the envlock that works in *site* was killed, and only what it has started goes on for a while."""
    process = (read_marker(site) or {}).get("process")
    try:
        os.kill(int(process or 0), 0)
    except ProcessLookupError:
        return True
    except (PermissionError, TypeError, ValueError, OverflowError):
        return False
    return False


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
        python=python_of(place.absolute()),
        reused=reused,
        activate=f"{command} {shlex.quote(str(place / 'bin' / script))}",
    )
