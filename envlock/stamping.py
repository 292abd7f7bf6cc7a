"""Artifact + environment -> its stamp: written beside it or inside, once the artifact was seen to load there."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from envlock import recording
from envlock.checking import Check, check_there
from envlock.environment.installed import InstalledEnvironment, find_python, read_environment
from envlock.errors import ArtifactError, EnvlockError, OccupiedPathError, UsageError, WriteError
from envlock.inspection import Inspection, inspect
from envlock.loading import Loading
from envlock.recording import (
    INSIDE_FOLDER,
    SCHEMA,
    describe_files,
    describe_python,
    digest_of_file,
    find_files,
    is_stamp,
    now,
    render_stamp,
    subject_of,
)
from envlock.reporter import Reporter
from envlock.stamps import MEMBER, read_member, stamp_beside
from envlock.verification import Output, Verification
from envlock.writers import WRITERS
from envlock.writers.files import find_writer, read_beginning, refuse_unknown_file, write_errors, write_whole
from envlock.writers.seal import is_sealed, seal

_HEADLINE = "the environment in which the model was seen to load. Nothing in here is ever run."
_DAY_OF_MEMBER = (1980, 1, 1, 0, 0, 0)
"""The first that a zip archive can name: the stamp itself says when it was written."""


class StampBreaksModelError(EnvlockError):
    """A model with its stamp inside does not load any more, so that it was left as it was."""

    reference = "stamp-breaks-model"
    exit_code = 1
    hint = "leave --inside out: the stamp then stands beside the model"

    def __init__(self, path: str, error: str) -> None:
        super().__init__(path, error)
        self.path, self.error = path, error

    def __str__(self) -> str:
        return f"{self.path}: does not load with the stamp inside, and is left as it was: {self.error}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamped:
    """What was verified, and where that is written."""

    check: Check
    place: Path | None
    """Of the stamp, or of the archive that holds it; ``None`` where the model does not load, or compute."""

    hashed: int
    """How many of the environment's distributions have their hashes in the stamp."""


def stamp_artifact(
    artifact: Path,
    environment: Path,
    reporter: Reporter,
    *,
    code: Path | None = None,
    builder: str = "",
    trusts_code: bool = False,
    is_inside: bool = False,
) -> Stamped:
    """Load the artifact in an environment, and write down beside it that it loads there.

    With *is_inside* that is written into the artifact, which is then loaded once more. All other arguments are those of
    :func:`envlock.checking.check`.

    Raises:
        ArtifactError, UsageError, NoLoaderError, UnstartablePythonError: As :func:`envlock.checking.check` does.
        OccupiedPathError: Something else than a stamp is where it is to stand.
        WriteError: The disk is full, or the place may not be written to.
        StampBreaksModelError: The model does not load with the stamp inside.
    """
    installed = read_environment(find_python(environment), heeds_python_path=False)
    with reporter.step(f"reading {artifact.name}"):
        inspection = inspect(artifact)
    write = _writing_inside(artifact, inspection) if is_inside else _writing_beside(artifact)
    loading = Loading(inspection=inspection, code=code, builder=builder, trusts_code=trusts_code)
    with reporter.step(f"taking the digest of {artifact.name}"):
        # Before it is loaded: if it is changed meanwhile, the stamp does not fit.
        described = _describe_archive(artifact) if write is _write_into_archive else _describe(artifact)
    check = check_there(loading, installed, reporter)
    hashes = _hashes_beside(installed)
    if not check.is_proven:
        return Stamped(check=check, place=None, hashed=0)
    text = _render(check, described, hashes)

    def load_again(path: Path) -> None:
        copy = replace(loading, inspection=inspect(path))
        found = check_there(copy, installed, reporter)
        if not found.is_proven:
            raise StampBreaksModelError(str(artifact), found.verification.error or "no reason given")

    return Stamped(check=check, place=write(artifact, text, load_again), hashed=len(hashes))


# --- what is written -----------------------------------------------------------------------------------------


def _describe(artifact: Path) -> list[tuple[str, object]]:
    return describe_files(find_files(subject_of(str(artifact))))


def _render(check: Check, artifact: list[tuple[str, object]], hashes: dict[str, list[str]]) -> str:
    environment, verification = check.environment, check.verification
    distributions = [(name, str(version)) for name, version in environment.distributions.items()]
    isolation = verification.isolation
    tables: list[tuple[str, list[tuple[str, object]]]] = [
        ("", [("schema", SCHEMA), ("time", now()), ("verified", True)]),
        ("artifact", artifact),
        ("environment", describe_python(str(environment.python))),
        ("environment.distributions", [*distributions]),
        ("environment.hashes", [*hashes.items()]),
        (
            "verification",
            [
                ("loader", verification.loader),
                ("how", verification.how),
                ("computes", verification.predicts is True),
                ("numbers", _digest_of_numbers(verification)),
                ("isolation", str(isolation) if isolation is not None else ""),
            ],
        ),
    ]
    return render_stamp(_HEADLINE, [(name, rows) for name, rows in tables if rows])


def _digest_of_numbers(verification: Verification) -> str:
    """SHA-256 over the outputs, their numbers to five digits: other processors round the others differently."""
    rows = [_row_of(output) for output in (*verification.outputs, *verification.variables)]
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()


def _row_of(output: Output) -> list[object]:
    return [output.name, output.dtype, output.shape, [f"{value:.5g}" for value in output.values]]


