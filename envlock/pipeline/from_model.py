"""One short function per verb: the data flow on one screen."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from typing import TYPE_CHECKING

from envlock.candidates import EnvironmentCandidate, propose_candidates
from envlock.environment import ReservedPlace, reserve_place
from envlock.errors import UsageError
from envlock.interpreters import command_to_get
from envlock.loadability import judge
from envlock.own_code.builder import order_by_keras
from envlock.pipeline.attempts import Attempt, DoesNotServeError, PassedOver, is_hopeless, nothing_serves, worth_asking
from envlock.pipeline.job import Job, begin, read_lock
from envlock.pipeline.outcome import Outcome
from envlock.pipeline.outputs import refuse_outputs, texts_of, with_kernel, with_script
from envlock.pipeline.request import Request
from envlock.pipeline.trial import Trial, try_candidate
from envlock.reporter import Reporter
from envlock.workplace import private_temporary_folder
from envlock.writers import Differences, compare
from envlock.writers.files import written_together

if TYPE_CHECKING:
    from envlock.pipeline.counterpart import Counterpart


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
        refuse_outputs(request)
    with ExitStack() as stack:
        if any(request.environment_path is not None for request in requests):
            stack.enter_context(private_temporary_folder())
        places = [stack.enter_context(_reserved(request)) for request in requests]
        outcomes = tuple(
            with_script(_first_that_serves(begin(request, reporter, place)), request, reporter)
            for request, place in zip(requests, places, strict=True)
        )
        texts = [text for outcome in outcomes for text in texts_of(outcome)]
        with written_together(dict(texts)):
            for place in places:
                if place is not None:
                    place.keep()
    return tuple(with_kernel(outcome, request) for outcome, request in zip(outcomes, requests, strict=True))


def prepare_lock(request: Request, reporter: Reporter) -> Outcome:
    """The lock of the first environment candidate that resolves; nothing is written, and no environment made.

    Raises:
        ArtifactError: The artifact is damaged, hostile, or no model.
        UsageError: The code that was passed does not define what the model needs.
        NoCandidateError: Nothing loads it.
        NetworkError: The index is needed and cannot be reached.
    """
    return _first_that_serves(begin(request, reporter, None))


def check_lock(request: Request, reporter: Reporter) -> Differences:
    """Compare the lock that is there with the one that would be made now; nothing is written.

    Raises:
        ArtifactError: The artifact is damaged, hostile, or no model.
        UsageError: There is no lock to compare.
        NoCandidateError: Nothing loads it.
        NetworkError: The index is needed and cannot be reached.
    """
    found = read_lock(request)
    if found is None:
        raise UsageError(f"{request.lock_path}: there is no lock to check", hint="leave --check out to make it")
    text, writer = found
    if writer != request.writer:
        raise UsageError(
            f"{request.lock_path}: holds {writer.name}, not {request.writer.name}", hint="leave --format out"
        )
    return compare(prepare_lock(request, reporter).lock, text, writer)


# --- steps ---------------------------------------------------------------------------------------------------


def _reserved(request: Request) -> AbstractContextManager[ReservedPlace | None]:
    path = request.environment_path
    return nullcontext() if path is None else reserve_place(path, clears=request.clears)


def _first_that_serves(job: Job) -> Outcome:
    passed_over: list[PassedOver] = []
    attempts: list[Attempt] = []
    for candidate in _propose(job):
        python = candidate.target.python
        if is_hopeless(attempts):
            break
        if job.place is not None and not job.can_have_python(python):
            passed_over.append(PassedOver(candidate=candidate, command=command_to_get(python)))
            continue
        resolvers = worth_asking(job.request.resolvers, attempts)
        if not resolvers:
            break
        try:
            return _outcome(try_candidate(candidate, job, resolvers), job, passed_over, attempts)
        except DoesNotServeError as failure:
            attempts.append(failure.attempt)
            if failure.attempt.stage != "resolution":
                job.reporter.note(f"{candidate.name}: {failure.attempt.stage} failed: {failure.attempt.error}")
    loading = next((attempt.candidate for attempt in attempts if attempt.loads), None)
    if loading is not None:
        trial = try_candidate(loading, job, job.request.resolvers, must_compute=False)
        return _outcome(trial, job, passed_over, attempts)
    raise nothing_serves(job.inspection, job.request, passed_over, attempts)


def _propose(job: Job) -> tuple[EnvironmentCandidate, ...]:
    provenance, saver = job.inspection.provenance, job.inspection.saver
    candidates = propose_candidates(
        provenance,
        saver,
        judge(provenance, saver),
        job.custom,
        platform=job.request.platform,
        pythons={interpreter.line for interpreter in job.interpreters},
        wishes=job.request.wishes,
        stamp=job.inspection.stamp,
    )
    if job.builder is None:
        return candidates
    # What was seen to work goes before what is likely to.
    return tuple(sorted(order_by_keras(candidates, provenance), key=lambda candidate: candidate.stamp is None))


def _outcome(trial: Trial, job: Job, passed_over: Sequence[PassedOver], attempts: Sequence[Attempt]) -> Outcome:
    if trial.environment is not None:
        job.memory.keep(trial.environment, trial.lock, trial.verified)
    return Outcome(
        inspection=job.inspection,
        definitions=job.definitions,
        builder=job.builder,
        candidate=trial.candidate,
        lock=trial.lock,
        lock_path=job.request.lock_path,
        writer=job.request.writer,
        needs=trial.needs,
        added=trial.added,
        environment=trial.environment,
        verified=trial.verified,
        is_recalled=trial.is_recalled,
        unverified=trial.unverified,
        counterpart=_compare(trial, job),
        passed_over=tuple(passed_over),
        attempts=tuple(attempts),
        seconds=job.seconds,
    )


def _compare(trial: Trial, job: Job) -> Counterpart | None:
    if trial.verified is None or job.counterpart is None:
        return None
    # Here, since few ask for it, and a lock alone must not wait for it.
    from envlock.pipeline.counterpart import compare_with

    return compare_with(job.counterpart, trial.verified.verification, job)
