"""Settings: the TensorFlow, Python and Keras that an environment is made of, and what a project says of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import cache
from typing import NamedTuple

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from envlock.knowledge.builds import build_for
from envlock.knowledge.families import members_of
from envlock.knowledge.loaders import all_loaders, distributions_of_implementations, own_packages
from envlock.knowledge.pairings import is_paired, paired_lines, release_for_tensorflow
from envlock.knowledge.releases import line_of, lines_of, releases_of, releases_of_line, sort_lines
from envlock.knowledge.tensorflow_facts import keras_of_line
from envlock.project.interface import ApiUse, Project, PythonStatement, RequirementStatement
from envlock.target import Device, Platform, Target

EnvironmentStatement = RequirementStatement | PythonStatement | ApiUse

CONSTRAINTS = "constraints"
"""The group of what bounds, and asks for nothing by itself."""

_MOST_STATEMENTS = 100
"""Of one weight: far more than files that people write hold."""

_MOST_PATCHES = 40
"""Patch releases that a Python line has at most."""


class Setting(NamedTuple):
    """What decides which models an environment loads."""

    tensorflow: Version
    python: str
    keras: tuple[tuple[str, Version], ...] = ()
    """The Keras distributions that are installed beside TensorFlow by name, sorted."""

    @property
    def line(self) -> str:
        """Of TensorFlow."""
        return line_of(self.tensorflow)

    @property
    def base(self) -> Setting:
        """The same without Keras."""
        return self._replace(keras=())

    @property
    def requirements(self) -> tuple[Requirement, ...]:
        """The pins of Keras."""
        return tuple(Requirement(f"{name}=={version}") for name, version in self.keras)

    @property
    def name(self) -> str:
        """As a person would say it, such as ``TensorFlow 1.15.5 + keras 2.2.5 on Python 3.7``."""
        pins = " + ".join([f"TensorFlow {self.tensorflow}", *(f"{name} {version}" for name, version in self.keras)])
        return f"{pins} on Python {self.python}"


def is_tensorflow(distribution: str) -> bool:
    """Whether the distribution is one of those that hold TensorFlow."""
    return canonicalize_name(distribution) in members_of("tensorflow")


def is_implementation_module(module: str) -> bool:
    """Whether the dotted name is that of a module of TensorFlow or a Keras."""
    return module.partition(".")[0] in own_packages()


def is_implementation(distribution: str) -> bool:
    """Whether the distribution is TensorFlow or a Keras, by any name."""
    return is_tensorflow(distribution) or canonicalize_name(distribution) in distributions_of_implementations()


def statements_of(project: Project) -> tuple[tuple[EnvironmentStatement, ...], ...]:
    """What the *project* says of TensorFlow, Keras, add-ons and Python: four bounded groups, what weighs most first.

    Pins of lock files, what is declared, what points at something, and which API is used. What belongs to an extra or a
    group only points at something, and what says the same in the same file counts once.
    """
    told: list[EnvironmentStatement] = [
        *(item for item in project.requirements if _decides(item.requirement)),
        *project.pythons,
        *(use for use in project.uses if use.distribution == "python" or _is_paired_or_core(use.distribution)),
    ]
    groups: tuple[dict[object, EnvironmentStatement], ...] = ({}, {}, {}, {})
    for statement in told:
        groups[_weight(statement)].setdefault(_content(statement), statement)
    return tuple(tuple(group.values())[:_MOST_STATEMENTS] for group in groups)


def is_use(statement: EnvironmentStatement) -> bool:
    """Whether it is code that says so, and no file that was written to say it."""
    return isinstance(statement, ApiUse)


def is_locked(statement: EnvironmentStatement) -> bool:
    """Whether it stands in a lock file."""
    return not isinstance(statement, ApiUse) and statement.strength == "locked"


def is_met(statement: EnvironmentStatement, setting: Setting, platform: Platform) -> bool:
    """Whether an environment of that *setting* can be as the *statement* says, for all that is known."""
    if isinstance(statement, PythonStatement):
        return admits_line(statement.versions, setting.python)
    if isinstance(statement, ApiUse):
        if statement.distribution == "python":
            return admits_line(statement.releases, setting.python)
        return _can_hold(statement.distribution, statement.releases, setting)
    if not is_in_force(statement, setting, platform):
        return True
    return _can_hold(statement.requirement.name, statement.requirement.specifier, setting)


def is_in_force(statement: EnvironmentStatement, setting: Setting, platform: Platform) -> bool:
    """Whether the *statement* is about such an environment: its marker may leave it to others."""
    if not isinstance(statement, RequirementStatement) or statement.requirement.marker is None:
        return True
    return statement.requirement.marker.evaluate(Target(python=setting.python, platform=platform).marker_environment)


@cache
def admits_line(versions: SpecifierSet, python: str) -> bool:
    """Whether *versions* admit any patch release of the Python line."""
    return any(versions.contains(f"{python}.{patch}", prereleases=True) for patch in range(_MOST_PATCHES))


def bases(
    statements: Sequence[Iterable[EnvironmentStatement]],
    *,
    pythons: Collection[str],
    platform: Platform,
    device: Device,
    wished: SpecifierSet | None,
) -> Iterator[Setting]:
    """One setting without Keras for each TensorFlow line and Python, oldest first.

    Of each line it is the last release that can be installed and that *statements* admit, the stronger ones first.
    """
    asked = specifiers_on(members_of("tensorflow"), statements)
    for line in lines_of("tensorflow"):
        for python in sort_lines(pythons):
            target = Target(python=python, platform=platform)
            versions = [
                release.version
                for release in releases_of_line("tensorflow", line)
                if wished is None or wished.contains(release.version)
                if build_for(release.version, target, device) is not None
            ]
            if versions:
                yield Setting(narrowed(versions, asked)[-1], python)


def specifiers_on(
    distributions: Collection[str], statements: Iterable[Iterable[EnvironmentStatement]]
) -> list[SpecifierSet]:
    """What *statements* ask of any of *distributions*, in their order."""
    return [
        item.requirement.specifier
        for group in statements
        for item in group
        if isinstance(item, RequirementStatement) and canonicalize_name(item.requirement.name) in distributions
    ]


def narrowed(versions: Sequence[Version], specifiers: Iterable[SpecifierSet]) -> Sequence[Version]:
    """Those of *versions* that all *specifiers* admit, one after the other; whichever leaves none has no say."""
    for specifier in specifiers:
        versions = [item for item in versions if specifier.contains(item, prereleases=True)] or versions
    return versions


def brings(setting: Setting, distribution: str) -> bool:
    """Whether the TensorFlow of the *setting* requires the Keras, so that it is there anyway."""
    return distribution == "keras" and any(line == setting.line for line, _ in _keras_of_lines())


def release_within(
    distribution: str, specifier: SpecifierSet, setting: Setting, platform: Platform
) -> Requirement | None:
    """The release of a Keras or an add-on that belongs to the *setting* best, pinned; ``None`` where none is known."""
    best = release_for_tensorflow(distribution, setting.line)
    fitting = [
        release
        for release in (*releases_of(distribution), *filter(None, [best]))
        if specifier.contains(release.version)
        and setting.line in _tensorflow_lines(distribution, release.version)
        and release.can_be_installed(setting.python, platform.name)
    ]
    return Requirement(f"{distribution}=={fitting[-1].version}") if fitting else None


# --- what a statement speaks of ------------------------------------------------------------------------------


def _decides(requirement: Requirement) -> bool:
    return requirement.url is None and _is_paired_or_core(requirement.name)


def _is_paired_or_core(distribution: str) -> bool:
    return is_implementation(distribution) or is_paired(canonicalize_name(distribution))


_WEIGHTS = {"locked": 0, "declared": 1, "hinted": 2}
_WEIGHT_OF_USES = 3


def _weight(statement: EnvironmentStatement) -> int:
    if isinstance(statement, ApiUse):
        return _WEIGHT_OF_USES
    is_optional = isinstance(statement, RequirementStatement) and statement.group not in {"", CONSTRAINTS}
    return _WEIGHTS["hinted" if is_optional else statement.strength]


def _content(statement: EnvironmentStatement) -> object:
    match statement:
        case RequirementStatement():
            return (str(statement.requirement), statement.place.file)
        case PythonStatement():
            return (str(statement.versions), statement.place.file)
        case ApiUse():
            return (statement.distribution, statement.name)


# --- whether it holds ----------------------------------------------------------------------------------------


def _can_hold(distribution: str, specifier: SpecifierSet, setting: Setting) -> bool:
    name = canonicalize_name(distribution)
    if is_tensorflow(name):
        return specifier.contains(setting.tensorflow, prereleases=True)
    pinned = dict(setting.keras).get(name)
    if pinned is not None:
        return specifier.contains(pinned, prereleases=True)
    admitted = [item.version for item in releases_of(name) if specifier.contains(item.version)]
    known = [lines for version in admitted if (lines := _tensorflow_lines(name, version))]
    # Of what is not known to belong to any TensorFlow, nothing is known.
    return not known or any(setting.line in lines for lines in known)


@cache
def _tensorflow_lines(distribution: str, version: Version) -> frozenset[str]:
    """The TensorFlow lines that a release of a Keras or an add-on runs on; empty where none is known."""
    loading = (
        loader.tensorflow
        for loader in all_loaders()
        if (loader.release.distribution, loader.line) == (distribution, line_of(version))
    )
    return frozenset(paired_lines(distribution, version)).union(*loading, _lines_that_bring(distribution, version))


def _lines_that_bring(distribution: str, version: Version) -> Iterator[str]:
    """The TensorFlow lines that require that release of Keras."""
    return (line for line, wanted in _keras_of_lines() if distribution == "keras" and wanted.contains(version))


@cache
def _keras_of_lines() -> tuple[tuple[str, SpecifierSet], ...]:
    wanted = ((line, item.requirement) for line in lines_of("tensorflow") for item in keras_of_line(line))
    return tuple((line, Requirement(text).specifier) for line, text in dict.fromkeys(wanted) if text)
