"""Looks for saved models in a folder that holds other things too."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from envlock.artifacts import recognise
from envlock.artifacts.source import LocalSource
from envlock.errors import ArtifactError

_MODEL_NAME = re.compile(r".+\.(h5|hdf5|keras|tflite|pb|pbtxt|meta|index)", re.IGNORECASE)
"""Names that promise a model: what such a file is gets said, whatever it turns out to be."""

_PART_OF_CHECKPOINT = re.compile(r"checkpoint|.+\.data-\d{5}-of-\d{5}")
"""Files that belong to an ``.index``, which stands for all of them."""


def find_artifacts(folder: Path, *, is_entered: Callable[[Path], bool] = lambda _: True) -> Iterator[Path]:
    """Every artifact in *folder* and the folders in it, in the order of names; *folder* itself where it is one.

    Links are not followed, and hidden folders are passed over, as are those for which *is_entered* says no. A file
    that has the name of a model or the first bytes of one is given, whether it can be read or not: reading it may
    show that it is none.
    """
    pending = [folder]
    while pending:
        path = pending.pop()
        if not path.is_dir() or _is_artifact_folder(path):
            yield path
        elif is_entered(path):
            pending += reversed(list(_candidates(path)))


def has_model_name(path: Path) -> bool:
    """Whether a file has the name of a model, so that it is worth saying why it is none."""
    return _MODEL_NAME.fullmatch(path.name) is not None


def _candidates(folder: Path) -> Iterator[Path]:
    """Folders to look into, and files that may be artifacts."""
    try:
        with os.scandir(folder) as entries:
            found = sorted(entries, key=lambda entry: entry.name)
    except OSError:
        # A folder of somebody else: nothing in it can be read.
        return
    yield from (Path(entry.path) for entry in found if _is_candidate(entry))


def _is_candidate(entry: os.DirEntry[str]) -> bool:
    if entry.is_dir(follow_symlinks=False):
        return not entry.name.startswith(".")
    return entry.is_file(follow_symlinks=False) and _may_be_artifact(Path(entry.path))


def _may_be_artifact(path: Path) -> bool:
    if _PART_OF_CHECKPOINT.fullmatch(path.name):
        return False
    return has_model_name(path) or _is_recognised(path)


def _is_recognised(path: Path) -> bool:
    try:
        return recognise(LocalSource(path)) is not None
    except ArtifactError:
        return False


def _is_artifact_folder(path: Path) -> bool:
    """Whether the folder is one artifact. One that holds checkpoints may hold models of other kinds beside them."""
    try:
        reader = recognise(LocalSource(path))
    except ArtifactError:
        return False
    return reader is not None and "checkpoint" not in reader.formats
