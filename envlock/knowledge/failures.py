"""Why models fail to load: from the text of an error, or what is installed, to rows of ``data/failures.toml``."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import chain
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from envlock.formats.text import printable
from envlock.knowledge.datafiles import read_toml
from envlock.knowledge.families import members_of
from envlock.knowledge.specifiers import admits
from envlock.knowledge.tables import cited

if TYPE_CHECKING:
    from packaging.version import Version

STAGES = ("install", "import", "file", "load", "call", "device")
"""Where a failure happens, in the order of a day."""

RANKS = ("cause", "general", "notice")
"""What an error tells: its one cause; what many causes have in common; what loads that succeed print too."""

FIX_KINDS = (
    "constraint",
    "environment",
    "load-argument",
    "environment-variable",
    "command",
    "code",
    "file",
    "system",
)
"""What a fix is: a release, another environment, an argument, a variable, a line of a shell; or words on what to do
with one's code, the artifact or the machine."""

ABSENT = "absent"
"""Condition of a distribution that must not be installed."""


class Fix(NamedTuple):
    """Something that mends a failure."""

    kind: str
    """One of :data:`FIX_KINDS`."""

    value: str
    """A requirement (several, with commas, for ``environment``), an argument, ``NAME=VALUE``, a line of a shell; words
    for the last three.

    ``{line}`` in a requirement is the line of the TensorFlow that is installed, such as ``2.18``.
    """

    message: str
    """What it does, in a sentence."""

    when: Mapping[str, str] = MappingProxyType({})
    """Conditions of an environment in which it helps, as those of :class:`Failure`; empty where it helps in any."""


class Failure(NamedTuple):
    """A row of ``data/failures.toml``: one cause for which models do not load."""

    id: str
    title: str
    stage: str
    """One of :data:`STAGES`."""

    rank: str
    """One of :data:`RANKS`."""

    cause: str
    fixes: tuple[Fix, ...]
    when: tuple[Mapping[str, str], ...]
    """Alternatives: distribution, or ``python``, to a specifier or :data:`ABSENT`; empty where no version matters."""

    is_conflict: bool
    """Whether what ``when`` names does not go together, whichever model is loaded."""

    sources: tuple[str, ...]
    """Threads, such as ``tensorflow/tensorflow#44467``, then keys of ``data/sources.toml``."""

    observed: str | None
    """The day on which it was made and mended for this database."""


class Recognition(NamedTuple):
    """A failure that a text tells of."""

    failure: Failure
    line: str
    """The line of the text that tells it, printable and cut."""

    groups: Mapping[str, str]
    """What the line names, such as ``layer`` or ``expected``: printable, and as untrusted as the text."""


def recognise(text: str) -> tuple[Recognition, ...]:
    """The failures that a message, traceback or log tells of, each once.

    By rank, and within a rank in the order of the table, which has the special before the general. Of a text of more
    than 4 Mi characters the end is read.
    """
    text = text[-_LONGEST:]
    words = frozenset(text.encode(errors="replace").translate(_LETTERS_ALONE).split())
    shows_frames = any(mark in text for mark in _FRAME_MARKS)
    found = (_recognise_row(row, text, words, shows_frames) for row in _rows())
    return tuple(sorted((item for item in found if item is not None), key=lambda item: RANKS.index(item.failure.rank)))


def failures_of(installed: Mapping[str, Version], python: str) -> tuple[Failure, ...]:
    """The failures whose conditions hold in an environment, in the order of the table.

    *installed* goes by normalised names, *python* is a line. Those with :attr:`Failure.is_conflict` are there whatever
    is loaded; the others may happen, with the artifacts that their cause speaks of.
    """
    facts = _facts(installed, python)
    return tuple(item for item in all_failures() if any(_holds(conditions, facts) for conditions in item.when))


def helps(fix: Fix, installed: Mapping[str, Version], python: str) -> bool:
    """Whether an environment, described as for :func:`failures_of`, has what *fix* needs."""
    return _holds(fix.when, _facts(installed, python))


@cache
def all_failures() -> tuple[Failure, ...]:
    """Every failure, in the order of the table."""
    return tuple(
        Failure(
            id=row["id"],
            title=row["title"],
            stage=row["stage"],
            rank=row.get("rank", RANKS[0]),
            cause=row["cause"],
            fixes=tuple(Fix(**fix) for fix in row["fixes"]),
            when=tuple(row.get("when", ())),
            is_conflict=row.get("is_conflict", False),
            sources=(*row.get("reports", ()), *cited(row)),
            observed=row.get("observed"),
        )
        for row in _rows()
    )


