"""The library: one function for each command, with the same defaults, that returns what the command prints.

Nothing is printed. Whatever is wrong with an artifact, a call or the outside world is an
:class:`~envlock.errors.EnvlockError`.
"""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from envlock.errors import EnvlockError, UsageError
from envlock.reporter import SilentReporter
from envlock.target import Device, Preference, find_platform, platform_here

# Each function imports what it needs: stamping a model in a training script must not wait for resolvers.
if TYPE_CHECKING:
    from envlock.checking import Check
    from envlock.diagnosis.diagnose import Diagnosis
    from envlock.explanation import Explanation
    from envlock.inspection import Inspection
    from envlock.pipeline.outcome import Outcome
    from envlock.pipeline.request import Request
    from envlock.target import Platform

AnyPath = str | PathLike[str]


class NotVerifiedError(EnvlockError):
    """A model does not load in an environment, or does not compute, so that no stamp says that it does."""

    reference = "not-verified"
    exit_code = 1

    def __init__(self, artifact: str, error: str) -> None:
        super().__init__(artifact, error)
        self.artifact, self.error = artifact, error

    def __str__(self) -> str:
        return f"{self.artifact}: is not stamped, since it does not load there: {self.error}"


def inspect(artifact: AnyPath, *, deep: bool = False) -> Inspection:
    """Say what a saved model is, what wrote it and what to know about it, without running anything.

    With *deep*, all data are read and checked too. Without, the stamp of a large artifact is told among the findings
    alone, since it was not compared with the artifact.

    Raises:
        ArtifactError: It is damaged, hostile, or no model.
    """
    from envlock.inspection import inspect as inspect_artifact

    return inspect_artifact(Path(artifact), is_deep=deep, is_quick=not deep)


def explain(artifact: AnyPath, *, platform: str | None = None) -> Explanation:
    """Say which releases load a saved model, which do not, and why.

    Environments are chosen for *platform*, such as ``linux_x86_64``; by default for this machine.

    Raises:
        ArtifactError: It is damaged, hostile, or no model.
        UsageError: There is no such platform.
    """
    from envlock.explanation import explain as explain_artifact

    return explain_artifact(Path(artifact), platform=_platform(platform))


def lock(
    artifact: AnyPath,
    output: AnyPath | None = "requirements.txt",
    *,
    tensorflow: str | None = None,
    python: str | None = None,
    platform: str | None = None,
    device: Device = "cpu",
    prefer: Preference = "auto",
    besides: Sequence[str] = (),
    engine: str | None = None,
    upgrade: bool = False,
    code: AnyPath | None = None,
    builder: str = "",
) -> Outcome:
    """Lock the environment in which a saved model is expected to load, as ``from-model --lock-only`` does.

    Args:
        artifact: A file or folder.
        output: Where the lock is written, in the format that it is named for; ``None`` writes nothing.
        tensorflow: A release, such as ``2.4.1``, or a line, such as ``2.4``.
        python: A line, such as ``3.8``.
        platform: Such as ``linux_x86_64``; by default this machine.
        device: What TensorFlow is to compute on.
        prefer: What to prefer among environments that load the artifact.
        besides: Requirements that are wanted beside what the model needs.
        engine: The only one that is asked; by default ``offline``, and ``uv`` where that has no solution.
        upgrade: Choose all versions anew, whatever the lock that is there pins.
        code: Folder with the person's own definitions.
        builder: What in there builds the model that weights belong to, as ``NAME`` or ``MODULE:NAME``.

    Raises:
        EnvlockError: See :func:`envlock.pipeline.from_model.from_model_for_each`.
    """
    return _from_model(
        _request(
            artifact,
            output,
            tensorflow=tensorflow,
            python=python,
            platform=platform,
            device=device,
            prefer=prefer,
            besides=besides,
            engine=engine,
            upgrades=upgrade,
            code=_optional(code),
            builder=builder,
        )
    )


