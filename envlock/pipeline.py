"""One short function per verb: the data flow on one screen."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from packaging.requirements import Requirement

from envlock.candidates import EnvironmentCandidate, Wishes, explain_no_candidate, propose_candidates
from envlock.custom_code import Definition, find_definitions
from envlock.diagnosis import own_objects
from envlock.environment import Environment, ReservedPlace, refuse_foreign_environment, reserve_place
from envlock.errors import (
    InstallationError,
    NetworkError,
    NoCandidateError,
    ResolutionError,
    UsageError,
    WriteError,
)
from envlock.formats.text import first_line, one_line, printable, without_credentials
from envlock.inspection import Inspection, inspect
from envlock.interpreters import Interpreter, command_to_get, find_interpreters, search_is_restricted
from envlock.loadability import judge
from envlock.lock import Lock, pin
from envlock.reporter import Reporter
from envlock.resolution import Resolution, Resolver
from envlock.target import Platform
from envlock.verification import Verification, verify
from envlock.writers import WRITERS, Differences, LockWriter, compare
from envlock.writers.files import refuse_foreign_file, write_whole

MAXIMUM_ATTEMPTS = 4
"""Environments that are built before giving up."""

_TOOLS = (Requirement("pip"),)
"""What every environment holds beside the needs of the model: pinned and hashed like all the rest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What the person asked ``from-model`` for."""

    artifact: Path
    platform: Platform
    resolvers: tuple[Resolver, ...]
    """Asked in this order until one has a solution."""

    writer: LockWriter
    lock_path: Path
    environment_path: Path | None
    """``None``: lock only."""

    wishes: Wishes = field(default_factory=Wishes)
    besides: tuple[Requirement, ...] = ()
    """What the person wants in the environment beside what the model needs."""

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

    code: Path | None = None
    """Folder of the person's own definitions."""

    trusts_code: bool = False
    verifies: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class PassedOver:
    """A better candidate whose Python is not on this machine."""

    candidate: EnvironmentCandidate
    command: str
    """What gets the Python."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """A candidate that was tried and did not serve."""

    candidate: EnvironmentCandidate
    stage: Literal["resolution", "installation", "verification"]
    error: str
    """One line."""

    hint: str = ""
    """What to change, where that is known."""

    cause: str = ""
    """Of a verification: the first line of its error, which names no place."""

    loads: bool = False
    """Whether the model did load, and only could not be called."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What ``from-model`` made."""

    inspection: Inspection
    definitions: Mapping[str, Definition]
    """Where the person's code defines what the model needs, by name."""

    candidate: EnvironmentCandidate
    lock: Lock
    lock_path: Path
    writer: LockWriter
    """Of the lock."""

    environment: Environment | None
    verification: Verification | None
    """``None`` where it was not asked for, or not done: see *unverified*."""

    unverified: str | None
    """Why a wanted verification was not done; ``None`` where it was."""

    passed_over: tuple[PassedOver, ...]
    attempts: tuple[Attempt, ...]
    seconds: dict[str, float]


def from_model(request: Request, reporter: Reporter) -> Outcome:
    """Make an environment in which the artifact loads, and prove it by loading the artifact there.

    Candidates are tried best first; one that does not resolve, install, load or compute gives way to the next. Where
    none computes, the first in which the artifact at least loads is taken.

    Raises:
        ArtifactError: The artifact is damaged, hostile, or no model.
        UsageError: The code that was passed does not define what the model needs.
        OccupiedPathError: Something that envlock did not make is in the way; nothing was done.
        NoCandidateError: Nothing loads it on the Pythons at hand.
        NetworkError, WriteError: The outside world failed; nothing half-made is left.
    """
    _refuse_outputs(request)
    with _reserved(request.environment_path) as place:
        job = _begin(request, reporter, place)
        outcome = _first_that_serves(job)
        if place is not None:
            place.keep()
        write_whole(request.lock_path, request.writer.render(outcome.lock))
    return outcome


def check_lock(request: Request, reporter: Reporter) -> Differences:
    """Compare the lock that is there with the one that would be made now; nothing is written.

    Raises:
        ArtifactError: The artifact is damaged, hostile, or no model.
        UsageError: There is no lock to compare.
        NoCandidateError: Nothing loads it.
        NetworkError: The index is needed and cannot be reached.
    """
    text = _read_lock(request)
    if text is None:
        raise UsageError(f"{request.lock_path}: there is no lock to check", hint="leave --check out to make it")
    outcome = _first_that_serves(_begin(request, reporter, None))
    return compare(outcome.lock, text, request.writer)


