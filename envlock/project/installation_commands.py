"""``pip install`` in a line for a shell -> the requirements that it names."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from itertools import takewhile

from envlock.project.interface import Place, RequirementStatement
from envlock.project.statements import requirement_statement

_INSTALL = re.compile(r"\bpip[\d.]{0,5}[ \t]+(?:-[\w=-]+[ \t]+)*install[ \t]+([^\n]{1,20000})")
_ENDS = frozenset({"&&", "||", "|", ";", ">", ">>"})
_NO_REQUIREMENT = re.compile(r"[-./~]|.*[{$*]|.*\.(?:txt|whl|zip|gz)$")
_OPTIONS_WITH_VALUE = frozenset(
    {
        *("-i", "--index-url", "--extra-index-url", "-f", "--find-links", "--trusted-host", "--timeout"),
        *("-r", "--requirement", "-c", "--constraint", "-t", "--target", "--prefix", "--root", "--proxy"),
    }
)


def installed_by(command: str, place: Place) -> Iterator[RequirementStatement]:
    """What each ``pip install`` in *command* names; files, folders and what variables stand for left out."""
    for found in _INSTALL.finditer(command):
        previous = ""
        for word in takewhile(lambda word: word not in _ENDS, _words(found[1])):
            if not _NO_REQUIREMENT.match(word) and previous not in _OPTIONS_WITH_VALUE:
                statement = requirement_statement(word.rstrip(";"), place)
                if isinstance(statement, RequirementStatement):
                    yield statement
            previous = word


def _words(arguments: str) -> list[str]:
    try:
        return shlex.split(arguments, comments=True)
    except ValueError:
        # A quote that does not end.
        return arguments.split()
