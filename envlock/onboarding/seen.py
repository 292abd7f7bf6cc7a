"""What models did in an environment of a project, kept in it: while nothing changes, they are not loaded again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from envlock.environment import list_installed
from envlock.errors import ArtifactError
from envlock.formats.json_text import parse_json
from envlock.formats.plain_values import from_plain, to_plain
from envlock.inspection import Inspection
from envlock.own_code.definitions import source_files
from envlock.verification import Verification, files_of
from envlock.verification.record import digest_of, digest_of_sources, take_fingerprint
from envlock.writers.files import write_whole

FILE_NAME = "envlock-models.json"
_LARGEST_FILE = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """Verifications, by the digest of all that they depend on."""

    verifications: Mapping[str, Verification] = field(default_factory=dict)


def question_of(inspection: Inspection, environment: Path, *, code: Path | None, trusts_code: bool) -> str:
    """The digest of all that loading the model in the environment in that folder depends on.

    Raises:
        OSError: A file of the artifact cannot be read.
    """
    provenance = inspection.provenance
    return digest_of(
        artifact=take_fingerprint(files_of(provenance.path, provenance.format)).sha256,
        path=str(provenance.path.absolute()),
        installed=list_installed(environment),
        code=digest_of_sources(source_files(code)) if code is not None else None,
        trusts_code=trusts_code,
    )


def read_seen(environment: Path) -> Seen:
    """What was seen in the environment in that folder; nothing where this envlock wrote no such file there."""
    path = environment / FILE_NAME
    with suppress(OSError, ArtifactError, ValueError):
        # The folder may be anybody's: to open a pipe would wait for its writer.
        if path.is_file() and path.stat().st_size <= _LARGEST_FILE:
            return from_plain(Seen, parse_json(path.read_bytes(), where=str(path)))
    return Seen()


def write_seen(environment: Path, seen: Seen) -> None:
    """Keep *seen*, and nothing else, in the environment in that folder.

    Raises:
        WriteError: The disk is full, or the folder may not be written to.
    """
    write_whole(environment / FILE_NAME, json.dumps(to_plain(seen), indent=1) + "\n")
