"""An environment and what is to change in it -> a copy with these changes, made as environments from locks are.

The environment itself is left as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from envlock.environment import Environment, reserve_place
from envlock.environment.installed import InstalledEnvironment, read_environment
from envlock.errors import ResolutionError, UsageError
from envlock.interpreters import Interpreter
from envlock.interpreters.survey import survey_executables
from envlock.knowledge.datafiles import database_digest
from envlock.knowledge.families import members_of
from envlock.knowledge.loaders import distributions_of_implementations
from envlock.locks import Lock
from envlock.reporter import Reporter
from envlock.resolution import Resolution, Resolver, resolvers_of
from envlock.target import Target, platform_here
from envlock.verification import Verification
from envlock.workplace import private_temporary_folder
from envlock.writers import WRITERS

_ENGINES = ("uv", "pip-tools", "offline")
"""First those that know all of the person's index; what knows only what TensorFlow depends on serves older Pythons."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A distribution that differs between an environment and its copy; ``None`` where one of them lacks it."""

    name: str
    before: Version | None
    after: Version | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MendedCopy:
    """An environment that holds what another one holds, but for a few changes."""

    environment: Environment
    changes: tuple[Change, ...]
    """Sorted by name."""

    left_out: tuple[str, ...]
    """Distributions that come from no index, sorted: they are not copied."""

    verification: Verification | None
    """What happened when the model was loaded there; ``None`` where there was none to load."""

    @property
    def is_kept(self) -> bool:
        """Whether it was left where it is: a copy that loads no more than the original is of no use."""
        return self.verification is None or self.verification.loads


def make_mended_copy(
    original: InstalledEnvironment,
    wanted: Sequence[Requirement],
    *,
    place: Path,
    reporter: Reporter,
    verify: Callable[[InstalledEnvironment], Verification | None],
) -> MendedCopy:
    """Make an environment of the same Python at *place* that holds what *original* holds, and what is *wanted*.

    *verify* loads the model there; the copy is kept where it does.

    Raises:
        UsageError: The original's Python cannot be used to make environments.
        OccupiedPathError: Something that envlock did not make is at *place*.
        ResolutionError: What is wanted does not go together with what is there.
        InstallationError, NetworkError, WriteError: The copy cannot be made.
    """
    interpreter, target = _base_of(original), _target_of(original)
    with private_temporary_folder(), reserve_place(place) as reserved:
        with reporter.step(f"resolving {len(original.distributions)} distributions anew"):
            lock = _lock(_resolve(original, wanted, target, interpreter), wanted, target)
        environment = reserved.create(
            interpreter=interpreter,
            lock_text=WRITERS[0].render(lock),
            digest=lock.digest,
            reporter=reporter,
            build_constraints=lock.build_constraints,
        )
        with reporter.step("loading the model in the copy"):
            verification = verify(read_environment(environment.python))
        copy = MendedCopy(
            environment=environment,
            changes=tuple(_changes(original, lock)),
            left_out=tuple(sorted(original.elsewhere)),
            verification=verification,
        )
        if copy.is_kept:
            reserved.keep()
    return copy


def _base_of(original: InstalledEnvironment) -> Interpreter:
    # Isolated, the Python of a virtual environment of 2.7 does not find its own library.
    survey = survey_executables({original.base: "named"})
    if not survey.interpreters:
        reason = survey.skipped[0].reason
        raise UsageError(f"{original.executable}: {reason}", hint="no environment can be made from this Python")
    return survey.interpreters[0]


def _target_of(original: InstalledEnvironment) -> Target:
    platform = platform_here()
    if platform is None:
        raise UsageError("TensorFlow has no wheels for this machine", hint="leave --fix out")
    return Target(python=original.python_line, platform=platform)


def _resolve(
    original: InstalledEnvironment, wanted: Sequence[Requirement], target: Target, interpreter: Interpreter
) -> Resolution:
    """Everything that is installed, in the same versions where *wanted* admits them, else in the nearest.

    Raises:
        ResolutionError, NetworkError: There is no such set of distributions.
    """
    changed: set[str] = {canonicalize_name(requirement.name) for requirement in wanted}
    if not changed.isdisjoint(members_of("tensorflow")):
        # Its members install the same files, so that only one of them may stay.
        changed.update(members_of("tensorflow"))
    kept = [
        Requirement(f"{name}=={version}")
        for name, version in original.distributions.items()
        if name not in changed | original.elsewhere
    ]
    # Environments start empty: pip is asked for like the rest.
    names = [Requirement(name) for name in sorted({*(pin.name for pin in kept), "pip"})]
    # Of another TensorFlow or Keras it would be no copy.
    essential = {*members_of("tensorflow"), *distributions_of_implementations()}
    core = [pin for pin in kept if pin.name in essential]

    def ask(resolver: Resolver, constraints: Sequence[Requirement]) -> Resolution:
        return resolver.resolve(
            [*names, *wanted],
            constraints=constraints,
            target=target,
            interpreter=interpreter.executable,
            kept=[pin for pin in kept if pin not in constraints],
        )

    resolvers = [resolver for name in _ENGINES for resolver in resolvers_of([name])]
    *others, last = [(resolver, constraints) for resolver in resolvers for constraints in (kept, core)]
    for resolver, constraints in others:
        with suppress(ResolutionError):
            return ask(resolver, constraints)
    return ask(*last)


def _lock(resolution: Resolution, wanted: Sequence[Requirement], target: Target) -> Lock:
    return Lock(
        artifact="the environment that was diagnosed",
        loader="what it holds",
        requirements=tuple(map(str, wanted)),
        constraints=(),
        target=target,
        pins=resolution.pins,
        evidence=(),
        engine=resolution.engine,
        database=database_digest(),
    )


def _changes(original: InstalledEnvironment, lock: Lock) -> Iterator[Change]:
    after = {pin.name: pin.version for pin in lock.pins}
    before = {name: version for name, version in original.distributions.items() if name not in original.elsewhere}
    for name in sorted(before.keys() | after.keys()):
        if before.get(name) != after.get(name):
            yield Change(name=name, before=before.get(name), after=after.get(name))
