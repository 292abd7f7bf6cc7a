"""The Python sources of Keras in a release, fetched member by member.

A wheel of TensorFlow is hundreds of megabytes, its Keras a few: the table of contents at the end of the wheel says
where the members lie, and members that lie close together are fetched in one request. What was fetched is kept in a
cache folder as a small archive a release, so that a run that was cut short goes on where it stopped.
"""

from __future__ import annotations

import io
import re
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

from packaging.utils import parse_sdist_filename, parse_wheel_filename
from packaging.version import Version

from envlock.package_index import IndexFile, PackageIndex

# What classes of Keras are made of: Keras itself, and the layers and initializers of TensorFlow that it derived from.
_WANTED = re.compile(
    r"""(?:^|/)(
        tensorflow(?:_core)?/python/(?:
            keras/.* | layers/[^/]+ | feature_column/[^/]+ | ops/(?:init_ops(?:_v2)?|rnn_cell_impl)\.py
            | training/experimental/loss_scale\.py )
        | (?:tf_)?keras/.*
    )(?<=\.py)$""",
    re.VERBOSE,
)
# Tests, models, training, saving and generated modules that only import again define nothing that a configuration
# names; layers of Keras 3 derive from a class of the backend, here that of TensorFlow.
_UNWANTED = re.compile(
    r"(?:^|/)(?:applications|benchmarks|callbacks|datasets|distribute|distribution|docs|dtensor|estimator|examples"
    r"|integration_tests|saving|testing|tests|trainers|visualization|_tf_keras|keras/api|tf_keras/api"
    r"|backend/(?:jax|torch|numpy|openvino))/|_test\.py$|/test_[^/]+$"
)

# Fetching so many bytes that nobody asked for is cheaper than one more request.
_LARGEST_GAP = 128 * 1024
# A local file header: 30 bytes, the name and the extra field, which the table of contents may give shorter.
_HEADER = 30 + 256


def read_sources(index: PackageIndex, distribution: str, version: str, cache: Path) -> dict[str, str]:
    """Name of each module of Keras in a release, such as ``keras.layers.core``, to its source.

    The parts of a wheel that go elsewhere (``*.data/purelib``) and TensorFlow's ``tensorflow_core`` are named as they
    are imported.
    """
    kept = cache / f"{distribution}-{version}.zip"
    if not kept.exists():
        _keep(_fetch(index, _cheapest_file(index.files(distribution), version)), kept)
    with zipfile.ZipFile(kept) as archive:
        sources = {
            _module_of(name): archive.read(name).decode("utf-8") for name in archive.namelist() if _is_wanted(name)
        }
    return dict(sorted(sources.items()))


def final_releases(index: PackageIndex, distribution: str) -> list[Version]:
    """Every version that is no pre-release and has a file that is not yanked, oldest first."""
    versions = {_version_of(file) for file in index.files(distribution) if file.yanked is None}
    return sorted(version for version in versions if version is not None and not version.is_prerelease)


def _cheapest_file(files: tuple[IndexFile, ...], version: str) -> IndexFile:
    """A wheel, whose members can be read singly, and one for Linux where they differ; else the sdist."""
    of_release = [file for file in files if _version_of(file) == Version(version)]
    preferences = ("py3-none-any.whl", "any.whl", "linux", ".whl", ".tar.gz")
    return min(of_release, key=lambda file: next(rank for rank, mark in enumerate(preferences) if mark in file.name))


def _version_of(file: IndexFile) -> Version | None:
    if file.name.endswith(".whl"):
        return parse_wheel_filename(file.name)[1]
    return parse_sdist_filename(file.name)[1] if file.name.endswith(".tar.gz") else None


def _fetch(index: PackageIndex, file: IndexFile) -> dict[str, bytes]:
    with index.open(file) as stream:
        if not file.name.endswith(".whl"):
            return _read_sdist(stream)
        with zipfile.ZipFile(stream) as archive:
            wanted = [member for member in archive.infolist() if _is_wanted(member.filename)]
            for start, end in _runs(wanted):
                stream.seek(start)
                stream.read(end - start)  # The stream keeps what it fetched: reading the members asks for no more.
            return {member.filename: archive.read(member) for member in wanted}


def _read_sdist(stream: BinaryIO) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(stream.read())) as archive:
        members = [member for member in archive if member.isfile() and _is_wanted(member.name)]
        return {member.name: content.read() for member in members if (content := archive.extractfile(member))}


def _is_wanted(name: str) -> bool:
    return _WANTED.search(name) is not None and _UNWANTED.search(name) is None


def _runs(members: list[zipfile.ZipInfo]) -> list[tuple[int, int]]:
    """Start and end of the stretches of the archive that hold *members*, in bytes."""
    runs: list[tuple[int, int]] = []
    for member in sorted(members, key=lambda member: member.header_offset):
        start = member.header_offset
        end = start + _HEADER + len(member.filename) + member.compress_size
        if runs and start - runs[-1][1] <= _LARGEST_GAP:
            start = runs.pop()[0]
        runs.append((start, end))
    return runs


def _keep(members: Mapping[str, bytes], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".part")
    with zipfile.ZipFile(unfinished, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    unfinished.replace(path)


def _module_of(member: str) -> str:
    wanted = _WANTED.search(member)
    path = wanted[1] if wanted else member
    parts = path.removesuffix(".py").removesuffix("/__init__").split("/")
    return ".".join(["tensorflow" if parts[0] == "tensorflow_core" else parts[0], *parts[1:]])
