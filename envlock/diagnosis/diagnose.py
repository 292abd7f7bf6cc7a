"""What a person names -> Diagnosis: why the model does not load, most likely cause first, and what mends it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from envlock.diagnosis.causes import Cause, Remedy, merge
from envlock.diagnosis.mending import MendedCopy, make_mended_copy
from envlock.diagnosis.observations import Observations
from envlock.diagnosis.predictions import predict
from envlock.diagnosis.recognition import recognise_causes, unknown_error
from envlock.diagnosis.remedies import Workbench
from envlock.diagnosis.reproduction import error_of, reproduce
from envlock.diagnosis.traceback_text import Traceback
from envlock.environment import refuse_foreign_environment
from envlock.environment.installed import InstalledEnvironment, find_python, read_environment
from envlock.errors import ArtifactError, MissingArtifactError, OccupiedPathError, UsageError
from envlock.inspection import Inspection, inspect
from envlock.reporter import Reporter
from envlock.verification import Verification


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What the person named, any of it, and what is to be done."""

    path: Path | None = None
    """Of the artifact."""

    python: Path | None = None
    """An interpreter, a folder that holds one, or its name: where the artifact fails to load."""

    traceback: Traceback | None = None
    architecture: Path | None = None
    """What the weights in the artifact are to go into: a description of a model, or a whole one."""

    runs: bool = False
    """Whether to load the artifact in that environment."""

    copy_path: Path | None = None
    """Where a copy of the environment is to be made, with what the causes ask for."""

    code: Path | None = None
    """Folder of the person's own definitions."""

    trusts_code: bool = False

    is_for_tpu: bool = False
    """Whether the artifact is to run on a TPU."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """Why a model does not load."""

    observed: Observations
    causes: tuple[Cause, ...]
    """Most likely first."""

    verification: Verification | None
    """What happened when the model was loaded in the environment; ``None`` where it was not."""

    copy: MendedCopy | None
    """``None`` where it was not asked for, or nothing is to be changed."""

    @property
    def loads(self) -> bool | None:
        """Whether the model was seen to load, in the end; ``None`` where it was not tried."""
        tried = self.copy.verification if self.copy is not None else self.verification
        return tried.loads if tried is not None else None

    @property
    def is_sound(self) -> bool:
        """Whether the model was seen to load and to be callable, or nothing was found that forbids it."""
        tried = self.copy.verification if self.copy is not None else self.verification
        return not self.causes if tried is None else tried.loads and tried.predicts is not False


def diagnose(question: Question, reporter: Reporter) -> Diagnosis:
    """Find out why a model does not load.

    Raises:
        UsageError: Nothing was named, or not enough for what is asked.
        OccupiedPathError: Something that envlock did not make is where a copy is to be made.
        ArtifactError: There is no artifact at that path, or the architecture cannot be read.
        EnvlockError: The environment cannot be read, or no copy of it made.
    """
    _refuse_contradictions(question)
    observed = _observe(question, reporter)
    verification = _run(question, observed, reporter) if question.runs else None
    causes = _conclude(observed, verification)
    copy = _mend(question, observed, causes, reporter) if question.copy_path is not None else None
    return Diagnosis(observed=observed, causes=causes, verification=verification, copy=copy)


def _refuse_contradictions(question: Question) -> None:
    if question.path is None and question.python is None and question.traceback is None:
        raise UsageError(
            "nothing to diagnose", hint="name the model, its environment (--venv, --python) or --traceback"
        )
    for option, is_given in (("--run", question.runs), ("--fix", question.copy_path is not None)):
        if is_given and question.python is None:
            raise UsageError(f"{option} needs the environment", hint="name it with --venv DIR or --python EXE")
    if question.architecture is not None and question.path is None:
        raise UsageError("--architecture is for weights, and none are named", hint="name the file of the weights")
    if question.is_for_tpu and question.path is None:
        raise UsageError("--tpu is for a model, and none is named", hint="name the model")
    if question.runs and question.path is None:
        raise UsageError("--run loads a model, and none is named", hint="name the model, or leave --run out")
    if question.copy_path is not None:
        _refuse_place(question.copy_path)


def _refuse_place(place: Path) -> None:
    """Make sure, before any work is done, that a copy may be made at *place*."""
    try:
        refuse_foreign_environment(place)
    except OccupiedPathError as error:
        hint = "choose another place with --copy, or remove it yourself"
        raise OccupiedPathError(error.path, found=error.found, hint=hint) from error


def _observe(question: Question, reporter: Reporter) -> Observations:
    artifact: Inspection | None = None
    damage: ArtifactError | None = None
    if question.path is not None:
        with reporter.step(f"reading {question.path.name}"):
            try:
                artifact = inspect(question.path, is_deep=True)
            except MissingArtifactError:
                raise
            except ArtifactError as error:
                # That it cannot be read is what the person asks about.
                damage = error
    environment = read_environment(find_python(question.python)) if question.python is not None else None
    return Observations(
        path=question.path,
        artifact=artifact,
        damage=damage,
        environment=environment,
        traceback=question.traceback,
        architecture=inspect(question.architecture, is_deep=True) if question.architecture is not None else None,
        is_for_tpu=question.is_for_tpu,
    )


def _run(question: Question, observed: Observations, reporter: Reporter) -> Verification | None:
    """What happens when the model is loaded; ``None`` where it cannot be read, or there is nothing to load it with."""
    artifact, environment = observed.artifact, observed.environment
    if artifact is None or environment is None or not environment.loaders():
        return None
    with reporter.step("loading the model in that environment"):
        return reproduce(artifact, environment, observed, code=question.code, trusts_code=question.trusts_code)


def _conclude(observed: Observations, verification: Verification | None) -> tuple[Cause, ...]:
    """The causes, from what was seen a moment ago where anything was, else from what the person says and the files."""
    if verification is not None and verification.loads:
        # What the plain way of loading failed for, where another way had to be taken.
        return recognise_causes(error_of(verification), observed, seen_here=True)
    expected = list(predict(observed))
    causes: list[Cause] = []
    for traceback, seen_here in _tracebacks(observed, verification):
        found = recognise_causes(traceback, observed, seen_here=seen_here)
        causes += [cause for cause in found if all(cause.reference != other.reference for other in causes)]
        if not found:
            expected.append(unknown_error(traceback, observed))
    if verification is not None and not any(cause.likelihood == "confirmed" for cause in causes):
        # It was expected that nothing there loads it, nothing did, and the error has no other reason.
        expected = [replace(cause, likelihood="confirmed") if cause.is_decisive else cause for cause in expected]
    return tuple(_smallest_useful_change_first(cause, observed) for cause in merge(causes, expected))


def _smallest_useful_change_first(cause: Cause, observed: Observations) -> Cause:
    """Where nothing installed there reads the artifact, mending something else there is not enough."""
    if not observed.is_refused or cause.is_decisive or not any(remedy.requirements for remedy in cause.remedies):
        return cause
    another = Workbench(observed).make_environment()
    others = [remedy for remedy in cause.remedies if remedy.commands != another.commands]
    return replace(cause, remedies=(another, *others))


def _tracebacks(observed: Observations, verification: Verification | None) -> Iterable[tuple[Traceback, bool]]:
    if verification is not None:
        yield error_of(verification), True
    if observed.traceback is not None:
        yield observed.traceback, False


def _mend(question: Question, observed: Observations, causes: Sequence[Cause], reporter: Reporter) -> MendedCopy | None:
    """A copy of the environment with what the causes ask for; ``None`` where they ask for nothing to be installed."""
    remedies = [_first_constraint(cause) for cause in causes]
    wanted = [remedy for remedy in remedies if remedy is not None]
    is_vain = any(cause.is_decisive and remedy is None for cause, remedy in zip(causes, remedies, strict=True))
    if not wanted or is_vain or observed.environment is None or question.copy_path is None:
        reporter.note("no copy is made: nothing that could be installed would mend it")
        return None
    variables = {name: value for remedy in wanted for name, value in remedy.variables.items()}

    def verify(copy: InstalledEnvironment) -> Verification | None:
        if observed.artifact is None:
            return None
        return reproduce(
            observed.artifact,
            copy,
            replace(observed, environment=copy),
            code=question.code,
            trusts_code=question.trusts_code,
            variables=variables,
        )

    requirements = list(dict.fromkeys(item for remedy in wanted for item in remedy.requirements))
    return make_mended_copy(
        observed.environment, requirements, place=question.copy_path, reporter=reporter, verify=verify
    )


def _first_constraint(cause: Cause) -> Remedy | None:
    return next((remedy for remedy in cause.remedies if remedy.requirements), None)
