"""Configurations of continuous integration -> the Pythons that the project is tested on."""

from __future__ import annotations

import re
from collections.abc import Iterator

from envlock.project.files import ProjectFile
from envlock.project.interface import Place, Statement
from envlock.project.statements import range_of_pythons

_IMAGE = re.compile(r"\bimage:\s*[\"']?(?:docker\.io/)?(?:library/)?python:(\d\.\d{1,2})")
_VARIABLE = re.compile(r"\bPYTHON(?:_VERSION)?\s*[:=]\s*[\"']?(\d\.\d{1,2})\b", re.IGNORECASE)
_KEY = re.compile(r"^[ \t-]*(?:python|python-version|python_version|pyver)\s*:(?P<rest>.*)$", re.IGNORECASE)
_ITEM = re.compile(r"^[ \t]*-[ \t]*[\"']?(\d\.\d{1,2})\b")
_VERSION = re.compile(r"(?<![\d.])(\d\.\d{1,2})\b")


def read_continuous_integration(file: ProjectFile) -> Iterator[Statement]:
    """The range of the Pythons that a configuration of Travis, GitHub, GitLab, CircleCI or Azure names.

    Read line by line: its YAML has tags, templates and anchors of each of these services.
    """
    versions: list[str] = []
    first: int | None = None
    is_list = False
    for number, line in enumerate(file.text.split("\n"), start=1):
        text = line.partition(" #")[0]
        found = _versions_of(text, is_item=is_list)
        if found and first is None:
            first = number
        versions += found
        key = _KEY.match(text)
        is_list = bool(key and not key["rest"].strip()) or (is_list and bool(_ITEM.match(text)))
    statement = range_of_pythons(versions, Place(file.path, first), strength="hinted")
    if statement is not None:
        yield statement


def _versions_of(line: str, *, is_item: bool) -> list[str]:
    if key := _KEY.match(line):
        return _VERSION.findall(key["rest"])
    if is_item and (item := _ITEM.match(line)):
        return [item[1]]
    return [*_IMAGE.findall(line), *_VARIABLE.findall(line)]
