"""Saved models, from a path to what was read there. The content decides which reader takes it, not the name."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path

from envlock.artifacts.interface import ArtifactReader, ArtifactSource
from envlock.artifacts.source import FsspecSource, LocalSource, StreamSource
from envlock.errors import MissingArtifactError
from envlock.provenance import Provenance

__all__ = [
    "READERS",
    "ArtifactSource",
    "FsspecSource",
    "LocalSource",
    "StreamSource",
    "read_provenance",
    "readers",
    "recognise",
]

READERS: tuple[tuple[str, str], ...] = (
    ("keras_hdf5", "KerasHdf5Reader"),
    ("keras_archive", "KerasArchiveReader"),
    ("saved_model", "SavedModelReader"),
    ("tflite", "TfliteReader"),
    ("frozen_graph", "GraphDefReader"),
    ("meta_graph_file", "MetaGraphReader"),
    ("keras_architecture", "KerasJsonReader"),
    ("keras_architecture", "KerasYamlReader"),
    ("mlflow_folder", "MlflowReader"),
    ("checkpoint", "CheckpointReader"),
)
"""Module and class of each reader, in the order in which they are asked.

A module is imported when its reader is asked: a file of one kind must not wait for the code of all the others.
"""

_HEAD_SIZE = 4096


def read_provenance(artifact: Path | ArtifactSource) -> Provenance:
    """Read the artifact at a path, or behind a source.

    Raises:
        MissingArtifactError: Nothing is there, or it may not be opened.
        NotAModelError: It is something else than a saved model; the error says what.
        ArtifactError: It is damaged or hostile.
    """
    source = LocalSource(artifact) if isinstance(artifact, Path) else artifact
    try:
        reader = recognise(source)
        if reader is not None:
            return reader.read(source)
        from envlock.artifacts.foreign import describe_other

        raise describe_other(source)
    except OSError as error:
        # A file that can be opened may still fail to be read: a broken disk, a share that went away.
        raise MissingArtifactError(str(source.path), reason=(error.strerror or str(error)).lower()) from error


def recognise(source: ArtifactSource) -> ArtifactReader | None:
    """The reader for what *source* holds; ``None`` where it is no artifact.

    Raises:
        ArtifactError: It cannot be opened.
    """
    head = b"" if source.is_folder else _read_head(source)
    return next((reader for reader in readers() if reader.recognises(source, head)), None)


def readers() -> Iterator[ArtifactReader]:
    """Every reader, imported one by one."""
    return (_reader(module, name) for module, name in READERS)


@cache
def _reader(module: str, name: str) -> ArtifactReader:
    reader: ArtifactReader = getattr(import_module(f"{__name__}.{module}"), name)()
    return reader


def _read_head(source: ArtifactSource) -> bytes:
    with source.open() as stream:
        return stream.read(_HEAD_SIZE)
