"""One short function per verb: the data flow on one screen."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Literal

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from envlock.candidates import EnvironmentCandidate, Wishes, explain_no_candidate, propose_candidates
from envlock.code_imports import Import, ImportClosure, Need, find_imports, find_needs
from envlock.custom_code import Definition, find_definitions, source_files
from envlock.diagnosis import own_objects
from envlock.environment import (
    Environment,
    ReservedPlace,
    list_installed,
    refuse_foreign_environment,
    reserve_place,
)
from envlock.errors import (
    InstallationError,
    MissingArtifactError,
    NetworkError,
    NoCandidateError,
    ResolutionError,
    UsageError,
    WriteError,
)
from envlock.formats.text import first_line, one_line, printable, without_credentials
from envlock.inspection import Inspection, inspect
from envlock.interpreters import (
    Interpreter,
    UnavailablePythonError,
    command_to_get,
    fetch_interpreter,
    find_interpreters,
    search_is_restricted,
)
from envlock.kernel import Kernel, install_kernel, refuse_foreign_kernel
from envlock.knowledge.families import members_of
from envlock.knowledge.import_names import distribution_of
from envlock.knowledge.pairings import is_paired
from envlock.loadability import CustomObject, judge
from envlock.loader_script import Surroundings, is_ours, render_loader_script
from envlock.lock import Lock, pin
from envlock.reporter import Reporter
from envlock.resolution import ConflictError, Resolution, Resolver, UnservedTargetError
from envlock.target import Platform
from envlock.verification import Verification, files_of, verify
from envlock.verification_record import (
    Answer,
    Failure,
    Fingerprint,
    Record,
    Verified,
    digest_of,
    digest_of_sources,
    read_record,
    take_fingerprint,
    write_record,
)
from envlock.workplace import private_temporary_folder
from envlock.writers import WRITERS, Differences, LockWriter, compare
from envlock.writers.files import (
    find_writer,
    read_beginning,
    refuse_foreign_file,
    refuse_unknown_file,
    written_together,
)

MAXIMUM_ENVIRONMENTS = 4
"""Environments that are built before giving up."""

MAXIMUM_REFUSALS = 4
"""Candidates that engines refuse which ask the index, and take seconds for it, before they are asked no more."""

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
    lock_path: Path | None
    """``None``: the lock is not written, whoever asks for it takes it from the outcome."""

    environment_path: Path | None
    """``None``: lock only."""

    wishes: Wishes = field(default_factory=Wishes)
    besides: tuple[Requirement, ...] = ()
    """What the person wants in the environment beside what the model needs."""

    constraints: tuple[Requirement, ...] = ()
    """Bounds of the person on whatever is taken."""

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

    trusts_code: bool = False
    verifies: bool = True
    verifies_again: bool = False
    """Whether what the environment remembers of earlier verifications has no say."""

    clears: bool = False
    """Whether a virtual environment that is there already gives way in any case, whoever made it."""

    kernel: str | None = None
    """Name of the Jupyter kernel that is to run in the environment; ``None``: no kernel."""

    script_path: Path | None = None
    """Where a script that loads the model is to stand; ``None``: no script."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PassedOver:
    """A better candidate whose Python is not on this machine, and could not be fetched."""

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

    wishes: tuple[str, ...] = ()
    """Of a resolution: what the person wants that takes part in the conflict."""

    asked_index: bool = False
    """Of a resolution: whether it took the seconds that an answer of the index takes."""

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
    lock_path: Path | None
    writer: LockWriter
    """Of the lock."""

    needs: tuple[Need, ...]
    """What the person's code imports and its Python does not bring."""

    added: frozenset[str]
    """Distributions that are in the lock since that code imports them, and for no other reason."""

    environment: Environment | None
    kernel: Kernel | None
    script: str | None
    """Python that loads the model in the environment; ``None`` where it was not asked for, or no way is known."""

    script_path: Path | None
    verified: Verified | None
    """``None`` where it was not asked for, or not done: see *unverified*."""

    is_recalled: bool
    """Whether it was verified by an earlier run, and nothing has changed since."""

    unverified: str | None
    """Why a wanted verification was not done; ``None`` where it was."""

    passed_over: tuple[PassedOver, ...]
    attempts: tuple[Attempt, ...]
    seconds: dict[str, float]

    @property
    def verification(self) -> Verification | None:
        """What happened when the model was loaded; ``None`` where it was not."""
        return self.verified.verification if self.verified is not None else None

    def supply_of(self, need: Need) -> Literal["added", "locked", "chosen", "left-out", "unknown"]:
        """Where the environment has what the person's code imports from, or why it has not."""
        if need.distribution is None:
            return "unknown"
        if need.distribution in self.added:
            return "added"
        if any(pin.name == need.distribution for pin in self.lock.pins):
            return "locked"
        return "left-out" if need.first.is_conditional else "chosen"

    @property
    def lock_text(self) -> str:
        """The lock as it is written.

        Raises:
            UnwritableLockError: Its format asks for more than it holds.
        """
        return self.writer.render(self.lock)


