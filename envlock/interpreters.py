"""The machine -> the CPython interpreters on it, and how to get one that is missing.

`findpython` knows where PATH, pyenv, asdf, rye, uv and the systems' installers keep interpreters; the providers
below add conda and the folders of Linux distributions. Nothing that is found is trusted: each is asked what it is,
in a child with a time limit.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from findpython.providers import ALL_PROVIDERS
from findpython.providers.base import BaseProvider
from packaging.specifiers import SpecifierSet
from packaging.version import InvalidVersion, Version

from envlock.knowledge.datafiles import read_toml

if TYPE_CHECKING:
    from findpython.python import PythonVersion
    from typing_extensions import Self

SEARCH_VARIABLE = "ENVLOCK_PYTHONS"
"""Environment variable that replaces the search: executables and folders, separated as in ``PATH``."""

TIME_LIMIT = 5.0
"""Seconds that an interpreter has to say what it is."""

_PROBE = Path(__file__).parent / "probes" / "describe_interpreter.py"
_LARGEST_ANSWER = 64 * 1024
_MOST_AT_ONCE = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Interpreter:
    """One CPython of this machine: a base installation, never a virtual environment."""

    executable: Path
    """Absolute, with links followed."""

    version: Version
    line: str
    """Minor release series, such as ``3.7``."""

    system: str
    """``linux``, ``darwin`` or ``windows``."""

    machine: str
    """Processor as the operating system calls it, such as ``x86_64``."""

    libc: str
    """Such as ``glibc 2.36``; empty where the C library does not say."""

    bits: int
    """Width of its pointers."""

    prefix: Path
    """The installation that it belongs to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SkippedInterpreter:
    """An executable that looks like an interpreter and cannot serve."""

    executable: Path
    reason: str
    """One clause."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What a search has found."""

    interpreters: tuple[Interpreter, ...]
    """Newest first."""

    skipped: tuple[SkippedInterpreter, ...]
    """Sorted by path."""


def find_interpreters() -> tuple[Interpreter, ...]:
    """Every CPython of this machine that environments can be made from, newest first."""
    return survey_interpreters().interpreters


def survey_interpreters(*, time_limit: float = TIME_LIMIT) -> Survey:
    """Find every interpreter of this machine, and say which cannot serve and why.

    *time_limit* (seconds) holds for each of them. Links, shims and virtual environments are folded onto the
    installation behind them. Where ``ENVLOCK_PYTHONS`` is set, only what it lists is looked at.
    """
    executables = _unique(_listed_executables() if search_is_restricted() else _found_executables())
    with ThreadPoolExecutor(max_workers=_MOST_AT_ONCE) as pool:
        answers = tuple(pool.map(lambda executable: _describe(executable, time_limit), executables))
    return Survey(
        interpreters=_fold(answer for answer in answers if isinstance(answer, Interpreter)),
        skipped=tuple(
            sorted(
                (answer for answer in answers if isinstance(answer, SkippedInterpreter)),
                key=lambda skipped: skipped.executable,
            )
        ),
    )


def search_is_restricted() -> bool:
    """Whether ``ENVLOCK_PYTHONS`` limits the search, so that this machine may hold more than is found."""
    return SEARCH_VARIABLE in os.environ


def command_to_get(line: str) -> str:
    """The command that gets a Python of *line*, by a tool that is installed here where one provides it.

    Empty where no tool is known to provide it.
    """
    suppliers = [row for row in read_toml("interpreters.toml")["supplier"] if SpecifierSet(row["lines"]).contains(line)]
    suppliers.sort(key=lambda row: not _is_installed(row["tool"]))
    return next((row["command"].format(line=line, name=line.replace(".", "")) for row in suppliers), "")


def _is_installed(tool: str) -> bool:
    # uv comes with envlock, whether or not its folder is on PATH.
    return tool == "uv" or shutil.which(tool) is not None


# --- where to look -------------------------------------------------------------------------------------------


class CondaProvider(BaseProvider):
    """Environments of conda and mamba: those on record, and those in their usual folders."""

    def __init__(self, home: Path) -> None:
        self._home = home

    @classmethod
    def create(cls) -> Self | None:
        """Look under the home folder of the person, and where the variables of conda and mamba point."""
        return cls(Path.home())

    def find_pythons(self) -> Iterable[PythonVersion]:
        """The interpreter of every environment that has one."""
        for prefix in self._prefixes():
            if _is_folder(prefix / "conda-meta"):
                yield from self.find_pythons_from_path(prefix / "bin", as_interpreter=True)

    def _prefixes(self) -> Iterator[Path]:
        yield from self._recorded_prefixes()
        for root in self._roots():
            yield root
            yield from _subfolders(root / "envs")
        for folder in self._environment_folders():
            yield from _subfolders(folder)

    def _recorded_prefixes(self) -> Iterator[Path]:
        """Conda appends the prefix of every environment that it makes to this file, one a line."""
        record = self._home / ".conda" / "environments.txt"
        try:
            lines = record.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            return
        yield from (Path(line.strip()) for line in lines if line.strip())

    def _roots(self) -> Iterator[Path]:
        yield from (executable.parent.parent for executable in _paths_in("CONDA_EXE"))
        yield from _paths_in("CONDA_PREFIX")
        yield from _paths_in("MAMBA_ROOT_PREFIX")
        distributions = ("miniconda3", "anaconda3", "miniforge3", "mambaforge", "micromamba", "conda")
        for name in distributions:
            yield self._home / name
            yield Path("/opt") / name
        yield self._home / ".local" / "share" / "mamba"

    def _environment_folders(self) -> Iterator[Path]:
        yield self._home / ".conda" / "envs"
        yield from _paths_in("CONDA_ENVS_PATH")


