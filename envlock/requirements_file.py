"""What a person asks for besides: requirements as words of the command line or lines of a file."""

from __future__ import annotations

import re
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement

from envlock.errors import UsageError
from envlock.formats.text import without_credentials

_LARGEST_FILE = 4 * 1024 * 1024
LONGEST_NAME = 200
"""Characters of a distribution's name: tables are files that are called so, and file systems take 255 bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a file asks for."""

    requirements: tuple[Requirement, ...]
    constraints: tuple[Requirement, ...]
    """Bounds on what is taken, which ask for nothing by themselves."""


def parse_requirement(text: str) -> Requirement:
    """One requirement, such as ``pandas>=1.2``.

    Raises:
        UsageError: It cannot be read, or names an address.
    """
    try:
        requirement = Requirement(text)
    except InvalidRequirement as error:
        reason = str(error).partition("\n")[0]
        raise UsageError(
            f"{without_credentials(text)!r} is no requirement: {reason}",
            hint="such as pandas or 'pandas>=1.2,<2'",
        ) from None
    if len(requirement.name) > LONGEST_NAME:
        raise UsageError(f"a requirement has a name of {len(requirement.name)} characters", hint="check its spelling")
    if requirement.url is not None:
        raise UsageError(
            f"{without_credentials(text)!r} is an address, and locks are of releases that an index serves",
            hint="put the wheel into a folder, name that one with UV_FIND_LINKS, and ask for NAME==VERSION",
        )
    return requirement


def read_requirements(path: Path) -> Wanted:
    """What a file in the format of pip asks for, with the files that it includes.

    Hashes are left out, since versions are chosen anew.

    Raises:
        UsageError: A file cannot be read, or holds something that envlock cannot or must not follow.
    """
    read = list(_read(path, is_constraint=False, including=()))
    return Wanted(
        requirements=tuple(item for is_constraint, item in read if not is_constraint),
        constraints=tuple(item for is_constraint, item in read if is_constraint),
    )


# --- text ----------------------------------------------------------------------------------------------------


def _read_text(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            content = stream.read(_LARGEST_FILE + 1)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}", hint="check the path and its permissions") from error
    if len(content) > _LARGEST_FILE:
        raise UsageError(f"{path}: too large for a requirements file", hint="pass the file that lists packages")
    text = decode_requirements(content)
    if "\0" in text:
        raise UsageError(f"{path}: is no text", hint="pass the file that lists packages")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def decode_requirements(content: bytes) -> str:
    """The text of a requirements file in any encoding that one comes in."""
    # What PowerShell redirects into a file is UTF-16.
    if content.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        return content.decode("utf-16", errors="replace")
    try:
        return content.removeprefix(BOM_UTF8).decode("utf-8")
    except UnicodeDecodeError:
        # Requirements are plain ASCII: this is about letters in comments, which any encoding reads as well.
        return content.decode("latin-1")


def logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Lines joined where a backslash continues them, without comments; each with the number of its first, from 1 on."""
    joined, first = "", 1
    for number, line in enumerate([*text.split("\n"), ""], start=1):
        joined, first = (joined, first) if joined else ("", number)
        if line.endswith("\\") and not line.lstrip().startswith("#"):
            joined += line[:-1] or " "
            continue
        yield first, re.sub(r"(^|\s)#.*$", "", f"{joined}{line}").strip()
        joined = ""


# --- lines ---------------------------------------------------------------------------------------------------

_OPTION = re.compile(r"(?P<name>--[\w-]+|-\w)(?:\s*=\s*|\s+)?(?P<value>.*)")
_HASH = re.compile(r"\s--hash[= ]\s*\S+")
_OPTION_BEHIND = re.compile(r"\s(--[a-z][\w-]*)")

_INCLUDES = {"-r": False, "--requirement": False, "-c": True, "--constraint": True}
"""Options that name another file, and whether it bounds only."""

_AGREED = frozenset({"--require-hashes", "--prefer-binary"})
"""Options that ask for what envlock does anyway."""

_INDEX_OPTIONS = frozenset(
    {"-i", "--index-url", "--pypi-url", "--extra-index-url", "--no-index", "-f", "--find-links", "--trusted-host"}
)


def _read(path: Path, *, is_constraint: bool, including: tuple[Path, ...]) -> Iterator[tuple[bool, Requirement]]:
    """Every requirement with whether it bounds only."""
    chain = (*including, path.resolve())
    for number, line in logical_lines(_read_text(path)):
        place = f"{path}, line {number}"
        if line.startswith("-"):
            included = _included(line, place)
            if included is None:
                continue
            bounds, name = included
            if (path.parent / name).resolve() in chain:
                raise UsageError(f"{place}: {name} includes itself", hint="take the line out")
            yield from _read(path.parent / name, is_constraint=is_constraint or bounds, including=chain)
        elif line:
            requirement = _parse_line(line, place)
            if is_constraint and requirement.extras:
                raise UsageError(f"{place}: a constraint has no extras", hint="write NAME==VERSION")
            yield is_constraint, requirement


def _included(line: str, place: str) -> tuple[bool, str] | None:
    """The file that an option includes, and whether it bounds only; ``None`` where the option asks for nothing new.

    Raises:
        UsageError: It asks for something else.
    """
    option = _OPTION.match(line)
    name, value = (option["name"], option["value"].strip("\"'")) if option else (line.split()[0], "")
    if name in _AGREED:
        return None
    if name in _INDEX_OPTIONS:
        raise UsageError(
            f"{place}: {name} would take distributions from elsewhere, which envlock does not do silently",
            hint="take the line out, and tell uv of your index: UV_DEFAULT_INDEX, or uv.toml",
        )
    if name in {"-e", "--editable"}:
        raise UsageError(
            f"{place}: {name} names a project in a folder, which no hash pins",
            hint="take the line out, and install it afterwards: pip install --no-deps -e FOLDER",
        )
    if name not in _INCLUDES:
        raise UsageError(f"{place}: {name} is an option that envlock does not follow", hint="take the line out")
    if not value or "://" in value:
        raise UsageError(f"{place}: {name} has to name a file that is here", hint="save that file beside this one")
    return _INCLUDES[name], value


def _parse_line(line: str, place: str) -> Requirement:
    text = _HASH.sub("", line).strip()
    if option := _OPTION_BEHIND.search(text):
        raise UsageError(f"{place}: {option[1]} is an option that envlock does not follow", hint="take it out")
    try:
        return parse_requirement(text)
    except UsageError as error:
        raise UsageError(f"{place}: {error}", hint=error.hint) from None