def from_model(request: Request, reporter: Reporter) -> Outcome:
    """As :func:`from_model_for_each` does for one request."""
    (outcome,) = from_model_for_each([request], reporter)
    return outcome


def from_model_for_each(requests: Sequence[Request], reporter: Reporter) -> tuple[Outcome, ...]:
    """Make an environment in which the artifact loads, and prove it by loading the artifact there; all or none.

    Candidates are tried best first; one that does not resolve, install, load or compute gives way to the next. Where
    none computes, the first in which the artifact at least loads is taken. Locks are written when all are made.

    Raises:
        ArtifactError: The artifact is damaged, hostile, or no model.
        UsageError: The code that was passed does not define what the model needs.
        OccupiedPathError: Something that envlock did not make is in the way; nothing was done.
        NoCandidateError: Nothing loads it on the Pythons at hand.
        NetworkError, WriteError: The outside world failed; nothing half-made is left.
        UnwritableLockError: The format asks for more than a lock holds, such as the address of every file.
    """
    for request in requests:
        _refuse_outputs(request)
    with ExitStack() as stack:
        if any(request.environment_path is not None for request in requests):
            stack.enter_context(private_temporary_folder())
        places = [stack.enter_context(_reserved(request)) for request in requests]
        outcomes = tuple(
            _with_script(_first_that_serves(_begin(request, reporter, place)), request)
            for request, place in zip(requests, places, strict=True)
        )
        texts = [text for outcome in outcomes for text in _texts(outcome)]
        with written_together(dict(texts)):
            for place in places:
                if place is not None:
                    place.keep()
    return tuple(_with_kernel(outcome, request) for outcome, request in zip(outcomes, requests, strict=True))


def check_lock(request: Request, reporter: Reporter) -> Differences:
    """Compare the lock that is there with the one that would be made now; nothing is written.

    Raises:
        ArtifactError: The artifact is damaged, hostile, or no model.
        UsageError: There is no lock to compare.
        NoCandidateError: Nothing loads it.
        NetworkError: The index is needed and cannot be reached.
    """
    found = _read_lock(request)
    if found is None:
        raise UsageError(f"{request.lock_path}: there is no lock to check", hint="leave --check out to make it")
    text, writer = found
    if writer != request.writer:
        raise UsageError(
            f"{request.lock_path}: holds {writer.name}, not {request.writer.name}", hint="leave --format out"
        )
    outcome = _first_that_serves(_begin(request, reporter, None))
    return compare(outcome.lock, text, writer)


def _first_that_serves(job: _Job) -> Outcome:
    passed_over: list[PassedOver] = []
    attempts: list[Attempt] = []
    candidates = _propose(job)
    for candidate in candidates:
        if job.place is not None and not _has_python(candidate.target.python, job):
            passed_over.append(PassedOver(candidate=candidate, command=command_to_get(candidate.target.python)))
            continue
        if _is_hopeless(attempts):
            break
        resolvers = _worth_asking(job.request.resolvers, attempts)
        if not resolvers:
            break
        try:
            return _outcome(_make(candidate, job, resolvers), job, passed_over, attempts)
        except _DoesNotServeError as failure:
            attempts.append(failure.attempt)
            if failure.attempt.stage != "resolution":
                job.reporter.note(f"{candidate.name}: {failure.attempt.stage} failed: {failure.attempt.error}")
    loading = next((attempt.candidate for attempt in attempts if attempt.loads), None)
    if loading is not None:
        made = _make(loading, job, job.request.resolvers, must_compute=False)
        return _outcome(made, job, passed_over, attempts)
    raise _nothing_serves(job, passed_over, attempts)


