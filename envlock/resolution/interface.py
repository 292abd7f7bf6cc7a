"""What every resolver offers: from what is asked for to every distribution of the environment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from packaging.requirements import Requirement
from packaging.version import Version

from envlock.errors import ResolutionError
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


class ConflictError(ResolutionError):
    """Requirements contradict each other, or no release that the engine knows meets them."""

    def __init__(
        self,
        candidate: str,
        explanation: str,
        *,
        hint: str,
        names: frozenset[str],
        parents: frozenset[str],
        is_certain: bool,
    ) -> None:
        """Name the distributions that are in conflict, and the *parents* whose requirements on them take part.

        *is_certain* where no release that there may be elsewhere, or some day, would meet the requirements.
        """
        super().__init__(candidate, explanation)
        self.hint = hint
        self.names, self.parents, self.is_certain = names, parents, is_certain


class UnservedTargetError(ResolutionError):
    """An engine cannot resolve for the target, whatever is asked for."""

    def __init__(self, candidate: str, explanation: str, *, hint: str) -> None:
        super().__init__(candidate, explanation)
        self.hint = hint


class Resolver(Protocol):
    """Finds a set of distributions that satisfies all requirements on a target."""

    name: str
    """What ``--engine`` calls it."""

    needs_interpreter: bool
    """Whether it runs in a Python of the target's line, and finds nothing without one."""

    asks_index: bool
    """Whether it needs the package index, and seconds for an answer."""

    def resolve(
        self,
        requirements: Sequence[Requirement],
        *,
        constraints: Sequence[Requirement],
        target: Target,
        interpreter: Path | None,
        kept: Sequence[Requirement] = (),
    ) -> Resolution:
        """Resolve *requirements* for *target*, whatever Python runs this.

        *constraints* bound what is taken, without asking for it. *interpreter* is a Python of the target's line,
        where one is at hand: source distributions must not be asked for their metadata by any other. *kept* are
        pins, ``name==version``, from which the solution is to differ as little as it has to: they never leave it
        without one.

        Raises:
            ResolutionError: No set of distributions satisfies all of it; :class:`ConflictError` where it is known what
                is in conflict, :class:`UnservedTargetError` where the engine does not resolve for the target.
            NetworkError: The index cannot be reached.
        """