def _first_that_serves(job: _Job) -> Outcome:
    passed_over: list[PassedOver] = []
    attempts: list[Attempt] = []
    candidates = _propose(job)
    for candidate in candidates:
        if job.place is not None and not candidate.is_at_hand:
            passed_over.append(PassedOver(candidate=candidate, command=command_to_get(candidate.target.python)))
            continue
        if _is_hopeless(attempts):
            break
        try:
            return _outcome(_make(candidate, job), job, passed_over, attempts)
        except _DoesNotServeError as failure:
            attempts.append(failure.attempt)
            job.reporter.note(f"{candidate.name}: {failure.attempt.stage} failed: {failure.attempt.error}")
    loading = next((attempt.candidate for attempt in attempts if attempt.loads), None)
    if loading is not None:
        return _outcome(_make(loading, job, must_compute=False), job, passed_over, attempts)
    raise _nothing_serves(job, passed_over, attempts)


def _is_hopeless(attempts: Sequence[Attempt]) -> bool:
    """Whether more attempts are in vain: there were many, or two in a row blame something else than environments."""
    if len(attempts) < 2:
        return False
    first, second = attempts[-2:]
    is_same = first.stage == second.stage == "verification" and first.cause == second.cause
    return is_same or len(attempts) == MAXIMUM_ATTEMPTS


# --- steps ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    """What all candidates of one call have in common."""

    request: Request
    inspection: Inspection
    definitions: Mapping[str, Definition]
    interpreters: Sequence[Interpreter]
    reporter: Reporter
    kept: tuple[Requirement, ...]
    """Pins of the lock that is there already, to be kept where they can be."""

    place: ReservedPlace | None
    """Where environments are made; ``None``: lock only."""

    seconds: dict[str, float]

    @contextmanager
    def step(self, title: str, name: str) -> Iterator[None]:
        """Report a step, and add its wall time to the seconds under *name*."""
        started = time.perf_counter()
        try:
            with self.reporter.step(title):
                yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - started


@dataclass(frozen=True, slots=True, kw_only=True)
class _Made:
    """A candidate that serves, and what was made of it."""

    candidate: EnvironmentCandidate
    lock: Lock
    environment: Environment | None = None
    verification: Verification | None = None
    unverified: str | None = None
    """Why the model was not loaded, or its loading proves nothing; ``None`` where it was verified."""


class _DoesNotServeError(Exception):
    """A candidate was tried in vain, and nothing of it is left."""

    def __init__(self, attempt: Attempt) -> None:
        super().__init__(attempt)
        self.attempt = attempt


def _refuse_outputs(request: Request) -> None:
    """Make sure, before any work is done, that what is to be written can be written."""
    outputs = [path for path in (request.lock_path, request.environment_path) if path is not None]
    for output in outputs:
        _refuse_place(output, request.artifact)
    if len(outputs) == 2 and _is_within(*outputs):
        raise UsageError(
            f"{request.lock_path}: the lock cannot stand inside the environment", hint="name another place with -o"
        )
    refuse_foreign_file(request.lock_path, request.writer)
    if request.environment_path is not None:
        refuse_foreign_environment(request.environment_path)


def _refuse_place(output: Path, artifact: Path) -> None:
    parent = output.absolute().parent
    if artifact.is_dir() and _is_within(output, artifact):
        raise UsageError(f"{output}: is inside the artifact, which is left as it is", hint="choose another place")
    if not parent.is_dir():
        raise WriteError(str(output), f"{parent} is no folder")
    if not os.access(parent, os.W_OK):
        raise WriteError(str(output), f"{parent} may not be written to")


def _is_within(path: Path, folder: Path) -> bool:
    return path.resolve().is_relative_to(folder.resolve())


def _reserved(path: Path | None) -> AbstractContextManager[ReservedPlace | None]:
    return nullcontext() if path is None else reserve_place(path)


