"""Members of wheels and sdists, fetched from the package index and kept between runs.

A wheel of TensorFlow is hundreds of megabytes, what the scripts read of it a few at most: the table of contents at the
end of the wheel says where its members lie, and members that lie close together are fetched in one request. What was
fetched of a file is kept as a small archive, so that a run that was cut short goes on where it stopped.
"""

from __future__ import annotations

import io
import re
import tarfile
import zipfile
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO, TypeVar

from packaging.utils import InvalidSdistFilename, InvalidWheelFilename, parse_sdist_filename, parse_wheel_filename
from packaging.version import Version

from envlock.package_index import IndexFile, PackageIndex

Members = Mapping[str, str]
"""Path to text, in the order of the archive; the path is that at which the member is installed."""

_CONNECTIONS = 4

# Fetching so many bytes that nobody asked for is cheaper than one more request.
_LARGEST_GAP = 128 * 1024
# A local file header: 30 bytes, the name and the extra field, which the table of contents may give shorter.
_HEADER = 30 + 256

# Where old wheels keep what is installed as a package: ``tensorflow-1.4.0.data/purelib/tensorflow/...``.
_DATA_FOLDER = re.compile(r"^[^/]+\.data/(?:pure|plat)lib/")

Job = TypeVar("Job")
Made = TypeVar("Made")


def files_to_read(files: Iterable[IndexFile]) -> dict[Version, IndexFile]:
    """Each final release with the file that speaks for it, oldest first: a wheel for Linux, else the sdist.

    Of several wheels for Linux x86_64, or for any platform, the one for the newest CPython is taken: their sources are
    the same. A release of wheels for other platforms alone is left out.
    """
    best: dict[Version, tuple[tuple[int, ...], IndexFile]] = {}
    for file in files:
        ranked = _rank(file.name)
        if ranked is not None:
            version, rank = ranked
            if version not in best or rank > best[version][0]:
                best[version] = (rank, file)
    return {version: best[version][1] for version in sorted(best)}


def last_of_each_line(files: Mapping[Version, IndexFile]) -> dict[Version, IndexFile]:
    """The last release of each minor series that is not yanked, oldest first."""
    last = {version.release[:2]: version for version in sorted(files) if files[version].yanked is None}
    return {version: files[version] for version in last.values()}


def fetch_members(index: PackageIndex, file: IndexFile, is_wanted: Callable[[str], bool], folder: Path) -> Members:
    """The members of *file* whose paths are wanted, from *folder* where they are kept there.

    A folder serves one notion of what is wanted: the members of a file that it keeps are taken for all that there are.
    TensorFlow 1.15 to 2.1 install their package as ``tensorflow_core``; here it is ``tensorflow`` in every release. The
    paths of an sdist begin below ``name-version/``, and below ``src/`` where there is one.
    """
    kept = folder / f"{file.name}.zip"
    if not kept.exists():
        with index.open(file) as stream:
            read = _read_wheel if file.name.endswith(".whl") else _read_sdist
            _keep(read(stream, is_wanted), kept)
    with zipfile.ZipFile(kept) as archive:
        return {name: archive.read(name).decode("utf-8-sig", errors="replace") for name in archive.namelist()}


def in_parallel(make: Callable[[Job], Made], jobs: Iterable[Job]) -> list[Made]:
    """What *make* makes of each job, in their order, over a few connections at once."""
    with ThreadPoolExecutor(_CONNECTIONS) as threads:
        return list(threads.map(make, jobs))


# --- which file ----------------------------------------------------------------------------------------------


def _rank(name: str) -> tuple[Version, tuple[int, ...]] | None:
    """The final release that a file is of, and how well it speaks for it; None where it does not."""
    try:
        if name.endswith(".tar.gz"):
            version, rank = parse_sdist_filename(name)[1], (0, 0)
        elif name.endswith(".whl"):
            _, version, _, tags = parse_wheel_filename(name)
            if not any(re.search("linux.*x86_64|^any$", tag.platform) for tag in tags):
                return None
            rank = max(_interpreter_order(tag.interpreter) for tag in tags)
        else:
            return None
    except (InvalidWheelFilename, InvalidSdistFilename):
        return None
    return None if version.is_prerelease else (version, rank)


def _interpreter_order(tag: str) -> tuple[int, int]:
    """Such as (3, 10) of ``cp310`` and (3, 0) of ``py3``."""
    digits = tag.lstrip("abcdefghijklmnopqrstuvwxyz")
    return int(digits[:1]), int(digits[1:] or 0)


# --- what is in it -------------------------------------------------------------------------------------------


def _read_wheel(stream: BinaryIO, is_wanted: Callable[[str], bool]) -> dict[str, bytes]:
    with zipfile.ZipFile(stream) as archive:
        listed = {_installed_path(member.filename): member for member in archive.infolist()}
        wanted = {path: member for path, member in listed.items() if is_wanted(path)}
        for start, end in _runs(wanted.values()):
            stream.seek(start)
            stream.read(end - start)  # The stream keeps what it fetched: reading the members asks for no more.
        return {path: archive.read(member) for path, member in wanted.items()}


def _installed_path(member: str) -> str:
    path = _DATA_FOLDER.sub("", member)
    return "tensorflow/" + path.removeprefix("tensorflow_core/") if path.startswith("tensorflow_core/") else path


def _runs(members: Iterable[zipfile.ZipInfo]) -> list[tuple[int, int]]:
    """Start and end of the stretches of the archive that hold *members*, in bytes."""
    runs: list[tuple[int, int]] = []
    for member in sorted(members, key=lambda member: member.header_offset):
        start = member.header_offset
        end = start + _HEADER + len(member.filename) + member.compress_size
        if runs and start - runs[-1][1] <= _LARGEST_GAP:
            start = runs.pop()[0]
        runs.append((start, end))
    return runs


def _read_sdist(stream: BinaryIO, is_wanted: Callable[[str], bool]) -> dict[str, bytes]:
    size = stream.seek(0, io.SEEK_END)
    stream.seek(0)
    members: dict[str, bytes] = {}
    # Read at once: a compressed archive has no table of contents.
    with tarfile.open(fileobj=io.BytesIO(stream.read(size))) as archive:
        for member in archive:
            path = member.name.partition("/")[2].removeprefix("src/")
            if member.isfile() and is_wanted(path) and (content := archive.extractfile(member)):
                members[path] = content.read()
    return members


def _keep(members: Mapping[str, bytes], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(path.name + ".unfinished")
    with zipfile.ZipFile(unfinished, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    unfinished.replace(path)