def describe_attempts(attempts: Iterable[Attempt]) -> Iterator[str]:
    """Why attempts failed: one sentence for those that failed alike, or for the same wish of the person."""
    groups: dict[tuple[str, ...], list[Attempt]] = {}
    for attempt in attempts:
        groups.setdefault(attempt.wishes or (attempt.stage, attempt.error), []).append(attempt)
    for first, *others in groups.values():
        names = first.candidate.name + (f" and {len(others)} more" if others else "")
        if first.wishes:
            verb = "do" if others else "does"
            yield f"{names} {verb} not go with {' and '.join(first.wishes)}: {first.error}"
        else:
            yield f"{names}: {first.stage} failed: {first.error}"


def _is_hopeless(attempts: Sequence[Attempt]) -> bool:
    """Whether more environments are in vain: there were many, or the last two blame something else than themselves."""
    built = [attempt for attempt in attempts if attempt.stage != "resolution"]
    if len(built) < 2:
        return False
    first, second = built[-2:]
    is_same = first.stage == second.stage == "verification" and first.cause == second.cause
    return is_same or len(built) == MAXIMUM_ENVIRONMENTS


def _worth_asking(resolvers: Sequence[Resolver], attempts: Sequence[Attempt]) -> Sequence[Resolver]:
    """Those of *resolvers* that answer at once, and the others as long as their answers may still differ."""
    refusals = [attempt.error for attempt in attempts if attempt.asked_index]
    is_settled = len(refusals) == MAXIMUM_REFUSALS or (len(refusals) > 1 and refusals[-1] == refusals[-2])
    return [resolver for resolver in resolvers if not resolver.asks_index] if is_settled else resolvers


# --- steps ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    """What all candidates of one call have in common."""

    request: Request
    inspection: Inspection
    definitions: Mapping[str, Definition]
    interpreters: list[Interpreter]
    """Those of this machine, and what was fetched since."""

    unavailable: set[str]
    """Lines of Python that were to be fetched in vain."""

    reporter: Reporter
    kept: tuple[Requirement, ...]
    """Pins of the lock that is there already, to be kept where they can be; by name ``name==version``."""

    place: ReservedPlace | None
    """Where environments are made; ``None``: lock only."""

    imports: tuple[Import, ...]
    """What the person's code imports from elsewhere."""

    artifact: Fingerprint | None
    """``None``: lock only."""

    sources: str
    """Digest of the person's code."""

    past: Record
    """What the environment that is there remembers."""

    failures: dict[str, Failure]
    """Verifications that failed, by the digest of what was verified, and how."""

    resolutions: dict[str, Answer]
    """What was found, by the digest of what was asked."""

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
    needs: tuple[Need, ...]
    added: frozenset[str]
    environment: Environment | None = None
    verified: Verified | None = None
    is_recalled: bool = False
    unverified: str | None = None
    """Why the model was not loaded, or its loading proves nothing; ``None`` where it was verified."""


class _DoesNotServeError(Exception):
    """A candidate was tried in vain, and nothing of it is left."""

    def __init__(self, attempt: Attempt) -> None:
        super().__init__(attempt)
        self.attempt = attempt


def _refuse_outputs(request: Request) -> None:
    """Make sure, before any work is done, that what is to be written can be written."""
    lock_path, environment_path, script_path = request.lock_path, request.environment_path, request.script_path
    for output in (lock_path, environment_path, script_path):
        if output is not None:
            _refuse_place(output, request.artifact)
    if lock_path is not None and environment_path is not None and _is_within(lock_path, environment_path):
        raise UsageError(
            f"{lock_path}: the lock cannot stand inside the environment", hint="name another place with -o"
        )
    if lock_path is not None:
        refuse_foreign_file(lock_path, WRITERS)
    if script_path is not None:
        refuse_unknown_file(script_path, lambda: is_ours(read_beginning(script_path)), option="--loader")
    if environment_path is not None:
        if _is_within(request.artifact, environment_path):
            raise UsageError(
                f"{request.artifact}: the artifact lies inside the environment", hint="name another place with --venv"
            )
        refuse_foreign_environment(environment_path, clears=request.clears)
        if request.kernel is not None:
            refuse_foreign_kernel(request.kernel, environment_path)


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


