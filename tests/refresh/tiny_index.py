"""Tiny wheels and sdists, served from memory or from an index on this machine, and scripts run against that."""

from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO

from envlock.package_index import IndexFile
from tests.index_server import Server

ROOT = Path(__file__).parents[2]
UPLOADED = "2021-01-06T22:38:01Z"

Archives = Mapping[str, Mapping[str, str]]
"""File name of each wheel or sdist to its members and their texts; the members of an sdist without its top folder."""


class TinyIndex:
    """What the scripts ask of a package index."""

    def __init__(self, archives: Archives) -> None:
        self._archives = archives
        self.opened: list[str] = []

    def files(self, name: str) -> tuple[IndexFile, ...]:
        prefix = name.replace("-", "_") + "-"
        return tuple(_listed(file) for file in self._archives if file.startswith(prefix))

    def open(self, file: IndexFile) -> BinaryIO:
        self.opened.append(file.name)
        return io.BytesIO(make_archive(file.name, self._archives[file.name]))


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


def make_archive(name: str, members: Mapping[str, str]) -> bytes:
    """A wheel, or by its *name* an sdist."""
    content = io.BytesIO()
    if name.endswith(".whl"):
        with zipfile.ZipFile(content, "w") as wheel:
            for member, text in members.items():
                wheel.writestr(member, text)
    else:
        with tarfile.open(fileobj=content, mode="w:gz") as sdist:
            for member, text in members.items():
                entry = tarfile.TarInfo(f"{name.removesuffix('.tar.gz')}/{member}")
                entry.size = len(text.encode())
                sdist.addfile(entry, io.BytesIO(text.encode()))
    return content.getvalue()


def publish(
    server: Server, distribution: str, archives: Archives, uploaded: Mapping[str, str] = MappingProxyType({})
) -> None:
    """Serve *archives* and the page of *distribution* that lists them; *uploaded* tells when, if not with the others."""
    rows = []
    for name, members in archives.items():
        content = make_archive(name, members)
        rows.append(
            {
                "filename": name,
                "url": server.add_file(name, content),
                "hashes": {"sha256": hashlib.sha256(content).hexdigest()},
                "upload-time": uploaded.get(name, UPLOADED),
                "size": len(content),
            }
        )
    page = json.dumps({"files": rows}).encode()
    server.pages[f"/simple/{distribution}/"] = ("application/vnd.pypi.simple.v1+json", page)


def run_script(name: str, *arguments: str | Path, index: str = "") -> str:
    """Run a script of ``data/refresh`` against the index at that address, as a person does; what it says."""
    done = subprocess.run(
        [sys.executable, ROOT / "data" / "refresh" / name, *arguments],
        env=os.environ | {"UV_DEFAULT_INDEX": index or "http://127.0.0.1:9/", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stderr
