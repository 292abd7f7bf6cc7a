"""Candidate -> Trial: it is locked, its environment is built, and the model is loaded and called there.

What was tried in vain by an earlier run is not tried again, and what was seen to work there is taken from its memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from typing import Any

from envlock.candidates import EnvironmentCandidate
from envlock.environment import Environment, ReservedPlace, list_installed
from envlock.errors import InstallationError
from envlock.formats.text import first_line, one_line
from envlock.interpreters import Interpreter
from envlock.locks import Lock
from envlock.own_code.imports import Need, find_needs
from envlock.pipeline.attempts import Attempt, DoesNotServeError
from envlock.pipeline.job import Job
from envlock.pipeline.locking import lock_candidate
from envlock.resolution import Resolver
from envlock.verification import verify
from envlock.verification.record import Failure, Verified, digest_of
from envlock.writers import WRITERS


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A candidate that serves, and what was made of it."""

    candidate: EnvironmentCandidate
    lock: Lock
    needs: tuple[Need, ...]
    """What the person's code imports and its Python does not bring."""

    added: frozenset[str]
    """Distributions that are in the lock since that code imports them, and for no other reason."""

    environment: Environment | None = None
    verified: Verified | None = None
    is_recalled: bool = False
    """Whether it was verified by an earlier run, and nothing has changed since."""

    unverified: str | None = None
    """Why the model was not loaded, or its loading proves nothing; ``None`` where it was verified."""


def try_candidate(
    candidate: EnvironmentCandidate, job: Job, resolvers: Sequence[Resolver], *, must_compute: bool = True
) -> Trial:
    """Lock, build and verify one candidate, with the first of *resolvers* that has a solution.

    Raises:
        DoesNotServeError: It does not resolve, install, load or, where it *must_compute*, compute.
    """
    lock, added = lock_candidate(candidate, job, resolvers)
    trial = Trial(candidate=candidate, lock=lock, needs=find_needs(job.imports, candidate.target.python), added=added)
    interpreter = job.interpreter_of(candidate.target.python)
    if job.place is None or interpreter is None:
        return replace(trial, unverified="no environment was asked for")
    question = _question_of(candidate, lock, interpreter, job)
    failure = job.memory.failure_of(question)
    if failure is not None and (must_compute or not failure.loads):
        raise _does_not_serve(candidate, failure)
    trial = replace(trial, environment=_build(candidate, lock, interpreter, job.place, job))
    reason = _reason_not_to_verify(job)
    return replace(trial, unverified=reason) if reason else _verified(trial, question, job, must_compute=must_compute)


# --- the environment -----------------------------------------------------------------------------------------


def _build(
    candidate: EnvironmentCandidate, lock: Lock, interpreter: Interpreter, place: ReservedPlace, job: Job
) -> Environment:
    request = job.request
    question = digest_of(
        lock=lock.digest,
        python=_describe(interpreter),
        sources=[[str(path.absolute()) for path in request.find_links], request.no_index],
    )
    failure = job.memory.failure_of(question)
    if failure is not None:
        raise _does_not_serve(candidate, failure)
    with job.step(f"building {request.environment_path}", "environment"):
        try:
            return place.create(
                interpreter=interpreter,
                lock_text=WRITERS[0].render(lock),
                digest=lock.digest,
                reporter=job.reporter,
                build_constraints=lock.build_constraints,
                find_links=request.find_links,
                no_index=request.no_index,
            )
        except InstallationError as error:
            failure = Failure(stage="installation", error=error.detail, cause=first_line(error.detail), loads=False)
            job.memory.failures[question] = failure
            raise _does_not_serve(candidate, failure) from error


# --- its verification ----------------------------------------------------------------------------------------


def _verified(trial: Trial, question: str, job: Job, *, must_compute: bool) -> Trial:
    """*trial* with its verification: the one that its environment remembers, or a new one.

    Raises:
        DoesNotServeError: The model does not load or, where it *must_compute*, compute.
    """
    environment = trial.environment
    if environment is None:
        return trial
    past = job.memory.verified_in(environment, question)
    if past is not None:
        return replace(trial, verified=past, is_recalled=True)
    with job.step("loading the model in it", "verification"):
        path = job.inspection.provenance.path
        verification = verify(environment.python, path, **_how_to_verify(trial.candidate, job))
    if verification.code_errors:
        # No other environment cures the person's own code.
        return replace(trial, unverified=f"your code cannot be imported: {'; '.join(verification.code_errors)}")
    if not verification.loads or (must_compute and verification.predicts is False):
        error = verification.error or "no reason given"
        failure = Failure(
            stage="verification", error=one_line(error), cause=first_line(error), loads=verification.loads
        )
        job.memory.failures[question] = failure
        raise _does_not_serve(trial.candidate, failure)
    verified = Verified(
        question=question,
        installed=list_installed(environment.path),
        time=datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        verification=verification,
    )
    return replace(trial, verified=verified)


def _does_not_serve(candidate: EnvironmentCandidate, failure: Failure) -> DoesNotServeError:
    return DoesNotServeError(
        Attempt(
            candidate=candidate,
            stage=failure.stage,
            error=failure.error,
            cause=failure.cause,
            loads=failure.loads,
        )
    )


def _how_to_verify(candidate: EnvironmentCandidate, job: Job) -> dict[str, Any]:
    """The arguments of the verification, beside its subjects."""
    return {
        **job.loading.arguments,
        "loaders": job.loading.probes_of(candidate.probes),
        "names": job.loading.names_for([candidate.loader]),
        "modules": candidate.modules,
        "environment": dict(candidate.loader.environment),
    }


def _question_of(candidate: EnvironmentCandidate, lock: Lock, interpreter: Interpreter, job: Job) -> str:
    """Digest of all that a verification depends on, but for changes to the environment after it was made."""
    artifact, code = job.memory.artifact, job.request.code
    return digest_of(
        artifact=[job.inspection.provenance.path.name, artifact.sha256 if artifact else None],
        sources=job.memory.sources,
        lock=lock.digest,
        python=_describe(interpreter),
        how=_how_to_verify(candidate, job) | {"code": code.absolute() if code else None},
    )


def _describe(interpreter: Interpreter) -> list[str]:
    return [str(interpreter.executable), str(interpreter.version)]


def _reason_not_to_verify(job: Job) -> str | None:
    """Why the model is not to be loaded; ``None`` where it may be."""
    return job.loading.obstacle if job.request.verifies else "it was not asked for"
