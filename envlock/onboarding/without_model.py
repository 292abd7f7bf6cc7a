"""An environment for code alone: locked and made as for a model, and nothing is loaded in it."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace

from packaging.requirements import Requirement

from envlock.candidates import propose_candidates
from envlock.dating import date_artifact
from envlock.environment import refuse_foreign_environment, reserve_place
from envlock.errors import NoCandidateError
from envlock.inspection import Inspection
from envlock.interpreters import find_interpreters
from envlock.loadability import judge
from envlock.pipeline.attempts import DoesNotServeError
from envlock.pipeline.job import Job, read_lock
from envlock.pipeline.memory import Memory
from envlock.pipeline.outcome import Outcome
from envlock.pipeline.request import Request
from envlock.pipeline.trial import try_candidate
from envlock.provenance import Provenance
from envlock.reporter import Reporter
from envlock.verification.record import Record
from envlock.workplace import private_temporary_folder
from envlock.writers import WRITERS
from envlock.writers.files import refuse_foreign_file, written_together


def lock_without_model(request: Request, reporter: Reporter) -> Outcome:
    """Lock and make what *request* wishes, whose artifact is the folder that it is for.

    Raises:
        NoCandidateError: It does not resolve, or cannot be installed.
        OccupiedPathError: Something that envlock did not make is in the way; nothing was done.
        NetworkError, WriteError: The outside world failed; nothing half-made is left.
    """
    with ExitStack() as stack:
        place = None
        if request.lock_path is not None:
            refuse_foreign_file(request.lock_path, WRITERS)
        if request.environment_path is not None:
            refuse_foreign_environment(request.environment_path, clears=request.clears)
            stack.enter_context(private_temporary_folder())
            place = stack.enter_context(reserve_place(request.environment_path, clears=request.clears))
        found = read_lock(request)
        pins = found[1].read_pins(found[0]) if found is not None else {}
        job = Job(
            request=replace(request, verifies=False),
            inspection=_inspection_of_nothing(request),
            definitions={},
            builder=None,
            imports=(),
            kept=tuple(Requirement(f"{name}=={version}") for name, version in pins.items()),
            memory=Memory(past=Record(), artifact=None, sources=""),
            place=place,
            reporter=reporter,
            counterpart=None,
            interpreters=list(find_interpreters()) if place is not None else [],
        )
        outcome = _outcome(job)
        texts = {outcome.lock_path: outcome.lock_text} if outcome.lock_path is not None else {}
        with written_together(texts):
            if place is not None:
                place.keep()
    return outcome


def _inspection_of_nothing(request: Request) -> Inspection:
    """A graph without operations, which every TensorFlow loads: all that is left to choose by are the wishes."""
    provenance = Provenance(path=request.artifact, format="graph-def", content="graph", size=0)
    return Inspection(provenance=provenance, saver=date_artifact(provenance), custom=(), findings=())


def _outcome(job: Job) -> Outcome:
    request, inspection = job.request, job.inspection
    candidates = propose_candidates(
        inspection.provenance,
        inspection.saver,
        judge(inspection.provenance, inspection.saver),
        (),
        platform=request.platform,
        pythons={interpreter.line for interpreter in job.interpreters},
        wishes=request.wishes,
    )
    try:
        trial = try_candidate(candidates[0], job, request.resolvers)
    except DoesNotServeError as failure:
        attempt = failure.attempt
        raise NoCandidateError(
            f"{attempt.candidate.name}: {attempt.stage} failed: {attempt.error}", hint=attempt.hint, attempts=[attempt]
        ) from failure
    return Outcome(
        inspection=inspection,
        definitions={},
        builder=None,
        candidate=trial.candidate,
        lock=trial.lock,
        lock_path=request.lock_path,
        writer=request.writer,
        needs=trial.needs,
        added=trial.added,
        environment=trial.environment,
        verified=None,
        is_recalled=False,
        unverified=None,
        counterpart=None,
        passed_over=(),
        attempts=(),
        seconds=job.seconds,
    )