def _begin(request: Request, reporter: Reporter, place: ReservedPlace | None) -> _Job:
    started = time.perf_counter()
    with reporter.step(f"reading {request.artifact.name}"):
        inspection = inspect(request.artifact)
        definitions = _find_own_objects(inspection, request, reporter)
    read = time.perf_counter()
    # A lock is for a target: which Pythons are on this machine has no part in it, unless an engine runs in one.
    interpreters: Sequence[Interpreter] = ()
    if place is not None or any(resolver.needs_interpreter for resolver in request.resolvers):
        with reporter.step("looking for Pythons"):
            interpreters = find_interpreters()
    return _Job(
        request=request,
        inspection=inspection,
        definitions=definitions,
        interpreters=interpreters,
        reporter=reporter,
        kept=tuple(_kept_pins(request)),
        place=place,
        seconds={"inspect": read - started, "interpreters": time.perf_counter() - read},
    )


def _kept_pins(request: Request) -> Iterator[Requirement]:
    text = None if request.upgrades else _read_lock(request)
    pins = request.writer.read_pins(text) if text is not None else {}
    for name, version in pins.items():
        if name not in request.upgraded:
            yield Requirement(f"{name}=={version}")


def _read_lock(request: Request) -> str | None:
    """The lock that is there already; ``None`` where there is none of ours."""
    try:
        text = request.lock_path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    return text if request.writer.is_ours(text) else None


def _find_own_objects(inspection: Inspection, request: Request, reporter: Reporter) -> dict[str, Definition]:
    """Where the person's code defines what the model needs; empty where none was passed."""
    if request.code is None:
        return {}
    names = [item.name for item in own_objects(inspection.custom) if item.kind != "operation"]
    definitions = find_definitions(request.code, names)
    missing = [name for name in names if name not in definitions]
    if missing:
        raise UsageError(
            f"--code {request.code}: no Python file defines {', '.join(map(printable, missing))} at its top level",
            hint="pass the folder of the project that the model was trained with",
        )
    for name, definition in definitions.items():
        if definition.others:
            others = ", ".join(map(str, definition.others))
            reporter.note(f"{printable(name)} of {definition.file} is used; it is also defined in {others}")
    return definitions


def _propose(job: _Job) -> tuple[EnvironmentCandidate, ...]:
    provenance, saver = job.inspection.provenance, job.inspection.saver
    return propose_candidates(
        provenance,
        saver,
        judge(provenance, saver),
        job.inspection.custom,
        platform=job.request.platform,
        pythons={interpreter.line for interpreter in job.interpreters},
        wishes=job.request.wishes,
    )


def _make(candidate: EnvironmentCandidate, job: _Job, *, must_compute: bool = True) -> _Made:
    """Lock, build and verify one candidate.

    Raises:
        _DoesNotServeError: It does not resolve, install, load or, where it *must_compute*, compute.
    """
    interpreter = next((item for item in job.interpreters if item.line == candidate.target.python), None)
    lock = _lock(candidate, interpreter, job)
    if job.place is None or interpreter is None:
        return _Made(candidate=candidate, lock=lock, unverified="no environment was asked for")
    environment = _build(candidate, lock, interpreter, job.place, job)
    reason = _reason_not_to_verify(job.inspection, job.request)
    if reason is not None:
        return _Made(candidate=candidate, lock=lock, environment=environment, unverified=reason)
    verification = _verify(candidate, environment, job)
    if verification.code_errors:
        # No other environment cures the person's own code.
        reason = f"your code cannot be imported: {'; '.join(verification.code_errors)}"
        return _Made(candidate=candidate, lock=lock, environment=environment, unverified=reason)
    if not verification.loads or (must_compute and verification.predicts is False):
        error = verification.error or "no reason given"
        raise _DoesNotServeError(
            Attempt(
                candidate=candidate,
                stage="verification",
                error=one_line(error),
                cause=first_line(error),
                loads=verification.loads,
            )
        )
    return _Made(candidate=candidate, lock=lock, environment=environment, verification=verification)


def _lock(candidate: EnvironmentCandidate, interpreter: Interpreter | None, job: _Job) -> Lock:
    with job.step(f"locking {candidate.name}", "lock"):
        try:
            resolution = _resolve(candidate, interpreter, job)
        except ResolutionError as error:
            explanation = without_credentials(error.explanation)
            attempt = Attempt(candidate=candidate, stage="resolution", error=explanation, hint=error.hint)
            raise _DoesNotServeError(attempt) from error
    return pin(
        resolution,
        provenance=job.inspection.provenance,
        candidate=candidate,
        besides=job.request.besides,
        command=job.request.command,
    )


