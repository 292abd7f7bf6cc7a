"""What ``from-project`` made of a project."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from envlock.onboarding.models import Model, Models
from envlock.onboarding.places import Places
from envlock.onboarding.planning import PlannedEnvironment, is_about_tensorflow
from envlock.onboarding.settings import is_implementation, is_tensorflow
from envlock.onboarding.smoke import SmokeTest
from envlock.onboarding.wanted import Wanted, Wish
from envlock.pipeline.outcome import Outcome
from envlock.project.interface import Project
from envlock.verification import Verification


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelResult:
    """What became of a model in the environment that was made for it."""

    model: Model
    state: Literal["verified", "not-verified", "failed"]
    verification: Verification | None = None
    """``None`` where it was not loaded."""

    reason: str = ""
    """One line: why it was not verified, or failed."""

    is_recalled: bool = False
    """Whether an earlier run has seen it, and nothing has changed since."""


class Relaxed(NamedTuple):
    """Something that the project wants, and does not get as it is said."""

    wish: Wish
    taken: Requirement | None
    """What was asked for in its place; ``None``: nothing."""

    reason: str
    """What it does not go with, in one line."""

    hint: str = ""
    """What to change, where that is known."""

    def __str__(self) -> str:
        taken = f"{self.taken} is taken in any version" if self.taken is not None else "it is left out"
        return f"{self.wish}: {taken}, since {self.reason}"


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeEnvironment:
    """One environment, or its lock."""

    planned: PlannedEnvironment
    places: Places
    outcome: Outcome
    """Of the first model in it, or of none."""

    results: tuple[ModelResult, ...]
    """One for each of its models, in the order of their names."""

    wanted: Wanted
    """As far as it is there."""

    relaxed: tuple[Relaxed, ...]
    imports: SmokeTest | None = None
    """How what the code imports from elsewhere is imported there, where no model proves the environment."""

    @property
    def name(self) -> str:
        """As a person would say it, with the Keras that was taken for its models although another is planned."""
        setting = self.planned.setting
        asked = {canonicalize_name(item.name) for item in self.outcome.candidate.requirements}
        taken = {pin.name: pin.version for pin in self.outcome.lock.pins if pin.name in asked and _is_keras(pin.name)}
        return setting._replace(keras=tuple(sorted({**dict(setting.keras), **taken}.items()))).name

    @property
    def moved_pins(self) -> Iterator[tuple[Requirement, str]]:
        """Pins of lock files of the project that could not be kept, with the version that was taken instead."""
        versions = {pin.name: str(pin.version) for pin in self.outcome.lock.pins}
        for pin in self.wanted.pins:
            taken = versions.get(pin.name)
            if taken is not None and not pin.specifier.contains(taken, prereleases=True):
                yield pin, taken


def _is_keras(distribution: str) -> bool:
    return is_implementation(distribution) and not is_tensorflow(distribution)


class Unserved(NamedTuple):
    """A model for which there is no environment."""

    model: Model
    reason: str
    hint: str


class Conflict(NamedTuple):
    """Where the project says something else than what is, or can be."""

    message: str
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Onboarding:
    """Everything that was found, made and seen."""

    project: Project
    models: Models
    environments: tuple[MadeEnvironment, ...]
    """The one that is most as the project says first."""

    unserved: tuple[Unserved, ...]
    conflicts: tuple[Conflict, ...]
    smoke: SmokeTest | None
    """How the modules of the project are imported; ``None`` where that was not tried, for the reason that is next."""

    untested: str
    page: Path | None
    """The page about it all that was written; ``None`` where somebody else's is there."""

    @property
    def results(self) -> tuple[ModelResult, ...]:
        """Of all models that have an environment, in the order of the environments."""
        return tuple(result for environment in self.environments for result in environment.results)

    @property
    def is_locked(self) -> bool:
        """Whether there is an environment for every model and for the code, or its lock."""
        serves_code = bool(self.environments) or not is_about_tensorflow(self.project)
        return serves_code and not self.unserved and all(item.is_something_else for item in self.models.unread)

    @property
    def is_proven(self) -> bool:
        """Whether every model was seen to load and, where there is none, what the code imports to be there."""
        has_imports = all(made.imports is None or made.imports.passes for made in self.environments)
        return self.is_locked and has_imports and all(result.state == "verified" for result in self.results)
