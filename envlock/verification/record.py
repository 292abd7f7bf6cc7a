"""Verification -> what an environment remembers of it: the same question is answered at once the next time.

The record lies in the environment and is as old as it. It tells which artifact was loaded there, what else was tried in
vain before, and what was resolved, each under the digest of all that it depends on. Nothing is looked up by names or
times alone, and where anything about the record is odd, it is as if there were none.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from stat import S_ISREG
from typing import Literal

from envlock.errors import ArtifactError
from envlock.formats.json_text import parse_json
from envlock.formats.plain_values import from_plain, to_plain
from envlock.knowledge.datafiles import database_digest
from envlock.resolution import Resolution
from envlock.verification import Verification
from envlock.version import __version__
from envlock.writers.files import write_whole

RECORD_NAME = "envlock-verification.json"
RECORD_SCHEMA = "envlock/verification/1"

_LARGEST_RECORD = 4 * 1024 * 1024
_CHUNK = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Fingerprint:
    """What tells the content of some files from any other."""

    sha256: str
    """In hexadecimal: of the one file, else of the lines that ``sha256sum`` prints for them, sorted by name."""

    stamp: str
    """SHA-256 over names, sizes, inodes and times of change: where it is the same, so is the content."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What was resolved."""

    resolution: Resolution
    added: frozenset[str]
    """Names of the distributions that only the person's code needs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """How another environment failed, which gave way to this one."""

    stage: Literal["installation", "verification"]
    error: str
    """One line."""

    cause: str
    """Its first line, which names no place."""

    loads: bool
    """Whether the model did load, and only could not be called."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """A verification that was done in the environment as it was then."""

    question: str
    """Digest of all that was verified, and how."""

    installed: tuple[str, ...]
    """What was installed in the environment."""

    time: str
    """UTC, ``YYYY-MM-DDTHH:MM:SSZ``."""

    verification: Verification


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """All that an environment remembers; without fields, nothing."""

    artifact: Fingerprint | None = None
    resolutions: Mapping[str, Answer] = field(default_factory=dict)
    """What was found, by the digest of what was asked."""

    failures: Mapping[str, Failure] = field(default_factory=dict)
    """By the digest of what was installed or verified, and how."""

    verified: Verified | None = None


def read_record(environment: Path) -> Record:
    """What the environment in that folder remembers: nothing where it holds no record that this envlock wrote."""
    path = environment / RECORD_NAME
    with suppress(OSError, ArtifactError, ValueError):
        # The folder may be anybody's: to open a pipe would wait for its writer.
        if path.is_file() and path.stat().st_size <= _LARGEST_RECORD:
            document = parse_json(path.read_bytes(), where=str(path))
            if isinstance(document, dict) and document.get("schema") == RECORD_SCHEMA:
                return from_plain(Record, document.get("record"))
    return Record()


def write_record(environment: Path, record: Record) -> None:
    """Have the environment in that folder remember *record*, and nothing else.

    Raises:
        WriteError: The disk is full, or the folder may not be written to.
    """
    document = {"schema": RECORD_SCHEMA, "envlock": __version__, "record": to_plain(record)}
    write_whole(environment / RECORD_NAME, json.dumps(document, indent=1) + "\n")


def digest_of(**question: object) -> str:
    """SHA-256 over everything that an answer depends on, the database and the version of envlock included.

    What JSON cannot hold counts by its text.
    """
    question |= {"database": database_digest(), "envlock": __version__}
    return hashlib.sha256(json.dumps(question, sort_keys=True, default=str).encode()).hexdigest()


def take_fingerprint(places: Iterable[Path], *, known: Fingerprint | None = None) -> Fingerprint:
    """The fingerprint of files, and of all files in folders; *known* saves reading those that have not changed since.

    Raises:
        OSError: One of them cannot be read.
    """
    files = dict(sorted(_files_at(places)))
    statuses = {name: path.stat() for name, path in files.items()}
    rows = [[name, item.st_size, item.st_ino, item.st_mtime_ns, item.st_ctime_ns] for name, item in statuses.items()]
    stamp = hashlib.sha256(json.dumps(rows).encode()).hexdigest()
    if known is not None and known.stamp == stamp:
        return known
    sha256 = _digest_of_file(*files.values()) if len(files) == 1 else _digest_of_files(files)
    return Fingerprint(sha256=sha256, stamp=stamp)


def digest_of_sources(files: Iterable[Path]) -> str:
    """SHA-256 over the content of source files, and where they lie."""
    return _digest_of_files(
        {str(path): path for path in sorted({*files}) if path.is_file() and os.access(path, os.R_OK)}
    )


def _digest_of_files(files: Mapping[str, Path]) -> str:
    listing = "".join(f"{_digest_of_file(path)}  {name}\n" for name, path in files.items())
    return hashlib.sha256(listing.encode("utf-8", errors="surrogateescape")).hexdigest()


def _files_at(places: Iterable[Path]) -> Iterator[tuple[str, Path]]:
    """Every plain file, with its name from the folder that its place lies in."""
    for place in places:
        if not place.is_dir():
            yield place.name, place
        for parent, _, names in os.walk(place):
            for path in (Path(parent, name) for name in names):
                if S_ISREG(path.lstat().st_mode):
                    yield path.relative_to(place.parent).as_posix(), path


def _digest_of_file(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
