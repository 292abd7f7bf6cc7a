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
from envlock.errors import InstallationError, NoCandidateError, ResolutionError, UsageError
from envlock.formats.text import printable
from envlock.inspection import Inspection, inspect
from envlock.interpreters import Interpreter, command_to_get, find_interpreters
from envlock.loadability import judge
from envlock.lock import Lock, pin
from envlock.reporter import Reporter
from envlock.resolution import Resolver
from envlock.target import Platform
from envlock.verification import Verification, verify
from envlock.writers import LockWriter
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

    Candidates are tried best first; one that does not resolve, install or load gives way to the next.

    Raises:
        ArtifactError: The artifact is damaged, hostile, or no model.
        UsageError: The code that was passed does not define what the model needs.
        OccupiedPathError: Something that envlock did not write is in the way; nothing was done.
        NoCandidateError: Nothing loads it on the Pythons at hand.
        NetworkError, WriteError: The outside world failed; nothing half-made is left.
    """
    _refuse_foreign_outputs(request)
    seconds: dict[str, float] = {}
    with reporter.step(f"reading {request.artifact.name}"), _timed(seconds, "inspect"):
        inspection = inspect(request.artifact)
    definitions = _find_own_objects(inspection, request)
    with reporter.step("looking for Pythons"), _timed(seconds, "interpreters"):
        interpreters = find_interpreters()
    candidates = _propose(inspection, request, interpreters)
    passed_over: list[PassedOver] = []
    attempts: list[Attempt] = []
    for candidate in candidates:
        if request.environment_path is not None and not candidate.is_at_hand:
            passed_over.append(PassedOver(candidate=candidate, command=command_to_get(candidate.target.python)))
            continue
        if len(attempts) == MAXIMUM_ATTEMPTS:
            break
        made = _try(candidate, inspection, request, interpreters, reporter, seconds)
        if isinstance(made, Attempt):
            attempts.append(made)
            reporter.note(f"{candidate.name}: {made.stage} failed: {made.error}")
            continue
        lock, environment, verification = made
        return Outcome(
            inspection=inspection,
            definitions=definitions,
            candidate=candidate,
            lock=lock,
            lock_path=request.lock_path,
            environment=environment,
            verification=verification,
            unverified=None if verification else _reason_not_to_verify(inspection, request),
            passed_over=tuple(passed_over),
            attempts=tuple(attempts),
            seconds=seconds,
        )
    raise _nothing_serves(inspection, passed_over, attempts)


# --- steps ---------------------------------------------------------------------------------------------------


def _refuse_foreign_outputs(request: Request) -> None:
    refuse_foreign_file(request.lock_path, request.writer)
    if request.environment_path is not None:
        refuse_foreign_environment(request.environment_path)


def _find_own_objects(inspection: Inspection, request: Request) -> dict[str, Definition]:
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


def _propose(
    inspection: Inspection, request: Request, interpreters: Sequence[Interpreter]
) -> tuple[EnvironmentCandidate, ...]:
    provenance, saver = inspection.provenance, inspection.saver
    return propose_candidates(
        provenance,
        saver,
        judge(provenance, saver),
        inspection.custom,
        platform=request.platform,
        pythons={interpreter.line for interpreter in interpreters},
        wishes=request.wishes,
    )


def _try(
    candidate: EnvironmentCandidate,
    inspection: Inspection,
    request: Request,
    interpreters: Sequence[Interpreter],
    reporter: Reporter,
    seconds: dict[str, float],
) -> tuple[Lock, Environment | None, Verification | None] | Attempt:
    """Lock, build and verify one candidate; an :class:`Attempt` says where it failed, with nothing left behind."""
    interpreter = next((item for item in interpreters if item.line == candidate.target.python), None)
    try:
        with reporter.step(f"locking {candidate.name}"), _timed(seconds, "lock"):
            lock = _lock(candidate, inspection, request, interpreter)
    except ResolutionError as error:
        return Attempt(candidate=candidate, stage="resolution", error=error.explanation)
    text = request.writer.render(lock)
    if request.environment_path is None or interpreter is None:
        write_whole(request.lock_path, text)
        return lock, None, None
    try:
        with reporter.step(f"building {request.environment_path}"), _timed(seconds, "environment"):
            environment = create_environment(
                request.environment_path, interpreter=interpreter, lock_text=text, digest=lock.digest, reporter=reporter
            )
    except InstallationError as error:
        return Attempt(candidate=candidate, stage="installation", error=error.detail)
    write_whole(request.lock_path, text)
    if _reason_not_to_verify(inspection, request) is not None:
        return lock, environment, None
    with reporter.step("loading the model in it"), _timed(seconds, "verification"):
        verification = _verify(candidate, inspection, request, environment)
    if verification.loads:
        return lock, environment, verification
    remove_environment(environment)
    request.lock_path.unlink(missing_ok=True)
    return Attempt(candidate=candidate, stage="verification", error=_first_line(verification.error))


def _first_line(error: str | None) -> str:
    return (error or "no reason given").strip().partition("\n")[0]


def _lock(
    candidate: EnvironmentCandidate, inspection: Inspection, request: Request, interpreter: Interpreter | None
) -> Lock:
    resolution = request.resolver.resolve(
        (*candidate.requirements, *_TOOLS),
        constraints=[bound.requirement for bound in candidate.bounds],
        target=candidate.target,
        interpreter=interpreter.executable if interpreter else None,
    )
    return pin(resolution, provenance=inspection.provenance, candidate=candidate)


def _verify(
    candidate: EnvironmentCandidate, inspection: Inspection, request: Request, environment: Environment
) -> Verification:
    provenance = inspection.provenance
    return verify(
        environment.python,
        provenance.path,
        loaders=candidate.probes,
        artifact_format=provenance.format,
        inputs=provenance.inputs,
        tags=provenance.tags[0] if provenance.tags else (),
        modules=candidate.modules,
        custom_objects=[item.name for item in own_objects(inspection.custom)],
        code=request.code,
        trust=request.trusts_code,
        environment=candidate.loader.environment,
    )


def _reason_not_to_verify(inspection: Inspection, request: Request) -> str | None:
    """Why the model is not to be loaded; ``None`` where it may be."""
    if not request.verifies or request.environment_path is None:
        return "not asked for"
    missing = [item.name for item in own_objects(inspection.custom)]
    if missing and request.code is None:
        names = ", ".join(map(printable, missing))
        return f"the model needs your definitions of {names}: pass their folder with --code DIR"
    if inspection.provenance.code and not request.trusts_code:
        return "the artifact holds code, which loading would run: pass --trust if you trust where it comes from"
    return None


def _nothing_serves(
    inspection: Inspection, passed_over: Sequence[PassedOver], attempts: Sequence[Attempt]
) -> NoCandidateError:
    if attempts:
        tried = "; ".join(f"{attempt.candidate.name}: {attempt.error}" for attempt in attempts)
        return NoCandidateError(f"none of {len(attempts)} environments loads the model: {tried}", attempts=attempts)
    if passed_over:
        best = passed_over[0]
        return NoCandidateError(
            f"{best.candidate.name} would load the model, but Python {best.candidate.target.python} is not here",
            hint=f"get it with: {best.command}",
        )
    del inspection
    return NoCandidateError("no release in the database loads this artifact", hint="see: envlock inspect")


@contextmanager
def _timed(seconds: dict[str, float], name: str) -> Iterator[None]:
    """Add the wall time of the block to *seconds*, in seconds."""
    started = time.perf_counter()
    try:
        yield
    finally:
        seconds[name] = seconds.get(name, 0.0) + time.perf_counter() - started
