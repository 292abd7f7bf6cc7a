"""Resolution over the bundled index snapshot: no network, the same answer every time, for any target."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version
from resolvelib import AbstractProvider, BaseReporter, ResolutionImpossible, ResolutionTooDeep
from resolvelib.resolvers import Criterion
from resolvelib.resolvers import Resolution as Engine
from resolvelib.structs import RequirementInformation

from envlock.knowledge.snapshot import IndexSnapshot, SnapshotFile, bundled_snapshot
from envlock.knowledge.source_builds import find_source_build
from envlock.reporter import Reporter, SilentReporter
from envlock.resolution.distributions import Installable, find_installable
from envlock.resolution.explanation import Cause, explain_address, explain_conflict, explain_effort
from envlock.resolution.interface import ConflictError, Pin, PinnedFile, Resolution
from envlock.resolution.preferences import Preferences, exact_versions, preferences_for
from envlock.target import Target

_MOST_ROUNDS = 20_000
"""More than any real set takes by far: a closure of TensorFlow takes about sixty."""

_REJECTIONS_TO_TELL = 500

# Most requirements of some distributions are those of their extras: they are left out before they are parsed.
_NEEDS_EXTRA = re.compile(r";(?!.*\bor\b).*\bextra\s*==")

Identifier = tuple[str, str]
"""Normalised name, and one extra or the empty string: every extra is resolved as a distribution of its own."""


@dataclass(frozen=True, slots=True, eq=False)
class Demand:
    """One requirement that holds for the target."""

    identifier: Identifier
    specifier: SpecifierSet
    looseness: int
    """0: one version; 1: bounded above; 2: anything from some version on."""

    _admitted: dict[Version, bool] = field(default_factory=dict)

    def admits(self, version: Version) -> bool:
        """Whether *version* satisfies it; that pre-releases are not asked for is another matter."""
        known = self._admitted.get(version)
        if known is None:
            known = self._admitted[version] = self.specifier.contains(version, prereleases=True)
        return known

    @property
    def asks_for_prereleases(self) -> bool:
        """Whether a pre-release is named (PEP 440)."""
        return bool(self.specifier.prereleases)


def _demand(name: str, extra: str, specifier: SpecifierSet) -> Demand:
    exact = any(item.operator in {"==", "==="} and not item.version.endswith(".*") for item in specifier)
    bounded = any(item.operator in {"==", "<", "<=", "~="} for item in specifier)
    return Demand((name, extra), specifier, 0 if exact else 1 if bounded else 2)


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """One release for one identifier."""

    identifier: Identifier
    version: Version
    installable: Installable


class OfflineResolver:
    """The engine of pip on the bundled snapshot."""

    name = "offline"
    needs_interpreter = False
    asks_index = False

    def __init__(self, snapshot: IndexSnapshot | None = None, reporter: Reporter | None = None) -> None:
        """Resolve over *snapshot*, the bundled one by default, and tell *reporter* where it takes long."""
        self._snapshot = snapshot
        self._reporter = reporter or SilentReporter()

    def resolve(
        self,
        requirements: Sequence[Requirement],
        *,
        constraints: Sequence[Requirement],
        target: Target,
        interpreter: Path | None,
        kept: Sequence[Requirement] = (),
    ) -> Resolution:
        """See :class:`envlock.resolution.interface.Resolver`; no *interpreter* is needed.

        Kept pins hold like constraints at first. Those that take part in a conflict are let go, until there is none;
        they are still the first choice then.
        """
        del interpreter
        snapshot = self._snapshot or bundled_snapshot()
        preferences = preferences_for(requirements, kept, target, snapshot)
        search = _Search(snapshot, target, preferences, self._reporter)
        held = {canonicalize_name(pin.name): pin for pin in kept}
        while True:
            try:
                pins = tuple(search.pins(requirements, [*constraints, *held.values()]))
                return Resolution(pins=pins, engine=self.name)
            except ConflictError as conflict:
                if not held:
                    raise
                to_blame = held.keys() & conflict.names or held.keys() & conflict.parents or held.keys()
                held = {name: pin for name, pin in held.items() if name not in to_blame}


@dataclass(frozen=True)
class _Search:
    """What stays the same while requirements are resolved, and those of the tools that build sources."""

    snapshot: IndexSnapshot
    target: Target
    preferences: Preferences
    reporter: Reporter

    def pins(self, requirements: Sequence[Requirement], constraints: Sequence[Requirement]) -> Iterator[Pin]:
        """One pin a distribution, sorted by name."""
        provider = _Provider(self, constraints)
        choices = self._solve(provider, requirements)
        via = _dependents(choices, provider)
        for (name, extra), choice in sorted(choices.items(), key=lambda item: item[0]):
            if not extra:
                yield Pin(
                    name=name,
                    version=choice.version,
                    files=tuple(_pinned(file) for file in choice.installable.files),
                    via=tuple(sorted(via.get(name, ()))),
                    is_source=choice.installable.is_source,
                    build=self._build_pins(choice) if choice.installable.is_source else (),
                )

    def _solve(self, provider: _Provider, requirements: Sequence[Requirement]) -> Mapping[Identifier, Choice]:
        for requirement in requirements:
            if requirement.url is not None:
                raise explain_address(requirements, requirement, self.target)
        demands = [demand for requirement in requirements for demand in provider.demands_of(requirement, "")]
        engine = Engine(provider, _Progress(self.reporter))
        try:
            return _reached(demands, engine.resolve(demands, max_rounds=_MOST_ROUNDS).mapping, provider)
        except ResolutionImpossible as conflict:
            causes = [_cause(*information) for information in conflict.causes]
            names = {cause.name for cause in causes}
            # The search ends with the first conflict that it meets. What is asked for, and what that needs in any case,
            # tells more of it.
            inevitable = _inevitable(requirements, provider, self.snapshot)
            causes += [cause for cause in inevitable if cause.name in names]
            raise explain_conflict(requirements, causes, provider.constraints, self.snapshot, self.target) from conflict
        except ResolutionTooDeep as effort:
            raise explain_effort(requirements, _MOST_ROUNDS, self.target) from effort

    def _build_pins(self, choice: Choice) -> tuple[str, ...]:
        """The tools that the source distribution is built with, pinned like everything else."""
        name, _ = choice.identifier
        build = find_source_build(name, choice.version)
        # What the environment holds has no say in what builds its parts.
        search = replace(self, preferences=replace(self.preferences, kept={}))
        pins = search.pins(build.build, ()) if build else ()
        return tuple(f"{pin.name}=={pin.version}" for pin in pins)


def _reached(
    demands: Iterable[Demand], choices: Mapping[Identifier, Choice], provider: _Provider
) -> dict[Identifier, Choice]:
    """Those of *choices* that *demands* lead to: the others were chosen for what was rejected later.

    resolvelib's own Resolver does the same, and does not end where such a rest requires itself.
    """
    reached: dict[Identifier, Choice] = {}
    waiting = [demand.identifier for demand in demands]
    while waiting:
        identifier = waiting.pop()
        if identifier not in reached:
            reached[identifier] = choices[identifier]
            waiting += [demand.identifier for demand in provider.get_dependencies(choices[identifier])]
    return reached


def _pinned(file: SnapshotFile) -> PinnedFile:
    return PinnedFile(name=file.name, sha256=file.sha256, size=file.size, uploaded=file.uploaded)


def _dependents(choices: Mapping[Identifier, Choice], provider: _Provider) -> dict[str, set[str]]:
    """The names that require each name, an extra's requirements counted for the distribution that has it."""
    via: dict[str, set[str]] = {}
    for choice in choices.values():
        name, _ = choice.identifier
        for demand in provider.get_dependencies(choice):
            required, _ = demand.identifier
            if required != name:
                via.setdefault(required, set()).add(name)
    return via