def _resolve(candidate: EnvironmentCandidate, interpreter: Interpreter | None, job: _Job) -> Resolution:
    """What the first resolver with a solution finds; every file with its address where the format of the lock asks.

    Raises:
        ResolutionError: None has one; it tells what the first of them found out.
        NetworkError: The index cannot be reached, and only it could tell: the first of them needs it, or solves all but
            what the person wants besides.
    """
    question = _Question(candidate, interpreter, job.request.besides)
    first, *others = job.request.resolvers
    try:
        found = question.ask(first, job.kept)
    except ResolutionError as refusal:
        found = _ask_others(question, others, job, refusal)
    for resolver in others if job.request.writer.needs_addresses else ():
        if not all(file.url for pin in found.pins for file in pin.files):
            # Addresses are those of the person's own index, which the bundled snapshot does not know.
            found = question.ask(resolver, _as_constraints(found))
    _note_what_is_not_kept(found, job)
    return found


def _note_what_is_not_kept(found: Resolution, job: _Job) -> None:
    kept = {pin.name: pin for pin in job.kept}
    told = [
        f"{kept[pin.name]} is now {pin.version}"
        for pin in found.pins
        if pin.name in kept and not kept[pin.name].specifier.contains(pin.version, prereleases=True)
    ]
    if told:
        job.reporter.note(f"{job.request.lock_path}: its pins have no solution, all are chosen anew: {', '.join(told)}")


def _ask_others(question: _Question, resolvers: Sequence[Resolver], job: _Job, refusal: ResolutionError) -> Resolution:
    """What the first of *resolvers* with a solution finds.

    Raises:
        ResolutionError: None has one: the *refusal*, or what the last of them said where that is more.
        NetworkError: The index cannot be reached, though all but what the person wants besides is solved.
    """
    if not resolvers:
        raise refusal
    known = question.without_besides().find(job.request.resolvers[0]) if question.besides else None
    told, last = without_credentials(refusal.explanation), refusal
    for resolver in resolvers:
        job.reporter.note(f"{question.candidate.name}: {told}; asking {resolver.name}")
        try:
            # What is known to work together stays as it is, where that leaves a solution.
            return question.ask(resolver, _as_constraints(known) if known else job.kept)
        except ResolutionError as error:
            job.reporter.note(without_credentials(str(error)))
            last = error
        except NetworkError as error:
            if known is not None:
                # No other candidate would be better off.
                raise
            job.reporter.note(str(error))
    # Where the first knew no more than to ask the others, their answer tells more.
    raise last if any(f"--engine {resolver.name}" in refusal.hint for resolver in resolvers) else refusal


def _as_constraints(resolution: Resolution) -> tuple[Requirement, ...]:
    return tuple(Requirement(f"{pin.name}=={pin.version}") for pin in resolution.pins)


@dataclass(frozen=True)
class _Question:
    """What resolvers are asked for one candidate."""

    candidate: EnvironmentCandidate
    interpreter: Interpreter | None
    besides: tuple[Requirement, ...]

    def without_besides(self) -> _Question:
        """What the candidate alone needs."""
        return replace(self, besides=())

    def ask(self, resolver: Resolver, kept: Sequence[Requirement] = ()) -> Resolution:
        """The answer of *resolver* with the pins *kept*, or without them where that has no solution.

        Raises:
            ResolutionError, NetworkError: There is none.
        """
        if kept and (found := self.find(resolver, kept)) is not None:
            return found
        return self._ask(resolver, ())

    def find(self, resolver: Resolver, constraints: Sequence[Requirement] = ()) -> Resolution | None:
        """The answer of *resolver* under *constraints*; ``None`` where it has no solution."""
        try:
            return self._ask(resolver, constraints)
        except ResolutionError:
            return None

    def _ask(self, resolver: Resolver, constraints: Sequence[Requirement]) -> Resolution:
        bounds = [bound.requirement for bound in self.candidate.bounds]
        return resolver.resolve(
            (*self.candidate.requirements, *_TOOLS, *self.besides),
            constraints=[*bounds, *constraints],
            target=self.candidate.target,
            interpreter=self.interpreter.executable if self.interpreter else None,
        )