def distributions_in_conflict() -> tuple[str, ...]:
    """What conflicts are about beside TensorFlow and Python, those distributions first that most of them are about."""
    conflicts = (chain.from_iterable(item.when) for item in all_failures() if item.is_conflict)
    counts = Counter(name for names in conflicts for name in dict.fromkeys(names))
    return tuple(name for name, _ in counts.most_common() if name not in {"python", *members_of("tensorflow")})


def failure(reference: str) -> Failure:
    """The failure of that id.

    Raises:
        KeyError: There is none.
    """
    return _by_id()[reference]


def needle_of(pattern: str) -> str:
    """The longest text that every match of a regular expression holds.

    Looking for it first makes hundreds of expressions affordable. What is in groups and classes is left out; an
    alternative outside of all groups would make the answer wrong.
    """
    plain = re.sub(r"\\(\W)", lambda match: chr(_PRIVATE + ord(match[1])), pattern)
    plain = re.sub(r"\[[^]]*\]", ".", plain)
    reduced = None
    while reduced != plain:
        reduced, plain = plain, re.sub(r"\([^()]*\)", ".", plain)
    pieces = re.split(r"(?:\\\w|.)(?:[?*]|\{[^}]*\})|\\\w|[.^$+]", plain)
    return re.sub(r"[\uE000-\uE0FF]", lambda match: chr(ord(match[0]) - _PRIVATE), max(pieces, key=len))


_LONGEST = 4 << 20
_FRAME_MARKS = ("Traceback (most recent call last)", 'File "', "---->")
_PRIVATE = 0xE000
"""Where Unicode has room for characters that mean nothing to a regular expression."""

_LETTERS_ALONE = bytes(byte if chr(byte).isalpha() and byte < 0x80 else 0x20 for byte in range(256))
"""Turns bytes into words of ASCII letters with spaces between. Most needles are ruled out by one of their words."""

_REACH = 2000
"""How much of a line, in characters to either side of the needle, is read: more than any message needs."""


def _rows() -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = read_toml("failures.toml")["failure"]
    return rows


def _recognise_row(row: dict[str, Any], text: str, words: frozenset[bytes], shows_frames: bool) -> Recognition | None:
    match = next((match for pattern in row["error"] for match in _matches(pattern, text, words)), None)
    if match is None:
        return None
    if "beside" in row and not any(part in text for part in row["beside"]):
        return None
    if shows_frames and "context" in row and not any(part in text for part in row["context"]):
        return None
    start, end = _line_around(text, match.start(), match.end())
    return Recognition(
        failure=failure(row["id"]),
        line=printable(text[start:end].strip(), 300),
        groups={name: printable(value) for name, value in match.groupdict().items() if value is not None},
    )


def _matches(pattern: str, text: str, words: frozenset[bytes]) -> Iterator[re.Match[str]]:
    """The first match in each line that may hold one; *words* are all of the text."""
    needle, its_words = _needle(pattern)
    place = text.find(needle) if its_words <= words else -1
    while place >= 0:
        start, end = _line_around(text, place, place + len(needle))
        match = _compiled(pattern).search(text, start, end)
        if match is not None:
            yield match
        place = text.find(needle, end)


def _line_around(text: str, start: int, end: int) -> tuple[int, int]:
    """Where the line begins and ends that holds *start* to *end*, as far as it is read."""
    earliest, latest = max(start - _REACH, 0), min(end + _REACH, len(text))
    newline = text.find("\n", end, latest)
    return max(text.rfind("\n", earliest, start) + 1, earliest), latest if newline < 0 else newline


@cache
def _needle(pattern: str) -> tuple[str, frozenset[bytes]]:
    """The needle of a pattern, and the words in it that nothing outside of it can lengthen."""
    needle = needle_of(pattern)
    return needle, frozenset(re.findall(rb"(?<=[^A-Za-z])[A-Za-z]+(?=[^A-Za-z])", needle.encode()))


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


@cache
def _by_id() -> dict[str, Failure]:
    return {item.id: item for item in all_failures()}


def _facts(installed: Mapping[str, Version], python: str) -> dict[str, str]:
    """What conditions are held against: any member of the TensorFlow family stands for it."""
    facts = {name: str(version) for name, version in installed.items()} | {"python": python}
    member = next((name for name in members_of("tensorflow") if name in facts), None)
    return facts if member is None else facts | {"tensorflow": facts[member]}


def _holds(conditions: Mapping[str, str], facts: Mapping[str, str]) -> bool:
    return all(
        name not in facts if specifier == ABSENT else name in facts and admits(specifier, facts[name])
        for name, specifier in conditions.items()
    )