def _reserved(request: Request) -> AbstractContextManager[ReservedPlace | None]:
    path = request.environment_path
    return nullcontext() if path is None else reserve_place(path, clears=request.clears)


def _begin(request: Request, reporter: Reporter, place: ReservedPlace | None) -> _Job:
    started = time.perf_counter()
    with reporter.step(f"reading {request.artifact.name}"):
        inspection = inspect(request.artifact)
        definitions = _find_own_objects(inspection, request, reporter)
        closure = _find_imports(definitions, request)
    past = _recall(request)
    artifact = _identify(inspection, past, reporter) if place is not None else None
    read = time.perf_counter()
    # A lock is for a target: which Pythons are on this machine has no part in it, unless an engine runs in one.
    interpreters: list[Interpreter] = []
    if place is not None or any(resolver.needs_interpreter for resolver in request.resolvers):
        with reporter.step("looking for Pythons"):
            interpreters.extend(find_interpreters())
    return _Job(
        request=request,
        inspection=inspection,
        definitions=definitions,
        interpreters=interpreters,
        unavailable=set(),
        reporter=reporter,
        kept=tuple(_kept_pins(request, reporter)),
        place=place,
        imports=closure.imports,
        artifact=artifact,
        sources=digest_of_sources([*closure.files, *source_files(request.code)]) if request.code else "",
        past=past,
        failures={},
        resolutions={},
        seconds={"inspect": read - started, "interpreters": time.perf_counter() - read},
    )


def _kept_pins(request: Request, reporter: Reporter) -> Iterator[Requirement]:
    found = _read_lock(request)
    pins = found[1].read_pins(found[0]) if found is not None else {}
    for name in sorted(request.upgraded - pins.keys()):
        reporter.note(f"--upgrade-package {name}: {request.lock_path} pins no such distribution")
    for name, version in pins.items():
        if not request.upgrades and name not in request.upgraded:
            yield Requirement(f"{name}=={version}")


def _read_lock(request: Request) -> tuple[str, LockWriter] | None:
    """The lock that is there already, in whichever of our formats; ``None`` where there is none of ours."""
    if request.lock_path is None:
        return None
    try:
        writer = find_writer(request.lock_path, WRITERS)
        return (request.lock_path.read_text(encoding="utf-8"), writer) if writer is not None else None
    except (OSError, UnicodeDecodeError):
        return None


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


def _find_imports(definitions: Mapping[str, Definition], request: Request) -> ImportClosure:
    if request.code is None:
        return ImportClosure(files=(), imports=())
    return find_imports(definitions.values(), request.code)


def _recall(request: Request) -> Record:
    """What the environment that is there remembers, where that counts."""
    if request.environment_path is None or request.verifies_again or request.clears:
        return Record()
    return read_record(request.environment_path)


def _identify(inspection: Inspection, past: Record, reporter: Reporter) -> Fingerprint:
    provenance = inspection.provenance
    try:
        with reporter.step(f"taking the fingerprint of {provenance.path.name}"):
            return take_fingerprint(files_of(provenance.path, provenance.format), known=past.artifact)
    except OSError as error:
        reason = error.strerror or str(error)
        raise MissingArtifactError(error.filename or str(provenance.path), reason=reason) from error


def _propose(job: _Job) -> tuple[EnvironmentCandidate, ...]:
    provenance, saver = job.inspection.provenance, job.inspection.saver
    # An add-on belongs to one TensorFlow, whether the model names it or the code around it.
    needs = (Need(first=item, distribution=distribution_of(item.module)) for item in job.imports)
    add_ons = {
        need.distribution: CustomObject(name=need.first.module, kind="module", distribution=need.distribution)
        for need in needs
        if need.is_required and is_paired(need.distribution or "")
    }
    return propose_candidates(
        provenance,
        saver,
        judge(provenance, saver),
        (*job.inspection.custom, *add_ons.values()),
        platform=job.request.platform,
        pythons={interpreter.line for interpreter in job.interpreters},
        wishes=job.request.wishes,
    )


