"""Members of wheels, one wheel a release, read by range requests, and what was made of them kept between runs."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar, cast

from packaging.utils import parse_wheel_filename
from packaging.version import Version

from envlock.package_index import IndexFile, PackageIndex

_CONNECTIONS = 4
# Members are often neighbours: one request fetches several of them.
_READ_AHEAD = 64 * 1024

# Where old wheels keep what is installed as a package: ``tensorflow-1.4.0.data/purelib/tensorflow/...``.
_DATA_FOLDER = re.compile(r"^[^/]+\.data/(?:pure|plat)lib/")

Job = TypeVar("Job")
Made = TypeVar("Made")


class Wheel:
    """The text members of a wheel, under the paths at which they are installed.

    TensorFlow 1.15 to 2.1 install their package as ``tensorflow_core``; here it is ``tensorflow`` in every release.
    """

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._members = {_installed_path(name): name for name in archive.namelist()}

    def read(self, path: str) -> str:
        """The member at *path*; empty where the wheel holds none."""
        member = self._members.get(path)
        return self._archive.read(member).decode("utf-8") if member else ""

    def matching(self, pattern: str) -> Iterator[tuple[str, str]]:
        """Path and text of every member whose whole path matches *pattern*, in the order of the archive."""
        for path in self._members:
            if re.fullmatch(pattern, path):
                yield path, self.read(path)

    def metadata(self) -> str:
        """The text of METADATA."""
        return next(text for _, text in self.matching(r"[^/]+\.dist-info/METADATA"))


@contextmanager
def open_wheel(index: PackageIndex, file: IndexFile) -> Iterator[Wheel]:
    """The members of *file*, each fetched when it is read."""
    with (
        index.open(file) as stream,
        io.BufferedReader(cast("io.RawIOBase", stream), _READ_AHEAD) as buffered,
        zipfile.ZipFile(buffered) as archive,
    ):
        yield Wheel(archive)


def linux_wheels(files: Iterable[IndexFile]) -> dict[Version, IndexFile]:
    """Final release to its wheel for Linux x86_64, or for any platform; oldest release first.

    Of several wheels the one for the newest CPython is taken: their sources are the same.
    """
    best: dict[Version, tuple[tuple[int, ...], IndexFile]] = {}
    for file in files:
        if not file.name.endswith(".whl"):
            continue
        _, version, _, tags = parse_wheel_filename(file.name)
        if version.is_prerelease or not any(re.search("linux.*x86_64|^any$", tag.platform) for tag in tags):
            continue
        rank = max(_interpreter_order(tag.interpreter) for tag in tags)
        if version not in best or rank > best[version][0]:
            best[version] = (rank, file)
    return {version: best[version][1] for version in sorted(best)}


def last_of_each_line(wheels: Mapping[Version, IndexFile]) -> dict[Version, IndexFile]:
    """The last release of each minor series, oldest first."""
    last = {version.release[:2]: version for version in sorted(wheels)}
    return {version: wheels[version] for version in last.values()}


def in_parallel(make: Callable[[Job], Made], jobs: Iterable[Job]) -> list[Made]:
    """What *make* makes of each job, in their order, over a few connections at once."""
    with ThreadPoolExecutor(_CONNECTIONS) as threads:
        return list(threads.map(make, jobs))


def kept(path: Path, make: Callable[[], Any]) -> Any:
    """The JSON value at *path*; made and kept there where it is not: a run that was cut short goes on where it was."""
    if path.exists():
        return json.loads(path.read_bytes())
    made = make()
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(path.name + ".unfinished")
    unfinished.write_text(json.dumps(made), encoding="utf-8")
    unfinished.replace(path)
    return made


def _interpreter_order(tag: str) -> tuple[int, int]:
    """Such as (3, 10) of ``cp310`` and (3, 0) of ``py3``."""
    digits = tag.lstrip("abcdefghijklmnopqrstuvwxyz")
    return int(digits[:1]), int(digits[1:] or 0)


def _installed_path(member: str) -> str:
    path = _DATA_FOLDER.sub("", member)
    return "tensorflow/" + path.removeprefix("tensorflow_core/") if path.startswith("tensorflow_core/") else path
