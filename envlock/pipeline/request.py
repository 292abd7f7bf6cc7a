"""What the person asks ``from-model`` for."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from packaging.requirements import Requirement

from envlock.candidates import Wishes
from envlock.resolution import Resolver
from envlock.target import Platform
from envlock.writers import LockWriter


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptPlace:
    """Where a script that loads the model is to stand."""

    path: Path
    is_named: bool
    """Whether the person named it; else what is there already is simply left alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One environment or lock for one artifact."""

    artifact: Path
    platform: Platform
    resolvers: tuple[Resolver, ...]
    """Asked in this order until one has a solution."""

    writer: LockWriter
    lock_path: Path | None
    """``None``: the lock is not written, whoever asks for it takes it from the outcome."""

    environment_path: Path | None
    """``None``: lock only."""

    wishes: Wishes = field(default_factory=Wishes)
    besides: tuple[Requirement, ...] = ()
    """What the person wants in the environment beside what the model needs."""

    constraints: tuple[Requirement, ...] = ()
    """Bounds of the person on whatever is taken."""

    preferred: tuple[Requirement, ...] = ()
    """Pins, ``name==version``, that are kept where they can be, unless the lock that is there holds others."""

    upgrades: bool = False
    """Whether the pins of the lock that is there already have no say."""

    upgraded: frozenset[str] = frozenset()
    """Normalised names of the distributions whose pins have none."""

    find_links: tuple[Path, ...] = ()
    """Folders with wheels to install from."""

    no_index: bool = False
    """Whether to install from these folders alone."""

    command: tuple[str, ...] = ()
    """The arguments that asked for all of this, the program first."""

    fetches: bool = False
    """Whether Pythons that this machine lacks are fetched."""

    code: Path | None = None
    """Folder of the person's own definitions."""

    builder: str = ""
    """What in there builds the model that weights belong to, as ``NAME`` or ``MODULE:NAME``; empty for none."""

    trusts_code: bool = False
    verifies: bool = True
    verifies_again: bool = False
    """Whether what the environment remembers of earlier verifications has no say."""

    counterpart: Path | None = None
    """Another environment, whose numbers are compared: its folder, or its Python."""

    clears: bool = False
    """Whether a virtual environment that is there already gives way in any case, whoever made it."""

    kernel: str | None = None
    """Name of the Jupyter kernel that is to run in the environment; ``None``: no kernel."""

    script: ScriptPlace | None = None
    """``None``: no script."""
