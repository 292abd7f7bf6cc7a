"""The model and the person's code -> folders beside the Dockerfile, put there whole or not at all."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from envlock.artifacts import LocalSource
from envlock.artifacts.saved_model import SAVED_MODEL_NAMES, SAVED_MODEL_PARTS
from envlock.errors import OccupiedPathError
from envlock.images.names import CODE, MODEL
from envlock.own_code.definitions import source_files
from envlock.provenance import Provenance
from envlock.verification import files_of
from envlock.verification.record import take_fingerprint
from envlock.writers.files import remove, write_errors

_DRAFT = ".envlock-draft"
_BUFFER = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A folder that is copied into the image."""

    name: str
    """Of the folder, beside the Dockerfile."""

    files: tuple[tuple[Path, PurePosixPath], ...]
    """What is copied, and its place in the folder."""


def location_of(provenance: Provenance) -> Path:
    """The absolute path of the artifact, which ends in its name."""
    path = provenance.path.absolute()
    return path.resolve() if path.name == ".." else path


def model_part(provenance: Provenance, *, within: str = "") -> Part:
    """The files that loading the artifact opens; those of a folder stand in a folder of the same name, or *within*.

    Raises:
        ArtifactError: A folder of the artifact holds a link, pipe, socket or device.
    """
    path = location_of(provenance)
    files: list[tuple[Path, PurePosixPath]] = []
    # Beside a SavedModel there may lie anything, in the folder that somebody downloaded it to.
    own = (*SAVED_MODEL_NAMES, *SAVED_MODEL_PARTS) if provenance.format == "saved-model" and path.is_dir() else ()
    for place in files_of(path, provenance.format):
        folder = PurePosixPath(within or place.name)
        files += [(place / name, folder / name) for name in LocalSource(place).files(*own)]
        files += [(place, PurePosixPath(within, place.name))] if not place.is_dir() else []
    return Part(name=MODEL, files=tuple(sorted(files)))


def place_of_model(provenance: Provenance) -> PurePosixPath:
    """Where in the part of the model is what loaders are passed."""
    path = location_of(provenance)
    is_part_of_folder = provenance.format == "saved-model" and path.is_file()
    return PurePosixPath() if is_part_of_folder else PurePosixPath(path.name)


def code_root(code: Path) -> Path:
    """The folder above the outermost package that *code* belongs to; *code* itself where it is no package."""
    root = code.absolute()
    while (root / "__init__.py").exists():
        root = root.parent
    return root


def code_part(code: Path, *, besides: Path) -> Part:
    """The Python files under *code*, or under the package that it belongs to, but for those in the folder *besides*.

    Nor for links that lead out: an image is given away, and what they lead to was not meant to be.
    """
    root = code_root(code)
    outside = links_out_of(code)
    files = [
        file
        for file in _sources_with(code)
        if file not in outside and not file.resolve().is_relative_to(besides.resolve())
    ]
    return Part(name=CODE, files=tuple((file, PurePosixPath(file.relative_to(root))) for file in files))


def links_out_of(code: Path) -> list[Path]:
    """Those of the Python files under *code*, or its package, that lie elsewhere."""
    root = code_root(code).resolve()
    return [file for file in _sources_with(code) if not file.resolve().is_relative_to(root)]


def _sources_with(code: Path) -> list[Path]:
    """The Python files under *code*, or under the outermost package that it belongs to."""
    root = code_root(code)
    return source_files(root if root == code.absolute() else root / code.absolute().relative_to(root).parts[0])


# --- putting them into place ---------------------------------------------------------------------------------


@contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """Hold *folder* against other runs; it is made where it is missing, and removed again where nothing came of it.

    Raises:
        OccupiedPathError: Another run holds it.
    """
    was_there = folder.exists()
    with write_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            hint = "wait for it, or name another folder with -o"
            raise OccupiedPathError(str(folder), found="another envlock is writing there", hint=hint) from None
        yield
    finally:
        os.close(handle)
        if not was_there and not any(folder.iterdir()):
            folder.rmdir()


@contextmanager
def staged(folder: Path, parts: Iterable[Part]) -> Iterator[dict[str, str]]:
    """Copies of *parts* in a hidden folder of *folder*, until the block ends; gives their SHA-256 by name.

    Raises:
        ArtifactError: A file cannot be read any more, or has become a link.
        WriteError: The disk is full, or the folder may not be written to.
    """
    draft = folder / _DRAFT
    with write_errors(folder):
        remove(draft)
        draft.mkdir()
    try:
        with write_errors(folder):
            for part in parts:
                _copy(part, draft / part.name)
            digests = {part.name: _digest_of(draft / part.name) for part in parts}
        yield digests
    finally:
        remove(draft)


def put_into_place(folder: Path, digests: Mapping[str, str], recorded: Mapping[str, str]) -> None:
    """Move what was staged in *folder* to where it belongs, in place of what was put there before; all or none.

    Args:
        folder: That of the image.
        digests: Of what was staged, by name.
        recorded: Of what was put there before, by name.

    Raises:
        OccupiedPathError: Something else is there.
        WriteError: The folder may not be written to.
    """
    draft = folder / _DRAFT
    changed = [
        name for name, digest in digests.items() if _is_to_be_replaced(folder / name, digest, recorded.get(name))
    ]
    done: list[str] = []
    try:
        with write_errors(folder):
            for name in changed:
                done.append(name)
                if (folder / name).exists():
                    (folder / name).rename(draft / f"{name}.previous")
                (draft / name).rename(folder / name)
    except BaseException:
        for name in done:
            _restore(draft / f"{name}.previous", folder / name)
        raise


def _is_to_be_replaced(place: Path, digest: str, recorded: str | None) -> bool:
    """Whether *place* is free or holds what was *recorded*; not where it holds what is to be there already."""
    if not os.path.lexists(place):
        return True
    found = _digest_of(place) if place.is_dir() and not place.is_symlink() else None
    if found is None or found not in {digest, recorded}:
        hint = "name another folder with -o, or move it away"
        raise OccupiedPathError(str(place), found="exists and was not written by envlock, or was changed", hint=hint)
    return found != digest


def _restore(previous: Path, place: Path) -> None:
    if previous.exists():
        remove(place)
        previous.rename(place)


def _copy(part: Part, folder: Path) -> None:
    folder.mkdir(mode=0o755)
    for source, place in part.files:
        target = folder / place
        target.parent.mkdir(parents=True, exist_ok=True)
        with LocalSource(source).open() as readable, target.open("xb") as writable:
            shutil.copyfileobj(readable, writable, _BUFFER)
    # Whoever builds keeps these for themselves perhaps; the user within the image is somebody else.
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)


def _digest_of(folder: Path) -> str:
    return take_fingerprint([folder]).sha256
