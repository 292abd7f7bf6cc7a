"""What an environment remembers, where that counts, and what a run adds to it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

from envlock.environment import Environment, list_installed
from envlock.errors import MissingArtifactError
from envlock.locks import Lock
from envlock.pipeline.request import Request
from envlock.provenance import Provenance
from envlock.reporter import Reporter
from envlock.verification import files_of
from envlock.verification.record import (
    Answer,
    Failure,
    Fingerprint,
    Record,
    Verified,
    digest_of_sources,
    read_record,
    take_fingerprint,
    write_record,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """Answers of earlier runs, and those of this one."""

    past: Record
    """What the environment that is there remembers; nothing where that has no say."""

    artifact: Fingerprint | None
    """``None``: lock only."""

    sources: str
    """Digest of the person's code."""

    answers: dict[str, Answer] = field(default_factory=dict)
    """What was resolved in this run, by the digest of what was asked."""

    failures: dict[str, Failure] = field(default_factory=dict)
    """Environments that failed, by the digest of what was tried; those of earlier runs where this one met them too."""

    def failure_of(self, question: str) -> Failure | None:
        """How what *question* is the digest of was tried in vain before; from now on this run remembers it too."""
        failure = self.past.failures.get(question)
        if failure is not None:
            self.failures[question] = failure
        return failure

    def verified_in(self, environment: Environment, question: str) -> Verified | None:
        """The verification of an earlier run, where it answered the same question about the same environment."""
        past = self.past.verified
        if past is None or not environment.reused or past.question != question:
            return None
        return past if past.installed == list_installed(environment.path) else None

    def keep(self, environment: Environment, lock: Lock, verified: Verified | None) -> None:
        """Have *environment* remember what this run has found out, and what still holds of earlier verifications.

        Raises:
            WriteError: The disk is full, or the folder may not be written to.
        """
        record = Record(
            artifact=self.artifact,
            resolutions={
                asked: answer for asked, answer in self.answers.items() if answer.resolution.pins == lock.pins
            },
            failures=self.failures,
            # A run that does not verify takes nothing back of what one before it has seen.
            verified=verified or (self.past.verified if environment.reused else None),
        )
        if record != self.past:
            write_record(environment.path, record)


def recall(request: Request, provenance: Provenance, sources: Collection[Path], reporter: Reporter) -> Memory:
    """What there is to remember of the artifact and the *sources* of the person's code.

    Raises:
        MissingArtifactError: A file of the artifact cannot be read.
    """
    path = request.environment_path
    has_say = path is not None and not (request.verifies_again or request.clears)
    past = read_record(path) if path is not None and has_say else Record()
    return Memory(
        past=past,
        artifact=_identify(provenance, past, reporter) if path is not None else None,
        sources=digest_of_sources(sources) if sources else "",
    )


def _identify(provenance: Provenance, past: Record, reporter: Reporter) -> Fingerprint:
    try:
        with reporter.step(f"taking the fingerprint of {provenance.path.name}"):
            return take_fingerprint(files_of(provenance.path, provenance.format), known=past.artifact)
    except OSError as error:
        reason = error.strerror or str(error)
        raise MissingArtifactError(error.filename or str(provenance.path), reason=reason) from error
