"""What a search for interpreters takes and gives."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from packaging.version import Version

SEARCH_VARIABLE = "ENVLOCK_PYTHONS"
"""Environment variable that replaces the search: executables and folders, separated as in ``PATH``."""

TIME_LIMIT = 5.0
"""Seconds that an interpreter has to say what it is."""


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
    """Processor as the operating system calls it, in small letters, such as ``x86_64``."""

    libc: str
    """Such as ``glibc 2.36``; empty where the C library does not say."""

    bits: int
    """Width of its pointers."""

    prefix: Path
    """The installation that it belongs to."""

    source: str
    """Where it was found: a tool such as ``pyenv``, ``system``, ``path``, or ``listed`` in ``ENVLOCK_PYTHONS``."""


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