def _build(
    candidate: EnvironmentCandidate, lock: Lock, interpreter: Interpreter, place: ReservedPlace, job: _Job
) -> Environment:
    with job.step(f"building {job.request.environment_path}", "environment"):
        try:
            return place.create(
                interpreter=interpreter,
                lock_text=WRITERS[0].render(lock),
                digest=lock.digest,
                reporter=job.reporter,
                build_constraints=lock.build_constraints,
                find_links=job.request.find_links,
                no_index=job.request.no_index,
            )
        except InstallationError as error:
            attempt = Attempt(candidate=candidate, stage="installation", error=error.detail)
            raise _DoesNotServeError(attempt) from error


def _verify(candidate: EnvironmentCandidate, environment: Environment, job: _Job) -> Verification:
    provenance = job.inspection.provenance
    with job.step("loading the model in it", "verification"):
        return verify(
            environment.python,
            provenance.path,
            loaders=candidate.probes,
            artifact_format=provenance.format,
            inputs=provenance.inputs,
            tags=provenance.tags[0] if provenance.tags else (),
            modules=candidate.modules,
            custom_objects=[item.name for item in job.inspection.custom if item.kind != "operation"],
            code=job.request.code,
            trust=job.request.trusts_code,
            environment=candidate.loader.environment,
        )


def _reason_not_to_verify(inspection: Inspection, request: Request) -> str | None:
    """Why the model is not to be loaded; ``None`` where it may be."""
    if not request.verifies:
        return "it was not asked for"
    if inspection.provenance.content == "weights":
        return "the file holds weights alone: build the model in code, then call its load_weights"
    missing = [item.name for item in own_objects(inspection.custom)]
    if missing and request.code is None:
        names = ", ".join(map(printable, missing))
        return f"the model needs your definitions of {names}: pass their folder with --code DIR"
    if any(item.needs_trust for item in inspection.provenance.code) and not request.trusts_code:
        return "the artifact holds code, which loading would run: pass --trust if you trust where it comes from"
    return None


def _outcome(made: _Made, job: _Job, passed_over: Sequence[PassedOver], attempts: Sequence[Attempt]) -> Outcome:
    return Outcome(
        inspection=job.inspection,
        definitions=job.definitions,
        candidate=made.candidate,
        lock=made.lock,
        lock_path=job.request.lock_path,
        writer=job.request.writer,
        environment=made.environment,
        verification=made.verification,
        unverified=made.unverified,
        passed_over=tuple(passed_over),
        attempts=tuple(attempts),
        seconds=job.seconds,
    )


def _nothing_serves(job: _Job, passed_over: Sequence[PassedOver], attempts: Sequence[Attempt]) -> NoCandidateError:
    if attempts:
        return _all_failed(job.inspection, attempts)
    if passed_over:
        best = passed_over[0]
        return NoCandidateError(
            f"{best.candidate.name} would load the model, but Python {best.candidate.target.python} is not here",
            hint=_how_to_get(best),
        )
    verdicts = judge(job.inspection.provenance, job.inspection.saver)
    return explain_no_candidate(verdicts, platform=job.request.platform, wishes=job.request.wishes)


def _how_to_get(item: PassedOver) -> str:
    told = f"get it with: {item.command}" if item.command else ""
    if search_is_restricted():
        told += ", and name it in ENVLOCK_PYTHONS, which limits the search"
    return told.removeprefix(", and ")


def _all_failed(inspection: Inspection, attempts: Sequence[Attempt]) -> NoCandidateError:
    """One line: environments that failed alike are named together."""
    by_error: dict[tuple[str, str], list[str]] = {}
    for attempt in attempts:
        by_error.setdefault((attempt.stage, attempt.error), []).append(attempt.candidate.name)
    told = "; ".join(f"{', '.join(names)}: {stage} failed: {error}" for (stage, error), names in by_error.items())
    troubles = [finding.message for finding in inspection.findings if finding.severity == "error"]
    hint = f"the artifact itself: {'; '.join(troubles)}" if troubles else attempts[0].hint
    return NoCandidateError(f"no environment that was tried serves: {told}", hint=hint, attempts=attempts)
