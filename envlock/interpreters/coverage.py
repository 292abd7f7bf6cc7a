"""A survey -> which TensorFlow lines each interpreter serves, and which Pythons are missing for the others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache

from envlock.interpreters.interface import Interpreter, SkippedInterpreter, Survey
from envlock.interpreters.suppliers import command_to_get
from envlock.knowledge.families import platforms_by_python
from envlock.knowledge.releases import lines_of, sort_lines
from envlock.target import PLATFORMS, Platform


@dataclass(frozen=True, slots=True, kw_only=True)
class CoveredInterpreter:
    """An interpreter, and what can be installed for it."""

    interpreter: Interpreter
    tensorflow: tuple[str, ...]
    """Lines that have a wheel for it, oldest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingPython:
    """A Python line for which TensorFlow has wheels, and which is not on this machine."""

    line: str
    tensorflow: tuple[str, ...]
    """Lines that have a wheel for it, oldest first."""

    unserved: tuple[str, ...]
    """Those of them that no interpreter here serves."""

    command: str
    """What gets it; empty where no tool is known to provide it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """What the interpreters of a machine are good for."""

    interpreters: tuple[CoveredInterpreter, ...]
    """Newest first."""

    skipped: tuple[SkippedInterpreter, ...]
    missing: tuple[MissingPython, ...]
    """Newest first; empty where no TensorFlow has wheels for the platform."""


def cover(survey: Survey, platform: Platform | None) -> Coverage:
    """Hold *survey* against the wheels of TensorFlow; what is missing is told for *platform*, that of the machine."""
    covered = tuple(
        CoveredInterpreter(interpreter=interpreter, tensorflow=_tensorflow_for(interpreter))
        for interpreter in survey.interpreters
    )
    served = {line for item in covered for line in item.tensorflow}
    here = {interpreter.line for interpreter in survey.interpreters}
    return Coverage(
        interpreters=covered,
        skipped=survey.skipped,
        missing=tuple(_missing(tensorflow_by_python(platform), here, served)) if platform else (),
    )


def _missing(
    by_python: Mapping[str, tuple[str, ...]], here: Iterable[str], served: Iterable[str]
) -> Iterable[MissingPython]:
    here, served = set(here), set(served)
    for line in reversed(sort_lines(by_python)):
        if line not in here:
            yield MissingPython(
                line=line,
                tensorflow=by_python[line],
                unserved=tuple(item for item in by_python[line] if item not in served),
                command=command_to_get(line),
            )


def _tensorflow_for(interpreter: Interpreter) -> tuple[str, ...]:
    platform = next(
        (
            item
            for item in PLATFORMS
            if (item.system.lower(), item.machine.lower()) == (interpreter.system, interpreter.machine)
        ),
        None,
    )
    return tensorflow_by_python(platform).get(interpreter.line, ()) if platform else ()


@cache
def tensorflow_by_python(platform: Platform) -> dict[str, tuple[str, ...]]:
    """The TensorFlow lines that have a wheel on *platform*, oldest first, by Python line."""
    by_python: dict[str, list[str]] = {}
    for line in lines_of("tensorflow"):
        for python, platforms in platforms_by_python("tensorflow", line).items():
            if platform.name in platforms:
                by_python.setdefault(python, []).append(line)
    return {python: tuple(lines) for python, lines in by_python.items()}
