"""Text of requirements and versions, as old tools took it -> statements."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet

from envlock.formats.text import printable, without_credentials
from envlock.project.interface import Place, PythonStatement, RequirementStatement, Strength, Unread
from envlock.requirements_file import LONGEST_NAME

_LONGEST = 4096

_EGG = re.compile(r"[#&]egg=(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)")
_ADDRESSES = ("git", "hg", "svn", "bzr", "url", "file", "path")
"""Keys of Poetry and Pipenv for what is not taken from an index."""

_ON_THIS_MACHINE = re.compile(r"\s*@\s*file:\S*")
# Up to setuptools 66 and pip 24 an ordered comparison could have a wildcard behind it: >=1.4.*
_ORDERED_WILDCARD = re.compile(r"([<>]=?|~=)(\s*[0-9][0-9.]{0,40})\.\*")
_MINOR = re.compile(r"(\d+)\.(\d+)")


def requirement_statement(
    text: str, place: Place, *, strength: Strength = "declared", group: str = ""
) -> RequirementStatement | Unread:
    """The requirement that *text* holds, in the syntax of today or the laxer one of old installers.

    The address of a distribution is kept without credentials; where it is a path of the machine that the file was
    written on, the name remains.
    """
    if len(text) > _LONGEST:
        return Unread(place, "too long for a requirement")
    if "://" in text and (egg := _EGG.search(text)):
        text = f"{egg['name']} @ {text.removeprefix('-e').removeprefix('--editable').strip(' =')}"
    text = _ON_THIS_MACHINE.sub("", without_credentials(text))
    text = _ORDERED_WILDCARD.sub(r"\1\2", text)
    try:
        requirement = Requirement(text)
    except (InvalidRequirement, RecursionError) as error:
        reason = str(error).partition("\n")[0]
        return Unread(place, f"{printable(text, 80)!r} is no requirement: {reason}")
    if len(requirement.name) > LONGEST_NAME:
        return Unread(place, "its name is too long for a distribution")
    return RequirementStatement(requirement=requirement, place=place, strength=strength, group=group)


def python_statement(text: str, place: Place, *, strength: Strength = "declared") -> PythonStatement | Unread:
    """The Pythons of a specifier, such as ``>=3.6``, or of a version, such as ``3.6.9``, which stands for its line."""
    bare = re.fullmatch(r"\s*(?:==)?(\d+)(?:\.(\d+))?(?:\.[\w*+.]+|[a-z]\w*|-dev)?\s*", text[:_LONGEST])
    if bare:
        text = f"=={bare[1]}.{bare[2]}.*" if bare[2] else f"=={bare[1]}.*"
    try:
        versions = SpecifierSet(_ORDERED_WILDCARD.sub(r"\1\2", text[:_LONGEST]))
    except InvalidSpecifier:
        return Unread(place, f"{printable(text, 80)!r} is no version of Python")
    return PythonStatement(versions=versions, place=place, strength=strength)


def range_of_pythons(versions: Iterable[str], place: Place, *, strength: Strength) -> PythonStatement | None:
    """The lines from the oldest to the newest of *versions*, such as ``3.6``; ``None`` where none names a line."""
    lines = sorted((int(found[1]), int(found[2])) for text in versions if (found := _MINOR.match(text)))
    if not lines:
        return None
    (first, first_minor), (last, last_minor) = lines[0], lines[-1]
    bounds = SpecifierSet(f">={first}.{first_minor},<{last}.{last_minor + 1}")
    return PythonStatement(versions=bounds, place=place, strength=strength)


def poetry_specifier(text: str) -> str:
    """The specifier of PEP 440 for a version constraint of Poetry, such as ``^2.3`` or ``~1.4``.

    Of alternatives (``||``) the range from the first to the last remains out of what PEP 440 can say: the first.
    """
    parts = text.partition("||")[0].split(",")
    return ",".join(filter(None, (_part_of_poetry(part.strip()) for part in parts)))


def _part_of_poetry(part: str) -> str:
    if part in {"", "*", "latest"}:
        return ""
    if part[0].isdigit():
        return f"=={part}"
    if part[0] not in "^~" or part.startswith("~="):
        return part
    lower = part[1:].strip()
    numbers = [int(digits) for digits in re.findall(r"\d+", lower)[:3]]
    if not numbers:
        return part
    if part[0] == "~":
        kept = min(len(numbers), 2)
    else:
        # The first number that is not zero may not change.
        kept = next((index for index, number in enumerate(numbers, start=1) if number), len(numbers))
    upper = [*numbers[: kept - 1], numbers[kept - 1] + 1]
    return f">={lower},<{'.'.join(map(str, upper))}"


def mapped_requirement(
    name: str, value: object, place: Place, *, strength: Strength = "declared", group: str = ""
) -> RequirementStatement | Unread:
    """The requirement of one entry of a table as Poetry and Pipenv have it: a version, or a table with more.

    What has an address or a folder there is asked for by it: an index may hold something else of the same name.
    """
    table = value if isinstance(value, dict) else {"version": value}
    if isinstance(value, list):
        # Poetry takes several for as many Pythons: the first stands for them.
        table = value[0] if value and isinstance(value[0], dict) else {}
    version = table.get("version")
    specifier = poetry_specifier(version) if isinstance(version, str) else ""
    named = table.get("extras")
    extras = f"[{','.join(map(str, named))}]" if isinstance(named, list) and named else ""
    group = group or ("optional" if table.get("optional") is True else "")
    marker = table.get("markers", table.get("marker"))
    condition = f"; {marker}" if isinstance(marker, str) and marker else ""
    address = next((found for key in _ADDRESSES if isinstance(found := table.get(key), str) and found), "")
    origin = f" @ {address.removeprefix('file:').replace(' ', '%20')} " if address else specifier
    return requirement_statement(f"{name}{extras}{origin}{condition}", place, strength=strength, group=group)


def pythons_of_classifiers(classifiers: Iterable[str], place: Place) -> Iterator[PythonStatement]:
    """The Pythons that trove classifiers name, as one range."""
    prefix = "Programming Language :: Python :: "
    versions = [text.removeprefix(prefix) for text in classifiers if text.startswith(prefix)]
    if (statement := range_of_pythons(versions, place, strength="hinted")) is not None:
        yield statement
