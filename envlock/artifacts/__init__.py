"""Saved models, from a path to what was read there. The content decides which reader takes it, not the name."""

from __future__ import annotations

import stat
from pathlib import Path

from envlock.artifacts.foreign import describe_file
from envlock.artifacts.interface import ArtifactReader
from envlock.artifacts.keras_archive import KerasArchiveReader
from envlock.artifacts.keras_hdf5 import KerasHdf5Reader
from envlock.artifacts.saved_model import SavedModelReader, describe_other_folder
from envlock.errors import MissingArtifactError, NotAModelError
from envlock.provenance import Provenance

READERS: tuple[ArtifactReader, ...] = (KerasArchiveReader(), KerasHdf5Reader(), SavedModelReader())
"""Zip archives come first: one can hold the signature of HDF5 where HDF5 looks for its own."""

_HEAD_SIZE = 4096


def read_provenance(path: Path) -> Provenance:
    """Read the artifact at *path*.

    Raises:
        MissingArtifactError: Nothing is there, or it may not be opened.
        NotAModelError: It is something else than a saved model; the error says what.
        ArtifactError: It is damaged or hostile.
    """
    try:
        head = _read_head(path)
        reader = next((reader for reader in READERS if reader.recognises(path, head)), None)
        if reader is not None:
            return reader.read(path)
        raise describe_other_folder(path) if path.is_dir() else describe_file(path, head)
    except (OSError, ValueError) as error:
        # A ValueError is how Python refuses a path with a null character.
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise MissingArtifactError(str(path), reason=reason.lower()) from error


def _read_head(path: Path) -> bytes:
    """The first bytes of a file, nothing for a folder; a pipe or device is not opened, since that may block."""
    mode = path.stat().st_mode
    if stat.S_ISDIR(mode):
        return b""
    if not stat.S_ISREG(mode):
        raise NotAModelError(str(path), found="a pipe, socket or device")
    with path.open("rb") as stream:
        return stream.read(_HEAD_SIZE)
