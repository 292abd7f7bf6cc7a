"""ImageRequest -> ImageFolder: the lock, the base image that suits it, and all that the image is built from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

from envlock import loader_script
from envlock.errors import OccupiedPathError, UsageError
from envlock.images.commands import build_command, run_command
from envlock.images.companions import JSON_COMMENT, conda_environment, dev_container, ignored_files, lock_of_pip
from envlock.images.dockerfile import (
    FIRST_WORDS,
    SERVED_PORTS,
    Contents,
    python_dockerfile,
    recorded_digests,
    serving_dockerfile,
)
from envlock.images.interface import ImageFolder, ImageRequest
from envlock.images.names import (
    CONDA_ENVIRONMENT,
    DEV_CONTAINER,
    DOCKERFILE,
    IGNORED,
    LOCK,
    PIP_LOCK,
    SCRIPT,
)
from envlock.images.parts import claimed, put_into_place, staged
from envlock.images.planning import Plan, plan_python, plan_serving
from envlock.reporter import Reporter
from envlock.writers import WRITERS
from envlock.writers.files import read_beginning, refuse_unknown_file, written_together
from envlock.writers.seal import is_sealed, seal


def make_image_folder(request: ImageRequest, reporter: Reporter) -> ImageFolder:
    """Write a folder from which ``docker build`` makes the image; all of it or nothing.

    Raises:
        ArtifactError: The artifact is damaged, hostile, or no model.
        NoCandidateError: Nothing loads it on the platform of the image.
        NoImageError: No base image is known, or TensorFlow Serving does not take the artifact.
        OccupiedPathError: Something that envlock did not write is in the way, or was changed since; nothing was done.
        UsageError: The folder is none or lies within the artifact, or the code that was passed lacks what the model
            needs.
        NetworkError, WriteError: The outside world failed; nothing half-made is left.
    """
    _refuse_folder(request)
    for name in _possible_names(request):
        _refuse_changed(request.folder / name)
    plan = plan_serving(request, reporter) if request.serves else plan_python(request, reporter)
    with ExitStack() as stack:
        for place in _folders(request):
            stack.enter_context(claimed(place))
        with reporter.step(f"copying into {request.folder.name}"):
            digests = stack.enter_context(staged(request.folder, plan.parts))
        texts = dict(_texts(plan, digests))
        recorded = recorded_digests(_text_at(request.folder / DOCKERFILE))
        with written_together({request.folder / name: text for name, text in texts.items()}):
            put_into_place(request.folder, digests, recorded)
    return ImageFolder(
        outcome=plan.outcome,
        folder=request.folder,
        base=plan.base,
        files=(*texts, *(f"{name}/" for name in digests)),
        notes=plan.notes,
        build_command=build_command(plan),
        run_command=run_command(plan),
        ports=SERVED_PORTS if request.serves else (),
    )


def _folders(request: ImageRequest) -> list[Path]:
    return [request.folder, *([(request.folder / DEV_CONTAINER).parent] if request.has_dev_container else [])]


def _possible_names(request: ImageRequest) -> Iterator[str]:
    """Names of the texts that are written, whatever the image will be built on."""
    yield from (DOCKERFILE, IGNORED)
    if not request.serves:
        yield from (LOCK, PIP_LOCK, SCRIPT)
    if request.has_dev_container:
        yield DEV_CONTAINER
    if request.has_conda_environment:
        yield CONDA_ENVIRONMENT


def _texts(plan: Plan, digests: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The files of text, by name."""
    request, lock, base = plan.request, plan.outcome.lock, plan.base
    contents = Contents(
        lock=lock,
        base=base,
        notes=plan.notes,
        digests=digests,
        has_gpu=plan.has_gpu,
        variables=plan.outcome.candidate.loader.environment,
    )
    if request.serves:
        yield DOCKERFILE, seal(serving_dockerfile(contents))
        yield IGNORED, seal(ignored_files(digests))
        return
    yield DOCKERFILE, seal(python_dockerfile(contents))
    texts = {PIP_LOCK: seal(lock_of_pip(lock)), LOCK: plan.outcome.lock_text}
    if plan.script is not None:
        texts[SCRIPT] = plan.script
    yield IGNORED, seal(ignored_files([*texts, *digests]))
    yield from texts.items()
    if request.has_dev_container:
        text = dev_container(plan.outcome.candidate, base, has_gpu=plan.has_gpu)
        yield DEV_CONTAINER, seal(text, comment=JSON_COMMENT)
    if request.has_conda_environment:
        yield CONDA_ENVIRONMENT, seal(conda_environment(lock))


# --- what is there already -----------------------------------------------------------------------------------


def _refuse_folder(request: ImageRequest) -> None:
    folder, artifact = request.folder, request.lock.artifact
    if artifact.is_dir() and folder.resolve().is_relative_to(artifact.resolve()):
        problem = f"{folder}: is inside the artifact, which is left as it is"
        raise UsageError(problem, hint="choose another folder with -o")
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder}: is no folder", hint="name another place with -o")


def _refuse_changed(path: Path) -> None:
    """Make sure that *path* is free, or holds what envlock wrote there and nobody has changed since.

    Raises:
        OccupiedPathError: It does not.
    """
    hint = "name another folder with -o, or remove it to have it written anew"
    try:
        refuse_unknown_file(path, lambda: _is_ours(read_beginning(path)), option="-o")
    except OccupiedPathError as error:
        raise OccupiedPathError(error.path, found=error.found, hint=hint) from error
    if path.is_file() and not _is_unchanged(_text_at(path)):
        raise OccupiedPathError(str(path), found="was changed since envlock wrote it", hint=hint)


def _is_ours(beginning: str) -> bool:
    words = (FIRST_WORDS, FIRST_WORDS.replace("#", JSON_COMMENT, 1))
    return beginning.startswith(words) or WRITERS[0].is_ours(beginning) or loader_script.is_ours(beginning)


def _is_unchanged(text: str) -> bool:
    # A lock is made anew each time, with the pins of the one that is there where they can be kept.
    return WRITERS[0].is_ours(text) or is_sealed(text)


def _text_at(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="surrogateescape") if path.is_file() else ""
