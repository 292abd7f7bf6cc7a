"""What every artifact reader offers."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from envlock.provenance import ArtifactFormat, Provenance


class ArtifactReader(Protocol):
    """Reads one kind of artifact, recognised by content."""

    formats: tuple[ArtifactFormat, ...]
    """The formats that the provenance it returns can carry."""

    def recognises(self, path: Path, head: bytes) -> bool:
        """Whether this reader is the one for *path*.

        *head* holds the first bytes of a file (up to 4 KiB) and is empty for a folder. Must be cheap and must
        not raise on any content.
        """

    def read(self, path: Path) -> Provenance:
        """Read the artifact at *path*.

        Raises:
            ArtifactError: It is damaged, hostile, or no model.
        """
