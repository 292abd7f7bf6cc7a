"""Outcome -> what is written beside the environment: the lock, the loader script and the kernel."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from envlock.environment import refuse_foreign_environment
from envlock.environment.kernel import install_kernel, refuse_foreign_kernel
from envlock.errors import OccupiedPathError, UsageError, WriteError
from envlock.loader_script import Surroundings, is_ours, is_unchanged, render_loader_script
from envlock.networks.mapping import find_mapping
from envlock.pipeline.outcome import Outcome
from envlock.pipeline.request import Request
from envlock.reporter import Reporter
from envlock.writers import WRITERS
from envlock.writers.files import read_beginning, refuse_foreign_file, refuse_unknown_file


def refuse_outputs(request: Request) -> None:
    """Make sure, before any work is done, that what is to be written can be written.

    Raises:
        OccupiedPathError, WriteError, UsageError: It cannot.
    """
    lock_path, environment_path, script = request.lock_path, request.environment_path, request.script
    script_path = script.path if script is not None else None
    files = {option: path for option, path in (("-o", lock_path), ("--loader", script_path)) if path is not None}
    for path in [*files.values(), *filter(None, [environment_path])]:
        _refuse_place(path, request.artifact)
    if len({path.absolute() for path in files.values()}) < len(files):
        problem = f"{lock_path}: cannot be both the lock and the script that loads the model"
        raise UsageError(problem, hint="name another file with --loader")
    if lock_path is not None:
        refuse_foreign_file(lock_path, WRITERS)
    if script is not None and script.is_named:
        _refuse_foreign_script(script.path)
    if environment_path is not None:
        for option, path in files.items():
            if _is_within(path, environment_path):
                problem = f"{path}: cannot stand inside the environment"
                raise UsageError(problem, hint=f"name another place with {option}")
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


def texts_of(outcome: Outcome) -> Iterator[tuple[Path, str]]:
    """The files that are written, with their places."""
    if outcome.lock_path is not None:
        yield outcome.lock_path, outcome.lock_text
    if outcome.script_path is not None and outcome.script is not None:
        yield outcome.script_path, outcome.script


def with_kernel(outcome: Outcome, request: Request) -> Outcome:
    """*outcome* with the kernel that was asked for, which is made.

    Raises:
        WriteError: The folder of Jupyter may not be written to.
    """
    if request.kernel is None or outcome.environment is None:
        return outcome
    kernel = install_kernel(
        request.kernel,
        outcome.environment.path,
        title=f"{outcome.candidate.name} ({outcome.environment.path.absolute().parent.name})",
        variables=outcome.candidate.loader.environment,
    )
    return replace(outcome, kernel=kernel)


# --- the loader script ---------------------------------------------------------------------------------------


def _refuse_foreign_script(path: Path) -> None:
    """Make sure that *path* is free, or holds a script of envlock as it was written.

    Raises:
        OccupiedPathError: A person wrote what is there, or has changed it, or it cannot be read.
    """
    refuse_unknown_file(path, lambda: is_ours(read_beginning(path)), option="--loader")
    if path.is_file() and not is_unchanged(path.read_text(encoding="utf-8", errors="replace")):
        hint = "name another file with --loader, or remove it to have it written anew"
        raise OccupiedPathError(str(path), found="was changed since envlock wrote it", hint=hint)


def with_script(outcome: Outcome, request: Request, reporter: Reporter) -> Outcome:
    """*outcome* with the text of its script; without one where none is wanted, or what is there is somebody's."""
    place = request.script
    if place is None:
        return outcome
    if not place.is_named:
        try:
            _refuse_foreign_script(place.path)
        except OccupiedPathError as error:
            reporter.note(f"{error}; {error.hint}")
            return outcome
    provenance = outcome.inspection.provenance
    script = render_loader_script(
        outcome.inspection,
        outcome.candidate,
        outcome.lock,
        verification=outcome.verification,
        definitions=outcome.definitions,
        builder=outcome.builder,
        mapping=find_mapping(provenance.path, provenance, outcome.candidate.tensorflow.line),
        surroundings=Surroundings(
            script_path=place.path,
            lock_path=request.lock_path or Path(request.writer.file_name),
            environment_path=request.environment_path,
        ),
    )
    return replace(outcome, script=script, script_path=place.path)