def _has_python(line: str, job: _Job) -> bool:
    """Whether the Python of *line* is here, or was fetched just now; each is tried once."""
    if any(interpreter.line == line for interpreter in job.interpreters):
        return True
    if not job.request.fetches or search_is_restricted() or line in job.unavailable:
        return False
    try:
        job.interpreters.append(fetch_interpreter(line, job.reporter))
    except UnavailablePythonError as error:
        job.unavailable.add(line)
        job.reporter.note(str(error))
        return False
    return True


def _make(
    candidate: EnvironmentCandidate, job: _Job, resolvers: Sequence[Resolver], *, must_compute: bool = True
) -> _Made:
    """Lock, build and verify one candidate, with the first of *resolvers* that has a solution.

    Raises:
        _DoesNotServeError: It does not resolve, install, load or, where it *must_compute*, compute.
    """
    interpreter = next((item for item in job.interpreters if item.line == candidate.target.python), None)
    lock, added = _lock(candidate, interpreter, job, resolvers)
    needs = find_needs(job.imports, candidate.target.python)
    made = _Made(candidate=candidate, lock=lock, needs=needs, added=added)
    if job.place is None or interpreter is None:
        return replace(made, unverified="no environment was asked for")
    question = _question_of(candidate, lock, interpreter, job)
    failure = job.past.failures.get(question)
    if failure is not None and (must_compute or not failure.loads):
        raise _does_not_serve(candidate, failure, question, job)
    made = replace(made, environment=_build(candidate, lock, interpreter, job.place, job))
    reason = _reason_not_to_verify(job.inspection, job.request)
    return replace(made, unverified=reason) if reason else _verified(made, question, job, must_compute=must_compute)


def _verified(made: _Made, question: str, job: _Job, *, must_compute: bool) -> _Made:
    """What was *made*, with its verification: the one that its environment remembers, or a new one.

    Raises:
        _DoesNotServeError: The model does not load or, where it *must_compute*, compute.
    """
    environment = made.environment
    if environment is None:
        return made
    past, installed = job.past.verified, list_installed(environment.path)
    if past is not None and environment.reused and (past.question, past.installed) == (question, installed):
        return replace(made, verified=past, is_recalled=True)
    verification = _verify(made.candidate, environment, job)
    if verification.code_errors:
        # No other environment cures the person's own code.
        return replace(made, unverified=f"your code cannot be imported: {'; '.join(verification.code_errors)}")
    if not verification.loads or (must_compute and verification.predicts is False):
        error = verification.error or "no reason given"
        failure = Failure(error=one_line(error), cause=first_line(error), loads=verification.loads)
        raise _does_not_serve(made.candidate, failure, question, job)
    time = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    return replace(
        made, verified=Verified(question=question, installed=installed, time=time, verification=verification)
    )


def _does_not_serve(candidate: EnvironmentCandidate, failure: Failure, question: str, job: _Job) -> _DoesNotServeError:
    job.failures[question] = failure
    return _DoesNotServeError(
        Attempt(
            candidate=candidate,
            stage="verification",
            error=failure.error,
            cause=failure.cause,
            loads=failure.loads,
        )
    )


def _lock(
    candidate: EnvironmentCandidate, interpreter: Interpreter | None, job: _Job, resolvers: Sequence[Resolver]
) -> tuple[Lock, frozenset[str]]:
    """The lock, and the names of the distributions that only the person's code needs."""
    question = _Question(candidate, interpreter, job.request.besides, job.request.constraints)
    needed = _needed_by_code(question, job)
    with job.step(f"locking {candidate.name}", "lock"):
        try:
            resolution, added = _find_resolution(question, needed, resolvers, job)
        except ResolutionError as error:
            attempt = Attempt(
                candidate=candidate,
                stage="resolution",
                error=without_credentials(error.explanation),
                hint=error.hint,
                wishes=tuple(_wishes_in_conflict(error, job.request, needed)),
                asked_index=any(resolver.asks_index for resolver in resolvers) and not _is_certain(error),
            )
            raise _DoesNotServeError(attempt) from error
    lock = pin(
        resolution,
        provenance=job.inspection.provenance,
        candidate=candidate,
        besides=(*job.request.besides, *map(Requirement, sorted(added))),
        command=job.request.command,
    )
    return lock, added


