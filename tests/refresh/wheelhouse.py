"""Tiny wheels, and an index that serves them from memory."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from typing import BinaryIO

from envlock.package_index import IndexFile

UPLOADED = "2021-01-06T22:38:01Z"


class Wheelhouse:
    """What the scripts ask of a package index; *wheels* maps file names to members and their texts."""

    def __init__(self, wheels: Mapping[str, Mapping[str, str]]) -> None:
        self._wheels = wheels
        self.opened: list[str] = []

    def files(self, name: str) -> tuple[IndexFile, ...]:
        prefix = name.replace("-", "_") + "-"
        return tuple(_listed(file) for file in self._wheels if file.startswith(prefix))

    def open(self, file: IndexFile) -> BinaryIO:
        self.opened.append(file.name)
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w") as archive:
            for member, text in self._wheels[file.name].items():
                archive.writestr(member, text)
        return content


def _listed(name: str) -> IndexFile:
    return IndexFile(
        name=name,
        url=f"https://index.test/{name}",
        sha256=None,
        uploaded=UPLOADED,
        size=None,
        requires_python="",
        yanked=None,
        metadata_sha256=None,
    )
