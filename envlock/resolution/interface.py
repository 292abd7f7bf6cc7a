"""What every resolver offers: from what is asked for to every distribution of the environment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from packaging.requirements import Requirement
from packaging.version import Version

from envlock.target import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class PinnedFile:
    """A wheel or source distribution that a target may install."""

    name: str
    sha256: str
    """In hexadecimal."""

    size: int | None = None
    """In bytes; ``None`` where the index does not tell."""

    uploaded: str | None = None
    """UTC, ``YYYY-MM-DDTHH:MM:SSZ``; ``None`` where the index does not tell."""

    url: str | None = None
    """Where the index serves it, without credentials; ``None`` where the engine does not know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """One distribution of an environment."""

    name: str
    """Normalised name."""

    version: Version
    files: tuple[PinnedFile, ...]
    """Every file of the release that the target may install, sorted by name: wheels, or else one source."""

    via: tuple[str, ...]
    """Names of the distributions that require it, sorted; empty for what was asked for by name alone."""

    is_source: bool = False
    """Whether it is built on the machine that installs it, since no wheel satisfies."""

    build: tuple[str, ...] = ()
    """What a source is to be built with, pinned as ``name==version``, sorted by name."""

    @property
    def hashes(self) -> tuple[str, ...]:
        """``sha256:…`` of every file, sorted."""
        return tuple(sorted(f"sha256:{file.sha256}" for file in self.files))


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """Every distribution of an environment, sorted by name."""

    pins: tuple[Pin, ...]
    engine: str


class Resolver(Protocol):
    """Finds a set of distributions that satisfies all requirements on a target."""

    name: str
    """What ``--engine`` calls it."""

    needs_interpreter: bool
    """Whether it runs in a Python of the target's line, and finds nothing without one."""

    def resolve(
        self,
        requirements: Sequence[Requirement],
        *,
        constraints: Sequence[Requirement],
        target: Target,
        interpreter: Path | None,
    ) -> Resolution:
        """Resolve *requirements* for *target*, whatever Python runs this.

        *constraints* bound what is taken, without asking for it. *interpreter* is a Python of the target's line,
        where one is at hand: source distributions must not be asked for their metadata by any other.

        Raises:
            ResolutionError: No set of distributions satisfies all of it.
            NetworkError: The index cannot be reached.
        """