def _needed_by_code(question: _Question, job: _Job) -> dict[str, Need]:
    """What the code needs in the environment, by distribution, and nobody asks for by name."""
    named = {canonicalize_name(requirement.name) for requirement in question.requirements}
    return {
        need.distribution: need
        for need in find_needs(job.imports, question.candidate.target.python)
        if need.distribution is not None and need.is_required and need.distribution not in named
    }


def _find_resolution(
    question: _Question, needed: Mapping[str, Need], resolvers: Sequence[Resolver], job: _Job
) -> tuple[Resolution, frozenset[str]]:
    """What the *question* leads to, with all that the code needs; and which of that nothing else would have brought.

    Where all pins are to be kept of what was found for the same question before, that is the answer.

    Raises:
        ResolutionError, NetworkError: There is none.
    """
    kept = _kept_for(question.candidate, job)
    asked = question.digest([*needed], resolvers, job)
    known = job.past.resolutions.get(asked)
    if known is None or {*_as_pins(known.resolution)} != {*kept}:
        known = _resolve_with_code(question, needed, resolvers, kept, job)
    job.resolutions[asked] = known
    return known.resolution, known.added


def _resolve_with_code(
    question: _Question,
    needed: Mapping[str, Need],
    resolvers: Sequence[Resolver],
    kept: Sequence[Requirement],
    job: _Job,
) -> Answer:
    resolution = _resolve(question.with_code(needed), resolvers, kept, job)
    _note_what_is_not_kept(resolution, kept, job)
    added = frozenset(pin.name for pin in resolution.pins if pin.name in needed and not pin.via)
    return Answer(resolution=resolution, added=added)


def _is_certain(refusal: ResolutionError) -> bool:
    return isinstance(refusal, ConflictError) and refusal.is_certain


def _wishes_in_conflict(error: ResolutionError, request: Request, needed: Mapping[str, Need]) -> Iterator[str]:
    if isinstance(error, UnservedTargetError):
        return
    if isinstance(error, ConflictError):
        involved = error.names | error.parents
    else:
        # Other engines explain in words of their own, in which the names stand.
        involved = frozenset(map(canonicalize_name, re.findall(r"\w[\w.-]*\w|\w", error.explanation)))
    for wish in (*request.besides, *request.constraints):
        if canonicalize_name(wish.name) in involved:
            yield without_credentials(str(wish))
    for distribution, need in needed.items():
        if distribution in involved:
            yield f"{distribution} (your code imports it: {need.first.file}, line {need.first.line})"


def _resolve(question: _Question, resolvers: Sequence[Resolver], kept: Sequence[Requirement], job: _Job) -> Resolution:
    """What the first resolver with a solution finds; every file with its address where the format of the lock asks.

    Raises:
        ResolutionError: None has one; it tells what the first of them found out.
        NetworkError: The index cannot be reached, and only it could tell: the first of them needs it, or solves all but
            what the person wants besides.
    """
    first, *others = resolvers
    try:
        found = question.ask(first, kept)
    except ResolutionError as refusal:
        if _is_certain(refusal) or not others:
            raise
        found = _ask_others(question, first, others, kept, job, refusal)
    for resolver in job.request.resolvers[1:] if job.request.writer.needs_addresses else ():
        if not all(file.url for pin in found.pins for file in pin.files):
            # Addresses are those of the person's own index, which the bundled snapshot does not know.
            found = question.ask(resolver, _as_pins(found))
    return found


def _kept_for(candidate: EnvironmentCandidate, job: _Job) -> tuple[Requirement, ...]:
    """The pins that are kept: none where they are those of another TensorFlow, since they belong to that one."""
    members = members_of("tensorflow")
    of_family = [pin for pin in job.kept if pin.name in members]
    is_same = all(pin.specifier.contains(candidate.tensorflow.version, prereleases=True) for pin in of_family)
    return job.kept if is_same else ()


def _note_what_is_not_kept(found: Resolution, kept: Sequence[Requirement], job: _Job) -> None:
    if job.kept and not kept:
        job.reporter.note(f"{job.request.lock_path}: is for another TensorFlow, all versions are chosen anew")
    before = {pin.name: pin for pin in kept}
    told = [
        f"{before[pin.name]} is now {pin.version}"
        for pin in found.pins
        if pin.name in before and not before[pin.name].specifier.contains(pin.version, prereleases=True)
    ]
    if told:
        job.reporter.note(f"{job.request.lock_path}: not all of its pins can be kept: {', '.join(told)}")