def create(
    artifact: AnyPath,
    environment: AnyPath = ".venv",
    *,
    output: AnyPath | None = "requirements.txt",
    tensorflow: str | None = None,
    python: str | None = None,
    device: Device = "cpu",
    prefer: Preference = "auto",
    besides: Sequence[str] = (),
    engine: str | None = None,
    upgrade: bool = False,
    code: AnyPath | None = None,
    builder: str = "",
    trust: bool = False,
    verify: bool = True,
    fetch: bool = True,
    clear: bool = False,
) -> Outcome:
    """Make an environment in which a saved model loads, and prove it by loading it there, as ``from-model`` does.

    The arguments that :func:`lock` has as well mean the same here. An *environment* that envlock did not make is left
    alone, unless *clear* says that any virtual environment there gives way. Without *fetch*, Pythons that this machine
    lacks are passed over. With *trust*, the artifact is loaded although it holds code; without *verify* it is not
    loaded at all, and the outcome has no verification.

    Raises:
        EnvlockError: See :func:`envlock.pipeline.from_model.from_model_for_each`.
    """
    return _from_model(
        _request(
            artifact,
            output,
            tensorflow=tensorflow,
            python=python,
            platform=None,
            device=device,
            prefer=prefer,
            besides=besides,
            engine=engine,
            upgrades=upgrade,
            code=_optional(code),
            builder=builder,
            environment_path=Path(environment),
            trusts_code=trust,
            verifies=verify,
            fetches=fetch,
            clears=clear,
        )
    )


def verify(
    artifact: AnyPath,
    environment: AnyPath = ".venv",
    *,
    code: AnyPath | None = None,
    builder: str = "",
    trust: bool = False,
) -> Check:
    """Load a saved model in an environment that is there, and call it; see :func:`envlock.checking.check`.

    Raises:
        EnvlockError: It cannot be tried. That it does not load is no error: see ``is_proven`` of what is returned.
    """
    from envlock.checking import check

    return check(
        Path(artifact), Path(environment), SilentReporter(), code=_optional(code), builder=builder, trusts_code=trust
    )


def diagnose(
    artifact: AnyPath | None = None,
    environment: AnyPath | None = None,
    *,
    traceback: str | None = None,
    architecture: AnyPath | None = None,
    run: bool = False,
    copy: AnyPath | None = None,
    code: AnyPath | None = None,
    trust: bool = False,
) -> Diagnosis:
    """Say why a saved model does not load, and the smallest change that makes it load.

    Args:
        artifact: A file or folder.
        environment: Where it fails: its folder, or its interpreter.
        traceback: What the failure printed.
        architecture: Where the artifact holds weights, the model that they are to go into.
        run: Load the artifact in that environment, and read the error.
        copy: Where to make a copy of the environment with what the causes ask for.
        code: Folder with the person's own definitions.
        trust: Load the artifact although it holds code.

    Raises:
        EnvlockError: See :func:`envlock.diagnosis.diagnose.diagnose`.
    """
    from envlock.diagnosis.diagnose import Question
    from envlock.diagnosis.diagnose import diagnose as answer
    from envlock.diagnosis.traceback_text import parse_traceback

    question = Question(
        path=_optional(artifact),
        python=_optional(environment),
        traceback=parse_traceback(traceback) if traceback is not None else None,
        architecture=_optional(architecture),
        runs=run,
        copy_path=_optional(copy),
        code=_optional(code),
        trusts_code=trust,
    )
    return answer(question, SilentReporter())


def stamp(
    artifact: AnyPath,
    environment: AnyPath | None = None,
    *,
    inside: bool = False,
    code: AnyPath | None = None,
    builder: str = "",
    trust: bool = False,
) -> Path:
    """Write down an environment beside a saved model, where every command of envlock reads it first.

    Without *environment* it is the one that runs: what training scripts call once a model is saved. With one, the model
    is loaded there, and the stamp says that it loads.

    Returns:
        Where the stamp stands: a file of its own, or with *inside* the archive that holds it.

    Raises:
        NotVerifiedError: It does not load in *environment*, or does not compute.
        EnvlockError: It cannot be tried, or the stamp not be written.
    """
    if environment is None:
        return _record(artifact, inside=inside)
    from envlock.stamping import stamp_artifact

    stamped = stamp_artifact(
        Path(artifact),
        Path(environment),
        SilentReporter(),
        code=_optional(code),
        builder=builder,
        trusts_code=trust,
        is_inside=inside,
    )
    if stamped.place is None:
        raise NotVerifiedError(str(artifact), stamped.check.verification.error or "no reason given")
    return stamped.place


