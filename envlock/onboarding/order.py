"""What a person asks ``from-project`` for."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from packaging.requirements import Requirement

from envlock.candidates import Wishes
from envlock.resolution import Resolver
from envlock.target import Platform


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """Environments for everything in one project."""

    project: Path
    folder: Path
    """Where locks, environments and the page about them go."""

    platform: Platform
    resolvers: tuple[Resolver, ...]
    """Asked in this order until one has a solution."""

    wishes: Wishes = field(default_factory=Wishes)
    besides: tuple[Requirement, ...] = ()
    """What the person wants in every environment."""

    constraints: tuple[Requirement, ...] = ()
    """Bounds of the person on whatever is taken."""

    command: tuple[str, ...] = ()
    """The arguments that asked for all of this, the program first."""

    makes_environments: bool = True
    """Whether there are to be more than locks."""

    fetches: bool = True
    """Whether Pythons that this machine lacks are fetched."""

    trusts_code: bool = False
    """Whether code of the project, and code that its models hold, may be run."""

    verifies: bool = True
    clears: bool = False
    """Whether a virtual environment that is in the way is replaced, whoever made it."""