def _ask_others(
    question: _Question,
    first: Resolver,
    others: Sequence[Resolver],
    kept: Sequence[Requirement],
    job: _Job,
    refusal: ResolutionError,
) -> Resolution:
    """What the first of *others* with a solution finds, after the *refusal* of the *first*.

    Raises:
        ResolutionError: None has one: the *refusal*, or what the last of them said where that is more.
        NetworkError: The index cannot be reached, though all but what the person wants besides is solved.
    """
    known = question.without_besides().find(first, kept) if question.besides else None
    # What is known to work together stays as it is, where that leaves a solution.
    preferred = _as_pins(known) + _beside(known, kept) if known else kept
    told, last = without_credentials(refusal.explanation), refusal
    for resolver in others:
        job.reporter.note(f"{question.candidate.name}: {told}; asking {resolver.name}")
        try:
            return question.ask(resolver, preferred)
        except UnservedTargetError as error:
            last = UnservedTargetError(error.candidate, f"{told}, and {error.explanation}", hint=error.hint)
        except ResolutionError as error:
            job.reporter.note(f"{resolver.name}: {without_credentials(error.explanation)}")
            last = error
        except NetworkError as error:
            if known is not None:
                # No other candidate would be better off.
                raise NetworkError(f"{told}; asking {resolver.name}", error.detail) from error
            job.reporter.note(str(error))
    # Where the first knew no more than to ask the others, their answer tells more.
    raise last if any(f"--engine {resolver.name}" in refusal.hint for resolver in others) else refusal


def _as_pins(resolution: Resolution) -> tuple[Requirement, ...]:
    return tuple(Requirement(f"{pin.name}=={pin.version}") for pin in resolution.pins)


def _beside(resolution: Resolution, pins: Sequence[Requirement]) -> tuple[Requirement, ...]:
    """Those of *pins* that are none of the *resolution*."""
    names = {pin.name for pin in resolution.pins}
    return tuple(pin for pin in pins if pin.name not in names)