def _record(artifact: AnyPath, *, inside: bool) -> Path:
    from envlock import recording
    from envlock.errors import MissingArtifactError, WriteError

    if inside:
        raise UsageError("inside is for a model that is loaded again", hint="name the environment to load it in")
    try:
        recording.find_files(recording.subject_of(str(artifact)))
    except OSError as error:
        raise MissingArtifactError(str(artifact), reason=error.strerror or "there is no model") from error
    try:
        return Path(recording.stamp(str(artifact)))
    except OSError as error:
        refused = WriteError(str(artifact), error.strerror or str(error))
        refused.hint = "the stamp stands beside the model: make room for it there, or copy the model elsewhere"
        raise refused from error


# --- what is asked of the pipeline ---------------------------------------------------------------------------


def _from_model(request: Request) -> Outcome:
    from envlock.pipeline.from_model import from_model

    return from_model(request, SilentReporter())


def _request(
    artifact: AnyPath,
    output: AnyPath | None,
    *,
    tensorflow: str | None,
    python: str | None,
    platform: str | None,
    device: Device,
    prefer: Preference,
    besides: Sequence[str],
    engine: str | None,
    environment_path: Path | None = None,
    **fields: Any,
) -> Request:
    from packaging.version import InvalidVersion

    from envlock.candidates import Wishes, refuse_impossible_python, releases_named, split_off_tensorflow
    from envlock.loader_script import FILE_NAME
    from envlock.pipeline.request import Request, ScriptPlace
    from envlock.requirements_file import parse_requirement
    from envlock.resolution import DEFAULT_ENGINES, ENGINES, resolvers_of
    from envlock.writers import WRITERS, writer_named

    for what, value, known in (
        ("device", device, get_args(Device)),
        ("preference", prefer, get_args(Preference)),
        ("engine", ENGINES[0] if engine is None else engine, ENGINES),
    ):
        if value not in known:
            raise UsageError(f"{value!r} is no {what}", hint=f"name one of {', '.join(known)}")
    if isinstance(besides, str):
        # It is a sequence too, of letters, which are names on the package index.
        raise UsageError(f"besides is one text, {besides!r}", hint="put the requirements into a list")
    refuse_impossible_python(python)
    lock_path = _optional(output)
    wished, others = split_off_tensorflow(map(parse_requirement, besides))
    try:
        named = releases_named(tensorflow) if tensorflow is not None else None
    except InvalidVersion as error:
        raise UsageError(f"tensorflow {tensorflow!r} is not a version", hint="name one such as 2.4 or 2.4.1") from error
    beside_lock = lock_path is not None and environment_path is not None
    return Request(
        artifact=Path(artifact),
        platform=_platform(platform),
        resolvers=resolvers_of(DEFAULT_ENGINES if engine is None else [engine]),
        writer=WRITERS[0] if lock_path is None else writer_named(lock_path),
        lock_path=lock_path,
        environment_path=environment_path,
        wishes=Wishes(
            prefer=prefer,
            tensorflow=named & wished if named is not None and wished is not None else named or wished,
            python=python,
            device=device,
        ),
        besides=others,
        script=ScriptPlace(path=lock_path.with_name(FILE_NAME), is_named=False) if lock_path and beside_lock else None,
        **fields,
    )


def _platform(name: str | None) -> Platform:
    if name is None:
        here = platform_here()
        if here is None:
            raise UsageError("TensorFlow has no wheels for this machine", hint="name another platform")
        return here
    try:
        return find_platform(name)
    except LookupError as error:
        raise UsageError(f"{name!r} is no platform", hint="name one such as linux_x86_64") from error


def _optional(path: AnyPath | None) -> Path | None:
    return None if path is None else Path(path)
