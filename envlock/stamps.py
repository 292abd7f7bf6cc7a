"""The stamp of an artifact -> the environment in which it was seen to load, or in which it was saved.

A stamp stands beside the artifact, in the folder of a SavedModel, or as the last member of a Keras archive. It is as
hostile as the artifact: what counts of it are versions, and names that the database knows. Where its digest is not that
of the artifact, it counts for nothing.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from packaging.version import InvalidVersion, Version

from envlock.artifacts.source import LocalSource
from envlock.errors import ArtifactError, DamagedFileError, LimitExceededError, MissingArtifactError
from envlock.formats.ranges import RangeReader
from envlock.formats.text import printable
from envlock.formats.toml_text import parse_toml
from envlock.knowledge.families import members_of
from envlock.provenance import Finding
from envlock.recording import INSIDE_FOLDER, SCHEMA, SUFFIX, digest_of_file, digest_of_files, find_files, subject_of

MEMBER = "envlock.toml"
"""Name of the stamp in a Keras archive, always its last member."""

_LARGEST_STAMP = 128 * 1024
_MOST_DISTRIBUTIONS = 2000
_LONGEST_VERSION = 64
_LONGEST_TEXT = 300
_TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"
_SHA256 = r"[0-9a-f]{64}"
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,98}[a-z0-9])?")
_LOADER = r"tf\.keras|tf-keras|keras|keras-core|tensorflow|"
_END_OF_DIRECTORY = 256
"""Bytes: more than the entry of the last member and the record that ends an archive take."""


_QUICKLY_READ = 8 * 1024 * 1024
"""Bytes whose digest takes some hundredths of a second."""


class Stamp(NamedTuple):
    """An environment that was written down for an artifact."""

    time: str
    """UTC, ``YYYY-MM-DDTHH:MM:SSZ``."""

    is_verified: bool
    """Whether the artifact was loaded there; else it was saved there."""

    sha256: str
    """Of the artifact, as :mod:`envlock.recording` takes it."""

    size: int
    """Bytes of the artifact."""

    python: Version
    distributions: Mapping[str, Version]
    """By normalised name, whether the database knows them or not."""

    loader: str
    """The loader of the verification probe that loaded it; empty where none did."""

    how: str
    """The Python expression that loaded it, for a person to read; empty where none did."""

    @property
    def day(self) -> str:
        """When it was written, ``YYYY-MM-DD``."""
        return self.time.partition("T")[0]

    @property
    def tensorflow(self) -> tuple[str, Version] | None:
        """The member of the TensorFlow family that was installed."""
        members = [(name, self.distributions[name]) for name in members_of("tensorflow") if name in self.distributions]
        return max(members, key=lambda member: member[1], default=None)

    @property
    def environment(self) -> str:
        """As a person would say it, such as ``tensorflow-cpu 2.4.4 on Python 3.8.18``."""
        name, version = self.tensorflow or ("no TensorFlow", "")
        return f"{name} {version}".rstrip() + f" on Python {self.python}"

    def __str__(self) -> str:
        """One clause."""
        if self.is_verified:
            return f"seen to load with {self.environment} on {self.day}"
        return f"saved with {self.environment} on {self.day}, and not loaded again"


class _Found(NamedTuple):
    """A stamp, and what it is held against."""

    stamp: Stamp
    size: int
    """Bytes of the artifact that it was found with."""

    take_digest: Callable[[], str]
    """Reads all of that artifact."""


def find_stamp(
    artifact: Path, artifact_format: str, *, reads_all: bool = True
) -> tuple[Stamp | None, tuple[Finding, ...]]:
    """The stamp that fits the artifact, and what is to be said of stamps that were found.

    Without *reads_all* no digest is taken of a large artifact: its stamp is told, and that it was not compared.
    """
    problems: list[Finding] = []
    for name, look in _places(artifact, artifact_format):
        try:
            stamp, size, take_digest = look()
            # Sizes are compared first, since digests take time.
            fits = size == stamp.size
            if fits and size > _QUICKLY_READ and not reads_all:
                return None, (_not_compared(stamp),)
            fits = fits and take_digest() == stamp.sha256
        except ArtifactError as error:
            problems.append(_ignored("unreadable-stamp", printable(str(error))))
            continue
        except OSError as error:
            problems.append(_ignored("unreadable-stamp", f"{printable(name)}: {error.strerror or error}"))
            continue
        if fits:
            return stamp, (Finding(reference="stamp", severity="info", message=f"its stamp says: {stamp}"),)
        problem = f"{printable(name)} is the stamp of another model, or this one was changed since"
        problems.append(_ignored("stamp-mismatch", problem))
    return None, tuple(problems)


def parse_stamp(text: bytes, *, where: str) -> Stamp:
    """Read the *text* of a stamp.

    Raises:
        DamagedFileError: It is no stamp.
        LimitExceededError: It names thousands of distributions.
    """
    document = parse_toml(text, where=where)
    if document.get("schema") != SCHEMA:
        raise DamagedFileError(where, f"is no stamp of the kind {SCHEMA}")
    artifact, environment = _table(document, "artifact"), _table(document, "environment")
    verification = _table(document, "verification")
    size, is_verified = artifact.get("bytes"), document.get("verified")
    if type(size) is not int or type(is_verified) is not bool:
        raise DamagedFileError(where, "lacks the size of the model, or whether it was verified")
    return Stamp(
        time=_text(document, "time", _TIME, where),
        is_verified=is_verified,
        sha256=_text(artifact, "sha256", _SHA256, where),
        size=size,
        python=_python(environment, where),
        distributions=dict(_distributions(_table(environment, "distributions"), where)),
        loader=_text({"loader": "", **verification}, "loader", _LOADER, where),
        how=printable(_text({"how": "", **verification}, "how", r"[^\n]*", where), _LONGEST_TEXT),
    )


def known_distributions(stamp: Stamp) -> dict[str, Version]:
    """What of the stamp the database knows, release and all: nothing else of it is ever asked for."""
    # Few ask for it; whoever reads an artifact must not wait for it.
    from envlock.knowledge.snapshot import bundled_snapshot

    snapshot = bundled_snapshot()
    packages = ((name, snapshot.package(name)) for name in snapshot.names() if name in stamp.distributions)
    return {
        name: stamp.distributions[name]
        for name, package in packages
        if package is not None and stamp.distributions[name] in package.versions
    }


# --- where stamps stand --------------------------------------------------------------------------------------


def stamp_beside(artifact: Path) -> Path:
    """Where the stamp of the artifact stands, unless it is inside."""
    return Path(subject_of(str(artifact)) + SUFFIX)


def _places(artifact: Path, artifact_format: str) -> Iterator[tuple[str, Callable[[], _Found]]]:
    """The names of stamps that are there, with what reads them."""
    subject = Path(subject_of(str(artifact)))
    beside, inside = stamp_beside(artifact), subject / INSIDE_FOLDER
    if os.path.lexists(beside):
        yield beside.name, partial(_look_at_file, beside.parent, beside.name, subject)
    if subject.is_dir() and os.path.lexists(inside):
        yield f"{subject.name}/{INSIDE_FOLDER}", partial(_look_at_file, subject, INSIDE_FOLDER, subject)
    if artifact_format == "keras-archive" and subject.is_file() and _ends_with_stamp(subject):
        yield f"{MEMBER} in {subject.name}", partial(_look_inside, subject)


def _look_at_file(folder: Path, name: str, subject: Path) -> _Found:
    with LocalSource(folder).open(name) as stream:
        text = stream.read(_LARGEST_STAMP + 1)
    if len(text) > _LARGEST_STAMP:
        raise LimitExceededError(name, what="size in bytes", limit=_LARGEST_STAMP, found=len(text))
    stamp = parse_stamp(text, where=name)
    files = find_files(str(subject))
    size = sum(os.path.getsize(path) for _, path in files)  # noqa: PTH202 - as they are found
    return _Found(stamp, size, partial(digest_of_files, files))


def _ends_with_stamp(archive: Path) -> bool:
    try:
        with LocalSource(archive).open() as stream:
            size = stream.seek(0, os.SEEK_END)
            stream.seek(max(0, size - _END_OF_DIRECTORY))
            return MEMBER.encode() in stream.read()
    except MissingArtifactError:
        return False


def _look_inside(path: Path) -> _Found:
    text, start = read_member(path)
    stamp = parse_stamp(text, where=f"{MEMBER} in {path.name}")
    return _Found(stamp, start, partial(digest_of_file, str(path), start))


def read_member(path: Path) -> tuple[bytes, int]:
    """The text of the stamp in a Keras archive, and the offset at which it begins: all before is the model's.

    Raises:
        ArtifactError: There is none, or not at the end.
    """
    # Stamps are seldom inside.
    from envlock.formats.archive import Archive

    with LocalSource(path).open() as stream:
        archive = Archive(RangeReader(stream))
        if archive.members[-1].name != MEMBER:
            raise DamagedFileError(str(path), f"{MEMBER} is not its last member")
        return archive.read_member(MEMBER, limit=_LARGEST_STAMP), archive.start_of(MEMBER)


def _not_compared(stamp: Stamp) -> Finding:
    return Finding(
        reference="stamp-not-compared",
        severity="info",
        message=f"its stamp says: {stamp}; the digest of the model, which is large, was not compared",
        hint="envlock inspect --deep compares it, and so does every command that goes by the stamp",
    )


def _ignored(reference: str, problem: str) -> Finding:
    return Finding(
        reference=reference,
        severity="warning",
        message=f"{problem}: it is ignored",
        hint="envlock stamp writes a new one, once the model was seen to load",
    )


# --- what stands in them -------------------------------------------------------------------------------------


def _table(document: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = document.get(key)
    return value if isinstance(value, dict) else {}


def _text(table: Mapping[str, Any], key: str, pattern: str, where: str) -> str:
    value = table.get(key)
    if not isinstance(value, str) or re.fullmatch(pattern, value) is None:
        raise DamagedFileError(where, f"has no such {key}: {str(value)[:80]!a}")
    return value


def _python(environment: Mapping[str, Any], where: str) -> Version:
    version = _version(environment.get("python"))
    if version is None:
        raise DamagedFileError(where, "does not say which Python it was")
    return version


def _distributions(table: Mapping[str, Any], where: str) -> Iterator[tuple[str, Version]]:
    """What has the name and the version of a release; anything else could not be installed."""
    if len(table) > _MOST_DISTRIBUTIONS:
        raise LimitExceededError(where, what="number of distributions", limit=_MOST_DISTRIBUTIONS, found=len(table))
    for name, value in sorted(table.items()):
        version = _version(value)
        if version is not None and _NAME.fullmatch(name):
            yield name, version


def _version(value: object) -> Version | None:
    if not isinstance(value, str) or len(value) > _LONGEST_VERSION:
        return None
    try:
        return Version(value)
    except InvalidVersion:
        return None