@dataclass(frozen=True)
class _Question:
    """What resolvers are asked for one candidate."""

    candidate: EnvironmentCandidate
    interpreter: Interpreter | None
    besides: tuple[Requirement, ...]
    constraints: tuple[Requirement, ...]

    def without_besides(self) -> _Question:
        """What the candidate alone needs."""
        return replace(self, besides=())

    @property
    def requirements(self) -> tuple[Requirement, ...]:
        """All that is asked for by name."""
        return (*self.candidate.requirements, *_TOOLS, *self.besides)

    def with_code(self, distributions: Iterable[str]) -> _Question:
        """The same, with what the person's code needs."""
        return replace(self, besides=(*self.besides, *map(Requirement, distributions)))

    def digest(self, distributions: Sequence[str], resolvers: Sequence[Resolver], job: _Job) -> str:
        """SHA-256 over all that the answer depends on, but for the pins that are kept, with *distributions* of code."""
        return digest_of(
            requirements=[*map(str, self.requirements)],
            distributions=distributions,
            constraints=[*map(str, self._bounds)],
            target=self.candidate.target,
            engines=[resolver.name for resolver in resolvers],
            needs_addresses=job.request.writer.needs_addresses,
        )

    @property
    def _bounds(self) -> list[Requirement]:
        return [*(bound.requirement for bound in self.candidate.bounds), *self.constraints]

    def find(self, resolver: Resolver, kept: Sequence[Requirement]) -> Resolution | None:
        """The answer of *resolver*; ``None`` where it has no solution."""
        try:
            return self.ask(resolver, kept)
        except ResolutionError:
            return None

    def ask(self, resolver: Resolver, kept: Sequence[Requirement]) -> Resolution:
        """The answer of *resolver*, in which as few as need be of the *kept* pins differ.

        Raises:
            ResolutionError, NetworkError: There is none.
        """
        return resolver.resolve(
            self.requirements,
            constraints=self._bounds,
            target=self.candidate.target,
            interpreter=self.interpreter.executable if self.interpreter else None,
            kept=kept,
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
    with job.step("loading the model in it", "verification"):
        return verify(
            environment.python,
            job.inspection.provenance.path,
            code=job.request.code,
            **_how_to_verify(candidate, job),
        )


def _how_to_verify(candidate: EnvironmentCandidate, job: _Job) -> dict[str, Any]:
    """Arguments of the verification, beside the places of its subjects."""
    provenance = job.inspection.provenance
    return {
        "loaders": candidate.probes,
        "artifact_format": provenance.format,
        "inputs": provenance.inputs,
        "tags": sorted(provenance.tags[0]) if provenance.tags else (),
        "modules": candidate.modules,
        "custom_objects": [item.name for item in job.inspection.custom if item.kind != "operation"],
        "trust": job.request.trusts_code,
        "environment": dict(candidate.loader.environment),
    }


def _question_of(candidate: EnvironmentCandidate, lock: Lock, interpreter: Interpreter, job: _Job) -> str:
    """Digest of all that a verification depends on, but for changes to the environment after it was made."""
    return digest_of(
        artifact=[job.inspection.provenance.path.name, job.artifact.sha256 if job.artifact else None],
        code=[str(job.request.code.absolute()) if job.request.code else None, job.sources],
        lock=lock.digest,
        python=[str(interpreter.executable), str(interpreter.version)],
        how=_how_to_verify(candidate, job),
    )


def _remember(made: _Made, job: _Job) -> None:
    """Have the environment remember what this run has found out, and what still holds of earlier verifications."""
    if made.environment is None:
        return
    answers = {asked: known for asked, known in job.resolutions.items() if known.resolution.pins == made.lock.pins}
    # A run that does not verify takes nothing back of what one before it has seen.
    verified = made.verified or (job.past.verified if made.environment.reused else None)
    record = Record(artifact=job.artifact, resolutions=answers, failures=job.failures, verified=verified)
    if record != job.past:
        write_record(made.environment.path, record)


def _texts(outcome: Outcome) -> Iterator[tuple[Path, str]]:
    """The files that are written, with their places."""
    if outcome.lock_path is not None:
        yield outcome.lock_path, outcome.lock_text
    if outcome.script_path is not None and outcome.script is not None:
        yield outcome.script_path, outcome.script


def _with_script(outcome: Outcome, request: Request) -> Outcome:
    if request.script_path is None:
        return outcome
    script = render_loader_script(
        outcome.inspection,
        outcome.candidate,
        outcome.lock,
        verification=outcome.verification,
        definitions=outcome.definitions,
        surroundings=Surroundings(
            folder=request.script_path.parent,
            lock_path=request.lock_path or Path(request.writer.file_name),
            environment_path=request.environment_path,
        ),
    )
    return replace(outcome, script=script, script_path=request.script_path)


def _with_kernel(outcome: Outcome, request: Request) -> Outcome:
    if request.kernel is None or outcome.environment is None:
        return outcome
    kernel = install_kernel(
        request.kernel,
        outcome.environment.path,
        title=f"{outcome.candidate.name} ({outcome.environment.path.absolute().parent.name})",
        variables=outcome.candidate.loader.environment,
    )
    return replace(outcome, kernel=kernel)


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
    _remember(made, job)
    return Outcome(
        inspection=job.inspection,
        definitions=job.definitions,
        candidate=made.candidate,
        lock=made.lock,
        lock_path=job.request.lock_path,
        writer=job.request.writer,
        needs=made.needs,
        added=made.added,
        environment=made.environment,
        kernel=None,
        script=None,
        script_path=None,
        verified=made.verified,
        is_recalled=made.is_recalled,
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


_SENTENCES_SHOWN = 4
"""Reasons in one error message, those of the best candidates."""


def _all_failed(inspection: Inspection, attempts: Sequence[Attempt]) -> NoCandidateError:
    sentences = list(describe_attempts(attempts))
    hidden = len(sentences) - _SENTENCES_SHOWN
    told = "; ".join(sentences[:_SENTENCES_SHOWN]) + (f"; and {hidden} more reasons: see --json" if hidden > 0 else "")
    subject = "" if all(attempt.wishes for attempt in attempts) else "no environment that was tried serves: "
    troubles = [finding.message for finding in inspection.findings if finding.severity == "error"]
    hint = f"the artifact itself: {'; '.join(troubles)}" if troubles else attempts[0].hint
    return NoCandidateError(f"{subject}{told}", hint=hint, attempts=attempts)