class SystemProvider(BaseProvider):
    """Folders of the operating system, for a PATH that leaves them out, and those of the manylinux images."""

    @classmethod
    def create(cls) -> Self | None:
        """Always available: folders that do not exist hold nothing."""
        return cls()

    def find_pythons(self) -> Iterable[PythonVersion]:
        """Every interpreter in these folders."""
        folders = [Path("/usr/bin"), Path("/usr/local/bin")]
        folders += [folder / "bin" for folder in _subfolders(Path("/opt/python"))]
        for folder in folders:
            yield from self.find_pythons_from_path(folder)


_PROVIDERS: tuple[type[BaseProvider], ...] = (*ALL_PROVIDERS.values(), CondaProvider, SystemProvider)


def _found_executables() -> Iterator[Path]:
    for provider_class in _PROVIDERS:
        # Some look under the home folder, and a user without an entry in the password database may have none.
        with suppress(RuntimeError, OSError):
            provider = provider_class.create()
            if provider is not None:
                yield from (found.executable for found in provider.find_pythons() if not _is_shim(found.executable))


def _is_shim(executable: Path) -> bool:
    # pyenv, asdf and mise put scripts into folders of this name; what they start is found where it is installed.
    return executable.parent.name == "shims"


def _listed_executables() -> Iterator[Path]:
    for entry in filter(None, os.environ[SEARCH_VARIABLE].split(os.pathsep)):
        path = _expanded(Path(entry))
        if _is_folder(path):
            for folder in (path, path / "bin"):
                yield from (found.executable for found in SystemProvider.find_pythons_from_path(folder))
        else:
            yield path


def _expanded(path: Path) -> Path:
    """*path* with ``~`` replaced; as it is where nobody has such a home, so that it is told as missing."""
    try:
        return path.expanduser()
    except RuntimeError:
        return path


def _paths_in(variable: str) -> list[Path]:
    """What *variable* lists, without relative paths: what these mean depends on where envlock runs."""
    return [path for entry in os.environ.get(variable, "").split(os.pathsep) if (path := Path(entry)).is_absolute()]


def _subfolders(folder: Path) -> list[Path]:
    try:
        return sorted(child for child in folder.iterdir() if _is_folder(child))
    except OSError:
        return []


def _is_folder(path: Path) -> bool:
    """Whether a folder is at *path* that this person may look at."""
    try:
        return path.is_dir()
    except OSError:
        return False


def _unique(executables: Iterable[Path]) -> list[Path]:
    """Each file once, under its real path, in a stable order."""
    return sorted({Path(os.path.realpath(executable)) for executable in executables})


# --- what each is --------------------------------------------------------------------------------------------


def _describe(executable: Path, time_limit: float) -> Interpreter | SkippedInterpreter:
    """Ask *executable* what it is."""
    # -E and -s keep the person's variables and packages out; -I would do more, but Python 2.7 lacks it.
    command = [str(executable), "-E", "-s", "-S", "-B", str(_PROBE)]
    try:
        answer = subprocess.run(  # noqa: S603 - the interpreters of this machine, found where they are installed
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=time_limit,
            check=True,
        ).stdout
    except subprocess.TimeoutExpired:
        return SkippedInterpreter(executable=executable, reason=f"no answer within {time_limit:g} seconds")
    except subprocess.CalledProcessError as error:
        return SkippedInterpreter(executable=executable, reason=_describe_exit(error.returncode))
    except OSError as error:
        return SkippedInterpreter(executable=executable, reason=error.strerror or type(error).__name__)
    return _read_answer(executable, answer)


def _describe_exit(code: int) -> str:
    return f"killed by signal {-code}" if code < 0 else f"exit status {code}"


def _read_answer(executable: Path, answer: bytes) -> Interpreter | SkippedInterpreter:
    try:
        facts = json.loads(answer[:_LARGEST_ANSWER])
        interpreter = Interpreter(
            executable=Path(facts["executable"]),
            version=Version(facts["version"]),
            line="{0.major}.{0.minor}".format(Version(facts["version"])),
            system=facts["system"],
            machine=facts["machine"],
            libc=facts["libc"],
            bits=facts["bits"],
            prefix=Path(facts["prefix"]),
        )
        obstacle = _find_obstacle(facts["implementation"], facts["abi_flags"])
    except (ValueError, KeyError, TypeError, InvalidVersion):
        return SkippedInterpreter(executable=executable, reason="its answer is not that of a Python interpreter")
    return SkippedInterpreter(executable=executable, reason=obstacle) if obstacle else interpreter


def _find_obstacle(implementation: str, abi_flags: str) -> str:
    """Why no TensorFlow wheel fits, as one clause; empty where one may."""
    if implementation != "CPython":
        return f"{implementation}, not CPython"
    if "t" in abi_flags:
        return "a free-threaded build"
    if "d" in abi_flags:
        return "a debug build"
    return ""


def _fold(interpreters: Iterable[Interpreter]) -> tuple[Interpreter, ...]:
    """One for each version of each installation, newest first."""
    # An installation holds its interpreter under several names: `python3.7m` is `python3.7`.
    by_name = sorted(interpreters, key=lambda found: (len(found.executable.name), found.executable), reverse=True)
    folded = {(found.prefix, found.version): found for found in by_name}
    by_path = sorted(folded.values(), key=lambda found: found.executable)
    return tuple(sorted(by_path, key=lambda found: found.version, reverse=True))
