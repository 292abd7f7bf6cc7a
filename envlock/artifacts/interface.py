"""What every artifact reader offers, and what it reads from."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO, Protocol

from envlock.provenance import ArtifactFormat, Provenance


class ArtifactSource(Protocol):
    """Where the bytes of one artifact come from: a local path, an open stream, a remote file system."""

    path: Path
    """As the person named it: for its suffix and for messages, never to be opened."""

    is_folder: bool

    def open(self, name: str = "") -> AbstractContextManager[BinaryIO]:
        """Open a regular file for reading, seekable: the artifact itself, or a file of the folder.

        *name* is relative to the folder, with ``/`` between its parts. Links, pipes, sockets and devices are
        refused, and nothing outside of the artifact can be named.

        Raises:
            ArtifactError: There is no such file, or it is none that may be opened.
        """

    def names(self, folder: str = "") -> tuple[str, ...]:
        """Names of what stands directly in the folder, or in *folder* of it: sorted, bounded, links included.

        Raises:
            ArtifactError: It cannot be listed.
        """

    def files(self, *parts: str) -> Mapping[str, int]:
        """Relative name to size in bytes of every file of a folder, in the order of names; bounded.

        With *parts*, only of the files and folders under these names, whatever else stands beside them. Nothing
        for a file.

        Raises:
            ArtifactError: The folder holds links, pipes or devices, or more than any model needs.
        """

    def beside(self) -> ArtifactSource | None:
        """The folder that a file stands in, for the files that belong to it; ``None`` where that is not known."""

    def within(self, name: str) -> ArtifactSource:
        """The file or folder *name* of the folder, as an artifact of its own.

        Raises:
            ArtifactError: There is none, or it is a link, pipe or device.
        """


class ArtifactReader(Protocol):
    """Reads one kind of artifact, recognised by content."""

    formats: tuple[ArtifactFormat, ...]
    """The formats that the provenance it returns can carry."""

    def recognises(self, source: ArtifactSource, head: bytes) -> bool:
        """Whether this reader is the one for *source*.

        *head* holds the first bytes of a file (up to 4 KiB) and is empty for a folder. Must be cheap and must
        not raise on any content.
        """

    def read(self, source: ArtifactSource) -> Provenance:
        """Read the artifact.

        Raises:
            ArtifactError: It is damaged, hostile, or no model.
        """