def _inevitable(requirements: Sequence[Requirement], provider: _Provider, snapshot: IndexSnapshot) -> Iterator[Cause]:
    """*requirements*, and those of the releases that they name."""
    for requirement in requirements:
        yield from (_cause(demand, None) for demand in provider.demands_of(requirement, ""))
    for name, version in exact_versions(requirements).items():
        package = snapshot.package(name)
        choice = provider.choice((name, ""), version) if package and version in package.versions else None
        if choice is not None:
            yield from (_cause(demand, choice) for demand in provider.get_dependencies(choice))


def _cause(demand: Demand, parent: Choice | None) -> Cause:
    return Cause(
        name=demand.identifier[0],
        specifier=demand.specifier,
        required_by=(parent.identifier[0], parent.version) if parent else None,
    )


class _Provider(AbstractProvider[Demand, Choice, Identifier]):
    """What resolvelib asks: which releases there are, in which order, and what each requires."""

    def __init__(self, search: _Search, constraints: Sequence[Requirement]) -> None:
        self._search = search
        self._environment = search.target.marker_environment
        self.constraints: dict[str, SpecifierSet] = {}
        for constraint in constraints:
            if self._holds(constraint, ""):
                name = canonicalize_name(constraint.name)
                self.constraints[name] = self.constraints.get(name, SpecifierSet()) & constraint.specifier
        self._bounds = {name: _demand(name, "", specifier) for name, specifier in self.constraints.items()}
        self._orders: dict[str, list[Version]] = {}
        self._choices: dict[tuple[Identifier, Version], Choice | None] = {}
        self._demands: dict[tuple[str, str], tuple[Demand, ...]] = {}
        self._dependencies: dict[Choice, tuple[Demand, ...]] = {}

    # --- requirements of the target ---

    def demands_of(self, requirement: Requirement, extra: str) -> Iterator[Demand]:
        """What a requirement asks of the target: nothing where its marker does not hold there under *extra*."""
        if self._holds(requirement, extra):
            name = canonicalize_name(requirement.name)
            yield _demand(name, "", requirement.specifier)
            for wanted in sorted(requirement.extras):
                yield _demand(name, canonicalize_name(wanted), requirement.specifier)

    def _holds(self, requirement: Requirement, extra: str) -> bool:
        return requirement.marker is None or requirement.marker.evaluate({**self._environment, "extra": extra})

    # --- releases ---

    def _matches(
        self, identifier: Identifier, demands: Sequence[Demand], excluded: frozenset[Version]
    ) -> Iterator[Choice]:
        """The releases that satisfy, best first: the kept one, wheels before sources, yanked and pre-releases last."""
        name, _ = identifier
        kept = self._search.preferences.kept.get(name)
        bounds = [*demands, self._bounds[name]] if name in self._bounds else demands
        takes_prereleases = any(demand.asks_for_prereleases for demand in bounds)
        later: list[tuple[bool, bool, Choice]] = []
        prereleases: list[Version] = []
        has_final = False
        for version in self._order(name):
            if not all(demand.admits(version) for demand in bounds):
                continue
            if version.is_prerelease and not takes_prereleases and version != kept:
                prereleases.append(version)
                continue
            choice = self.choice(identifier, version)
            if choice is None:
                continue
            has_final = True
            if version in excluded:
                continue
            installable = choice.installable
            if version != kept and (installable.is_yanked or installable.is_source):
                later.append((installable.is_yanked, installable.is_source, choice))
            else:
                yield choice
        yield from (choice for *_, choice in sorted(later, key=lambda item: item[:2]))
        if not has_final:
            # PEP 440: they are taken where nothing else satisfies.
            remaining = (self.choice(identifier, version) for version in prereleases if version not in excluded)
            yield from (choice for choice in remaining if choice is not None)

    def _order(self, name: str) -> list[Version]:
        if name not in self._orders:
            package = self._search.snapshot.package(name)
            self._orders[name] = self._search.preferences.order(name, package) if package else []
        return self._orders[name]

    def choice(self, identifier: Identifier, version: Version) -> Choice | None:
        """The release for the target; ``None`` where the target gets nothing of it, or cannot read what it requires."""
        key = (identifier, version)
        if key not in self._choices:
            self._choices[key] = self._make_choice(identifier, version)
        return self._choices[key]

    def _make_choice(self, identifier: Identifier, version: Version) -> Choice | None:
        name, _ = identifier
        package = self._search.snapshot.package(name)
        files = package.files(version) if package else ()
        installable = find_installable(name, version, files, self._search.target)
        if installable is None:
            return None
        choice = Choice(identifier, version, installable)
        try:
            self._dependencies[choice] = tuple(self._read_dependencies(choice))
        except InvalidRequirement:
            # Of the time before metadata was checked on upload; today's installers refuse such releases as well.
            return None
        return choice

    def _read_dependencies(self, choice: Choice) -> Iterator[Demand]:
        name, extra = choice.identifier
        if extra:
            yield _demand(name, "", SpecifierSet(f"=={choice.version}"))
        for text in choice.installable.requires:
            if extra or not _NEEDS_EXTRA.search(text):
                yield from self._read_demands(text, extra)

    def _read_demands(self, text: str, extra: str) -> tuple[Demand, ...]:
        # Successive releases mostly say the same, and a demand remembers which versions it admits.
        if (text, extra) not in self._demands:
            self._demands[text, extra] = tuple(self.demands_of(Requirement(text), extra))
        return self._demands[text, extra]

    # --- resolvelib ---

    def identify(self, requirement_or_candidate: Demand | Choice) -> Identifier:
        return requirement_or_candidate.identifier

    def get_preference(
        self,
        identifier: Identifier,
        resolutions: Mapping[Identifier, Choice],
        candidates: Mapping[Identifier, Iterator[Choice]],
        information: Mapping[Identifier, Iterator[RequirementInformation[Demand, Choice]]],
        backtrack_causes: Sequence[RequirementInformation[Demand, Choice]],
    ) -> tuple[bool, int, Identifier]:
        """Least first: what a conflict was about, then what is bound most, since it fails soonest."""
        del resolutions, candidates
        looseness = min(demand.looseness for demand, _ in information[identifier])
        in_conflict = any(
            identifier == demand.identifier or (parent is not None and identifier == parent.identifier)
            for demand, parent in backtrack_causes
        )
        return (looseness > 0 and not in_conflict, looseness, identifier)

    def find_matches(
        self,
        identifier: Identifier,
        requirements: Mapping[Identifier, Iterator[Demand]],
        incompatibilities: Mapping[Identifier, Iterator[Choice]],
    ) -> Callable[[], Iterator[Choice]]:
        demands = tuple(requirements[identifier])
        excluded = frozenset(choice.version for choice in incompatibilities[identifier])
        return lambda: self._matches(identifier, demands, excluded)

    def is_satisfied_by(self, requirement: Demand, candidate: Choice) -> bool:
        return requirement.admits(candidate.version)

    def get_dependencies(self, candidate: Choice) -> Iterable[Demand]:
        return self._dependencies[candidate]


class _Progress(BaseReporter[Demand, Choice, Identifier]):
    """Tells when the search takes long, and what it is about."""

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter
        self._rejected = 0

    def rejecting_candidate(self, criterion: Criterion[Demand, Choice], candidate: Choice) -> None:
        del criterion
        self._rejected += 1
        if self._rejected % _REJECTIONS_TO_TELL == 0:
            name, _ = candidate.identifier
            self._reporter.note(f"{self._rejected:,} combinations rejected, the last with {name} {candidate.version}")
