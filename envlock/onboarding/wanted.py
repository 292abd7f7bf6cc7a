"""Project + Setting -> Wanted: what the environment is to hold beside what its models need."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from envlock.knowledge.pairings import is_paired
from envlock.onboarding.settings import CONSTRAINTS, Setting, brings, is_implementation, is_tensorflow, release_within
from envlock.own_code.imports import Import, find_needs
from envlock.project.interface import ApiUse, ModuleImport, Place, Project, RequirementStatement
from envlock.target import Platform, Target

_VERBS = {
    "declared": "asks for",
    "bounded": "bounds",
    "hinted": "asks for",
    "imported": "imports from",
    "called": "needs",
}
"""What is said in which way, what weighs most first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """One distribution that the project wants, and where it says so."""

    requirement: Requirement
    place: Place
    reason: Literal["declared", "bounded", "hinted", "imported", "called"]
    """``bounded``: by a file of constraints; ``called``: the code uses an API that other releases do not have."""

    def __str__(self) -> str:
        return f"{self.place}, {_VERBS[self.reason]} {self.requirement}"

    @property
    def is_bare(self) -> bool:
        """Whether any version does."""
        return not self.requirement.specifier

    @property
    def is_bound(self) -> bool:
        """Whether it bounds what is taken anyway, and asks for nothing by itself."""
        return self.reason in {"bounded", "called"}

    @property
    def weakness(self) -> int:
        """How soon it is let go, where wishes contradict each other."""
        return [*_VERBS].index(self.reason)

    @property
    def pinned_version(self) -> Version | None:
        """The one version that it admits; ``None`` where it admits others."""
        specifiers = [*self.requirement.specifier]
        if len(specifiers) != 1 or specifiers[0].operator != "==" or specifiers[0].version.endswith(".*"):
            return None
        return Version(specifiers[0].version)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """All that the project wants."""

    besides: tuple[Wish, ...]
    bounds: tuple[Wish, ...]
    """On what is taken anyway."""

    pins: tuple[Requirement, ...]
    """Of lock files, to be kept where they can be."""

    modules: tuple[str, ...]
    """What the code imports unconditionally and is brought by something that is known, TensorFlow too; sorted."""

    unknown: tuple[Import, ...]
    """Imports of which it is not known what brings them."""


def find_wanted(project: Project, setting: Setting, platform: Platform, *, keeps_pins: bool) -> Wanted:
    """What an environment of the *setting* is to hold, without what the choice of the setting has settled.

    *keeps_pins* tells whether versions of lock files are worth anything there.
    """
    target = Target(python=setting.python, platform=platform)
    in_force = [item for item in project.requirements if _is_in_force(item, target)]
    asked = [item for item in in_force if item.strength != "locked"]
    if not any(item.strength == "declared" for item in asked):
        # Nobody says which of the pins of a lock file are there for their own sake.
        asked += [_without_version(item) for item in in_force if item.strength == "locked"]
    besides = [wish for item in asked if (wish := _wish_of(item, setting, platform)) is not None]
    needs = find_needs(map(_import_of, project.imports), setting.python)
    required = [need for need in needs if not need.first.is_conditional]
    named = {canonicalize_name(wish.requirement.name) for wish in besides}
    imported = [
        _imported(need.distribution, need.first, setting, platform)
        for need in required
        if need.distribution is not None
        and need.distribution not in named
        and _has_to_be_added(need.distribution, setting)
    ]
    return Wanted(
        besides=(*besides, *imported),
        bounds=(*_constraints(project, target), *_bounds(project.uses)),
        pins=tuple(_pins(in_force, setting)) if keeps_pins else (),
        modules=tuple(need.first.module.partition(".")[0] for need in required if need.distribution is not None),
        unknown=tuple(need.first for need in required if need.distribution is None),
    )


# --- what is asked for ---------------------------------------------------------------------------------------


def _is_in_force(statement: RequirementStatement, target: Target, *, group: str = "") -> bool:
    requirement = statement.requirement
    if statement.group != group or requirement.url is not None or is_tensorflow(requirement.name):
        return False
    return requirement.marker is None or requirement.marker.evaluate(target.marker_environment)


def _without_version(statement: RequirementStatement) -> RequirementStatement:
    return RequirementStatement(
        requirement=Requirement(statement.requirement.name), place=statement.place, strength=statement.strength
    )


def _wish_of(statement: RequirementStatement, setting: Setting, platform: Platform) -> Wish | None:
    """``None`` for a Keras that is part of the setting, unless TensorFlow brings it and the project says which."""
    name, specifier = canonicalize_name(statement.requirement.name), statement.requirement.specifier
    if name in dict(setting.keras) or not (specifier or _has_to_be_added(name, setting)):
        return None
    requirement = Requirement(str(statement.requirement).partition(";")[0])
    if is_implementation(name) or is_paired(name):
        # Their metadata seldom says on which TensorFlow they run.
        requirement = release_within(name, specifier, setting, platform) or requirement
    reason: Literal["hinted", "declared"] = "hinted" if statement.strength == "hinted" else "declared"
    return Wish(requirement=requirement, place=statement.place, reason=reason)


def _has_to_be_added(distribution: str, setting: Setting) -> bool:
    if is_tensorflow(distribution) or distribution in dict(setting.keras):
        return False
    return not (is_implementation(distribution) and brings(setting, distribution))


def _pins(statements: Sequence[RequirementStatement], setting: Setting) -> Iterator[Requirement]:
    for item in statements:
        name = canonicalize_name(item.requirement.name)
        if item.strength == "locked" and (not is_implementation(name) or brings(setting, name)):
            yield Requirement(f"{item.requirement.name}{item.requirement.specifier}")


# --- what is imported and called -----------------------------------------------------------------------------


def _import_of(item: ModuleImport) -> Import:
    return Import(
        module=item.module, file=item.place.file, line=item.place.line or 1, is_conditional=item.is_conditional
    )


def _imported(distribution: str, first: Import, setting: Setting, platform: Platform) -> Wish:
    requirement = release_within(distribution, SpecifierSet(), setting, platform) or Requirement(distribution)
    return Wish(requirement=requirement, place=Place(first.file, first.line), reason="imported")


def _constraints(project: Project, target: Target) -> Iterator[Wish]:
    for item in project.requirements:
        if _is_in_force(item, target, group=CONSTRAINTS) and not is_implementation(item.requirement.name):
            requirement = Requirement(f"{item.requirement.name}{item.requirement.specifier}")
            yield Wish(requirement=requirement, place=item.place, reason="bounded")


def _bounds(uses: Sequence[ApiUse]) -> Iterator[Wish]:
    bounded: dict[tuple[str, str], ApiUse] = {}
    for use in uses:
        if use.distribution != "python" and not is_implementation(use.distribution) and not is_paired(use.distribution):
            bounded.setdefault((use.distribution, str(use.releases)), use)
    for use in bounded.values():
        requirement = Requirement(f"{use.distribution}{use.releases}")
        yield Wish(requirement=requirement, place=use.place, reason="called")