def _hashes_beside(environment: InstalledEnvironment) -> dict[str, list[str]]:
    """What the lock beside a virtual environment has of hashes, where it pins just what is installed."""
    folder = environment.executable.parent.parent.parent
    for path in (folder / writer.file_name for writer in WRITERS):
        # A lock that cannot be read is as good as none.
        with suppress(OSError, UnicodeDecodeError, ArtifactError):
            writer = find_writer(path, WRITERS)
            if writer is None:
                continue
            text = path.read_text(encoding="utf-8")
            pins = writer.read_pins(text)
            if pins and pins.items() <= environment.distributions.items():
                return {name: sorted(found) for name, found in sorted(writer.read_hashes(text).items()) if found}
    return {}


# --- where it is written -------------------------------------------------------------------------------------

_Write = Callable[[Path, str, Callable[[Path], None]], Path]


def _writing_beside(artifact: Path) -> _Write:
    """What writes the stamp beside the artifact.

    Raises:
        OccupiedPathError, WriteError: It cannot be written there.
    """
    _refuse_foreign(stamp_beside(artifact))
    return _write_beside


def _writing_inside(artifact: Path, inspection: Inspection) -> _Write:
    """What writes the stamp into the artifact.

    Raises:
        UsageError: It is of a kind that holds nothing else.
        OccupiedPathError, WriteError: It cannot be written there.
    """
    match inspection.provenance.format:
        case "saved-model":
            # Links in the folder of a model were refused when it was read.
            _refuse_foreign(Path(subject_of(str(artifact)), INSIDE_FOLDER))
            return _write_into_folder
        case "keras-archive":
            _refuse_unwritable(artifact.resolve().parent)
            return _write_into_archive
        case other:
            problem = f"--inside is for SavedModels and .keras archives, and {artifact} is none but {other}"
            raise UsageError(problem, hint="leave it out: the stamp then stands beside the model")


def _refuse_foreign(place: Path) -> None:
    try:
        refuse_unknown_file(place, lambda: is_stamp(read_beginning(place)), option="")
    except OccupiedPathError as error:
        hint = "move it away: a stamp is found by its name"
        raise OccupiedPathError(error.path, found=error.found, hint=hint) from error
    _refuse_unwritable(place.parent if place.parent.is_dir() else place.parents[1])


def _refuse_unwritable(folder: Path) -> None:
    if not os.access(folder, os.W_OK):
        error = WriteError(str(folder), "may not be written to")
        error.hint = "copy the model to a folder of your own, and stamp it there"
        raise error


def _write_beside(artifact: Path, text: str, load_again: Callable[[Path], None]) -> Path:
    del load_again
    place = stamp_beside(artifact)
    write_whole(place, text)
    return place


def _write_into_folder(artifact: Path, text: str, load_again: Callable[[Path], None]) -> Path:
    place = Path(subject_of(str(artifact)), INSIDE_FOLDER)
    before = place.read_text(encoding="utf-8") if place.is_file() else None
    was_there = place.parent.is_dir()
    place.parent.mkdir(exist_ok=True)
    write_whole(place, text)
    try:
        load_again(artifact)
    except BaseException:
        if before is not None:
            write_whole(place, before)
        else:
            place.unlink()
            if not was_there:
                place.parent.rmdir()
        raise
    return place


def write_recorder(place: Path) -> None:
    """Write the module that stamps models in other Pythons to *place*.

    Raises:
        OccupiedPathError: Something else is there.
        WriteError: The disk is full, or the place may not be written to.
    """
    source = Path(recording.__file__).read_text(encoding="utf-8")
    # Whatever somebody has added to it is theirs.
    refuse_unknown_file(place, lambda: is_sealed(place.read_text("utf-8", "surrogateescape")), option="--recorder")
    try:
        write_whole(place, seal(source, before="# The syntax"))
    except WriteError as error:
        error.hint = "name a file of a folder of your own"
        raise


# --- a Keras archive -----------------------------------------------------------------------------------------


def _describe_archive(artifact: Path) -> list[tuple[str, object]]:
    """What all members of the archive but a stamp are: the bytes up to the directory, or up to the stamp."""
    path = artifact.resolve()
    with zipfile.ZipFile(path) as archive:
        start = read_member(path)[1] if MEMBER in archive.namelist() else archive.start_dir
    return [("sha256", digest_of_file(str(path), start)), ("bytes", start)]


def _write_into_archive(artifact: Path, text: str, load_again: Callable[[Path], None]) -> Path:
    path = artifact.resolve()
    with _copied(path) as copy:
        _append_member(copy, text)
        load_again(copy)
        copy.replace(path)
    return artifact


@contextmanager
def _copied(path: Path) -> Iterator[Path]:
    """A copy on the same disk under the same name, which tells Keras what it is."""
    with write_errors(path), tempfile.TemporaryDirectory(prefix=".envlock-", dir=path.parent) as folder:
        yield Path(shutil.copy2(path, folder))


def _append_member(path: Path, text: str) -> None:
    """Put the stamp behind all other members, which stay where they are, in place of an older one."""
    with zipfile.ZipFile(path, "a") as archive:
        if MEMBER in archive.namelist():
            # It is the last one, so that the next is written over it.
            old = archive.getinfo(MEMBER)
            archive.filelist.remove(old)
            del archive.NameToInfo[MEMBER]
            archive.start_dir = old.header_offset
        entry = zipfile.ZipInfo(MEMBER, date_time=_DAY_OF_MEMBER)
        entry.external_attr = 0o644 << 16
        archive.writestr(entry, text)
