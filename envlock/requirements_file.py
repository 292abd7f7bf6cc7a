"""What a person asks for besides: requirements as words of the command line or lines of a file."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement

from envlock.errors import UsageError
from envlock.formats.text import without_credentials

_LARGEST_FILE = 4 * 1024 * 1024
_CONTINUED = re.compile(r"\\\n")
_COMMENT = re.compile(r"(^|\s)#.*$")
_HASH = re.compile(r"\s--hash[= ]\S+")


def parse_requirement(text: str) -> Requirement:
    """One requirement, such as ``pandas>=1.2``.

    Raises:
        UsageError: It cannot be read.
    """
    try:
        return Requirement(text)
    except InvalidRequirement as error:
        reason = str(error).partition("\n")[0]
        raise UsageError(
            f"{without_credentials(text)!r} is no requirement: {reason}",
            hint="such as pandas, 'pandas>=1.2,<2' or 'pandas @ https://...'",
        ) from None


def read_requirements(path: Path) -> tuple[Requirement, ...]:
    """The requirements of a file in the format of pip; hashes are left out, since versions are chosen anew.

    Raises:
        UsageError: The file cannot be read, or holds options or something that is no requirement.
    """
    try:
        if path.stat().st_size > _LARGEST_FILE:
            raise UsageError(f"{path}: too large for a requirements file", hint="pass the file that lists packages")
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}", hint="check the path and its permissions") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: is no text in UTF-8", hint="save it as UTF-8") from error
    return tuple(_requirements(path, _CONTINUED.sub(" ", text).splitlines()))


def _requirements(path: Path, lines: Iterable[str]) -> Iterator[Requirement]:
    for number, line in enumerate(lines, start=1):
        text = _HASH.sub("", _COMMENT.sub("", line)).strip()
        if not text:
            continue
        if text.startswith("-"):
            raise UsageError(
                f"{path}, line {number}: {text.split()[0]} is an option",
                hint="pass a file of plain requirements; settings of the index belong into the configuration of uv",
            )
        try:
            yield parse_requirement(text)
        except UsageError as error:
            raise UsageError(f"{path}, line {number}: {error}", hint=error.hint) from None
