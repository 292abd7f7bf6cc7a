"""A Python line that is missing -> the command that gets it, or the interpreter itself by a tool that is here."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from envlock.errors import EnvlockError
from envlock.formats.text import one_line, without_credentials
from envlock.interpreters.folders import fetched_pythons
from envlock.interpreters.interface import Interpreter
from envlock.knowledge.datafiles import read_toml
from envlock.knowledge.specifiers import admits
from envlock.reporter import Reporter

FETCH_TIME_LIMIT = 900.0
"""Seconds that a tool has to get an interpreter: tens of megabytes, for which conda solves long."""


class UnavailablePythonError(EnvlockError):
    """A Python is not on this machine, and no tool that is here fetches it."""

    reference = "no-python"

    def __init__(self, line: str, *, command: str, failures: Sequence[str]) -> None:
        super().__init__(line, command, tuple(failures))
        self.line, self.command, self.failures = line, command, tuple(failures)
        self.hint = f"get it with: {command}" if command else ""

    def __str__(self) -> str:
        told = "; ".join(self.failures) or "no tool that is here fetches it"
        return f"Python {self.line} cannot be fetched: {told}"


def command_to_get(line: str) -> str:
    """The command that gets a Python of *line*, by a tool that is installed here where one provides it.

    Empty where no tool is known to provide it.
    """
    suppliers = sorted(_suppliers_of(line), key=lambda supplier: supplier.executable is None)
    return next((supplier.command for supplier in suppliers), "")


def fetch_interpreter(line: str, reporter: Reporter, *, time_limit: float = FETCH_TIME_LIMIT) -> Interpreter:
    """Have the first tool that is here and provides Python *line* get it; each has *time_limit* seconds.

    uv puts it where it keeps its own. conda and its kin make an environment in a folder of envlock, so that none of the
    person's is touched. Later searches find both.

    Raises:
        UnavailablePythonError: No tool provides the line, or none succeeds; it holds the command for a person.
    """
    failures = []
    for supplier in _suppliers_of(line):
        if supplier.executable is not None and supplier.arguments:
            try:
                with reporter.step(f"fetching Python {line} with {supplier.tool}"):
                    return _fetch(line, supplier, time_limit)
            except (_NotSuppliedError, OSError, RuntimeError) as error:
                # The latter two: a disk that is full, a person without a home.
                failures.append(f"{supplier.tool}: {error}")
    raise UnavailablePythonError(line, command=command_to_get(line), failures=failures)


# --- tools ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Supplier:
    """A tool that provides a Python line."""

    tool: str
    executable: str | None
    """``None`` where the tool is not installed."""

    command: str
    """For a person."""

    arguments: tuple[str, ...]
    """For envlock, with ``{prefix}`` for a folder; empty where the tool takes a person, such as one that compiles."""

    source: str
    """In which a search finds what it gets."""


def _suppliers_of(line: str) -> Iterator[_Supplier]:
    """The tools that provide *line*, best first, whether they are installed or not."""
    for row in read_toml("interpreters.toml")["supplier"]:
        if admits(row["lines"], line):
            yield _Supplier(
                tool=row["tool"],
                executable=_find_tool(row["tool"], row.get("variable")),
                command=row["command"].format(line=line, name=line.replace(".", "")),
                arguments=tuple(argument.replace("{line}", line) for argument in row.get("fetch", ())),
                source=row.get("found_in", ""),
            )


def _find_tool(tool: str, variable: str | None) -> str | None:
    if tool == "uv":
        # It comes with envlock, whether or not its folder is on PATH.
        from uv import find_uv_bin

        return find_uv_bin()
    # A shell in which conda is active may know it as a function only.
    return shutil.which(tool) or (shutil.which(os.environ.get(variable, "")) if variable else None)


# --- fetching ------------------------------------------------------------------------------------------------


class _NotSuppliedError(Exception):
    """A tool did not get what it provides; the message is one clause."""


def _fetch(line: str, supplier: _Supplier, time_limit: float) -> Interpreter:
    """Have *supplier* get an interpreter, unless it has done so before.

    Raises:
        _NotSuppliedError: It fails, or what it gets does not work.
    """
    with _folder_for(line, supplier) as prefix:
        found = _find(line, supplier.source)
        if found is None:
            if prefix:
                # An interrupted run may have left half an environment, into which conda would not go.
                shutil.rmtree(prefix, ignore_errors=True)
            _run(supplier, [argument.replace("{prefix}", prefix) for argument in supplier.arguments], time_limit)
            found = _find(line, supplier.source)
        if found is None:
            raise _NotSuppliedError(f"it ended well, but no Python {line} that works is there")
        return found


@contextmanager
def _folder_for(line: str, supplier: _Supplier) -> Iterator[str]:
    """The folder that *supplier* fills, for this process alone; empty where it needs none. An error removes it."""
    if "{prefix}" not in supplier.arguments:
        yield ""
        return
    folder = fetched_pythons()
    folder.mkdir(parents=True, exist_ok=True)
    prefix = folder / f"python{line}"
    handle = os.open(folder, os.O_RDONLY)
    try:
        # Whoever comes second waits, and finds what the first has fetched.
        fcntl.flock(handle, fcntl.LOCK_EX)
        try:
            yield str(prefix)
        except BaseException:
            shutil.rmtree(prefix, ignore_errors=True)
            raise
    finally:
        os.close(handle)


def _find(line: str, source: str) -> Interpreter | None:
    from envlock.interpreters.sources import find_executables
    from envlock.interpreters.survey import survey_executables

    found = survey_executables(find_executables([source])).interpreters
    return next((interpreter for interpreter in found if interpreter.line == line), None)


def _run(supplier: _Supplier, arguments: Sequence[str], time_limit: float) -> None:
    # The person's settings hold: mirrors, proxies, and that nothing may be downloaded. Those of the current folder do
    # not. Without a network nobody waits for long.
    settings = {"UV_HTTP_RETRIES": "1"} | os.environ | {"UV_NO_PROGRESS": "1", "NO_COLOR": "1"}
    try:
        done = subprocess.run(  # noqa: S603 - a tool of the person, with options of our own
            [str(supplier.executable), *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            env=settings,
            cwd=Path.home(),
            timeout=time_limit,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise _NotSuppliedError(f"not done within {time_limit:g} seconds") from error
    if done.returncode != 0:
        raise _NotSuppliedError(_read_failure(done.stderr or done.stdout) or f"exit status {done.returncode}")


def _read_failure(output: str) -> str:
    """The first and the last line of what a tool complains of: what failed, and the root of it. Empty for nothing."""
    lines = [line.strip() for line in without_credentials(output).splitlines() if line.strip()]
    told = [line.removeprefix("error: ").removeprefix("cause: ") for line in lines]
    return one_line(": ".join(dict.fromkeys((*told[:1], *told[-1:]))))
