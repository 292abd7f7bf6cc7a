"""One short function per verb: the data flow on one screen."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from packaging.requirements import Requirement

from envlock.candidates import EnvironmentCandidate, Wishes, propose_candidates
from envlock.custom_code import Definition, find_definitions
from envlock.diagnosis import own_objects
from envlock.environment import Environment, create_environment, refuse_foreign_environment, remove_environment
from envlock.errors import EnvlockError, InstallationError, NoCandidateError, ResolutionError, UsageError
from envlock.formats.text import first_line, printable
from envlock.inspection import Inspection, inspect
from envlock.interpreters import Interpreter, command_to_get, find_interpreters
from envlock.loadability import judge
from envlock.lock import Lock, pin
from envlock.reporter import Reporter
from envlock.resolution import Resolver
from envlock.target import Platform
from envlock.verification import Verification, verify
from envlock.writers import WRITERS, LockWriter
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
    resolver: Resolver
    writer: LockWriter
    lock_path: Path
    environment_path: Path | None
    """``None``: lock only."""

    wishes: Wishes = field(default_factory=Wishes)
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
    _refuse_foreign_outputs(request)
    job = _begin(request, reporter)
    passed_over: list[PassedOver] = []
    attempts: list[Attempt] = []
    for candidate in _propose(job):
        if request.environment_path is not None and not candidate.is_at_hand:
            passed_over.append(PassedOver(candidate=candidate, command=command_to_get(candidate.target.python)))
            continue
        if len(attempts) == MAXIMUM_ATTEMPTS:
            break
        try:
            made = _make(candidate, job)
        except _DoesNotServeError as failure:
            attempts.append(failure.attempt)
            reporter.note(f"{candidate.name}: {failure.attempt.stage} failed: {failure.attempt.error}")
            continue
        return _outcome(made, job, passed_over, attempts)
    loading = next((attempt.candidate for attempt in attempts if attempt.loads), None)
    if loading is not None:
        return _outcome(_make(loading, job, must_compute=False), job, passed_over, attempts)
    raise _nothing_serves(passed_over, attempts)


# --- steps ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    """What all candidates of one call have in common."""

    request: Request
    inspection: Inspection
    definitions: Mapping[str, Definition]
    interpreters: Sequence[Interpreter]
    reporter: Reporter
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
    environment: Environment | None
    verification: Verification | None


class _DoesNotServeError(Exception):
    """A candidate was tried in vain, and nothing of it is left."""

    def __init__(self, attempt: Attempt) -> None:
        super().__init__(attempt)
        self.attempt = attempt


def _refuse_foreign_outputs(request: Request) -> None:
    refuse_foreign_file(request.lock_path, request.writer)
    if request.environment_path is not None:
        refuse_foreign_environment(request.environment_path)


def _begin(request: Request, reporter: Reporter) -> _Job:
    started = time.perf_counter()
    with reporter.step(f"reading {request.artifact.name}"):
        inspection = inspect(request.artifact)
        definitions = _find_own_objects(inspection, request)
    read = time.perf_counter()
    with reporter.step("looking for Pythons"):
        interpreters = find_interpreters()
    return _Job(
        request=request,
        inspection=inspection,
        definitions=definitions,
        interpreters=interpreters,
        reporter=reporter,
        seconds={"inspect": read - started, "interpreters": time.perf_counter() - read},
    )


def _find_own_objects(inspection: Inspection, request: Request) -> dict[str, Definition]:
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
    if job.request.environment_path is None or interpreter is None:
        write_whole(job.request.lock_path, job.request.writer.render(lock))
        return _Made(candidate=candidate, lock=lock, environment=None, verification=None)
    environment = _build(candidate, lock, interpreter, job)
    with _removed_unless_it_serves(environment, job.request.lock_path):
        write_whole(job.request.lock_path, job.request.writer.render(lock))
        verification = None
        if _reason_not_to_verify(job.inspection, job.request) is None:
            verification = _prove(candidate, environment, job, must_compute=must_compute)
    return _Made(candidate=candidate, lock=lock, environment=environment, verification=verification)


def _lock(candidate: EnvironmentCandidate, interpreter: Interpreter | None, job: _Job) -> Lock:
    with job.step(f"locking {candidate.name}", "lock"):
        try:
            resolution = job.request.resolver.resolve(
                (*candidate.requirements, *_TOOLS),
                constraints=[bound.requirement for bound in candidate.bounds],
                target=candidate.target,
                interpreter=interpreter.executable if interpreter else None,
            )
        except ResolutionError as error:
            attempt = Attempt(candidate=candidate, stage="resolution", error=error.explanation)
            raise _DoesNotServeError(attempt) from error
    return pin(resolution, provenance=job.inspection.provenance, candidate=candidate)


def _build(candidate: EnvironmentCandidate, lock: Lock, interpreter: Interpreter, job: _Job) -> Environment:
    place = job.request.environment_path or Path()
    with job.step(f"building {place}", "environment"):
        try:
            return create_environment(
                place,
                interpreter=interpreter,
                lock_text=WRITERS[0].render(lock),
                digest=lock.digest,
                reporter=job.reporter,
            )
        except InstallationError as error:
            attempt = Attempt(candidate=candidate, stage="installation", error=error.detail)
            raise _DoesNotServeError(attempt) from error


@contextmanager
def _removed_unless_it_serves(environment: Environment, lock_path: Path) -> Iterator[None]:
    try:
        yield
    except (EnvlockError, _DoesNotServeError):
        remove_environment(environment)
        lock_path.unlink(missing_ok=True)
        raise


def _prove(candidate: EnvironmentCandidate, environment: Environment, job: _Job, *, must_compute: bool) -> Verification:
    provenance = job.inspection.provenance
    with job.step("loading the model in it", "verification"):
        verification = verify(
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
    if not verification.loads or (must_compute and verification.predicts is False):
        error = first_line(verification.error or "no reason given")
        raise _DoesNotServeError(
            Attempt(candidate=candidate, stage="verification", error=error, loads=verification.loads)
        )
    return verification


def _reason_not_to_verify(inspection: Inspection, request: Request) -> str | None:
    """Why the model is not to be loaded; ``None`` where it may be."""
    if not request.verifies or request.environment_path is None:
        return "not asked for"
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
        environment=made.environment,
        verification=made.verification,
        unverified=None if made.verification else _reason_not_to_verify(job.inspection, job.request),
        passed_over=tuple(passed_over),
        attempts=tuple(attempts),
        seconds=job.seconds,
    )


def _nothing_serves(passed_over: Sequence[PassedOver], attempts: Sequence[Attempt]) -> NoCandidateError:
    if attempts:
        tried = "; ".join(f"{attempt.candidate.name}: {attempt.error}" for attempt in attempts)
        return NoCandidateError(
            f"the model does not load in any environment that was tried: {tried}", attempts=attempts
        )
    if passed_over:
        best = passed_over[0]
        return NoCandidateError(
            f"{best.candidate.name} would load the model, but Python {best.candidate.target.python} is not here",
            hint=f"get it with: {best.command}" if best.command else "",
        )
    return NoCandidateError("no release in the database loads this artifact as you ask", hint="see: envlock inspect")
