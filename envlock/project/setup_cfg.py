"""``setup.cfg`` and ``tox.ini`` -> what they ask for."""

from __future__ import annotations

import configparser
import re
from collections.abc import Iterator

from envlock.errors import DamagedFileError
from envlock.project.files import ProjectFile
from envlock.project.interface import Place, Statement
from envlock.project.nested import line_of_key, line_with
from envlock.project.statements import (
    python_statement,
    pythons_of_classifiers,
    range_of_pythons,
    requirement_statement,
)

_TOX_PYTHON = re.compile(r"\bpy(?P<major>[23])\.?(?P<minor>\d{1,2})\b")
_BRACES = re.compile(r"\bpy\{([^{}]{1,200})\}")


def read_setup_cfg(file: ProjectFile) -> Iterator[Statement]:
    """The requirements and Pythons of the sections of setuptools."""
    sections = _parse(file.text)
    for line in _lines(sections, "options", "install_requires"):
        yield _statement(line, file, "")
    for line in _lines(sections, "options", "tests_require"):
        yield _statement(line, file, "test")
    extras = sections["options.extras_require"] if sections.has_section("options.extras_require") else {}
    for group in extras:
        for line in _lines(sections, "options.extras_require", group):
            yield _statement(line, file, group)
    for line in _lines(sections, "options", "python_requires"):
        yield python_statement(line, Place(file.path, line_of_key(file.text, "python_requires")))
    place = Place(file.path, line_of_key(file.text, "classifiers"))
    yield from pythons_of_classifiers(_lines(sections, "metadata", "classifiers"), place)


def read_tox_ini(file: ProjectFile) -> Iterator[Statement]:
    """The Pythons that the project is tested on: ``py36``, or ``py{36,37}``."""
    environments = " ".join(_lines(_parse(file.text), "tox", "envlist"))
    spelled = _BRACES.sub(lambda found: " ".join(f"py{part.strip()}" for part in found[1].split(",")), environments)
    versions = [f"{found['major']}.{found['minor']}" for found in _TOX_PYTHON.finditer(spelled)]
    statement = range_of_pythons(versions, Place(file.path, line_of_key(file.text, "envlist")), strength="hinted")
    if statement is not None:
        yield statement


def _parse(text: str) -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read_string(text)
    except configparser.Error as error:
        raise DamagedFileError("INI", str(error).partition("\n")[0]) from error
    return parser


def _lines(sections: configparser.RawConfigParser, section: str, key: str) -> list[str]:
    """The lines of a value, without comments and empty ones."""
    value = sections.get(section, key, fallback="") or ""
    return [line for part in value.split("\n") if (line := re.sub(r"(^|\s)#.*", "", part).strip())]


def _statement(line: str, file: ProjectFile, group: str) -> Statement:
    return requirement_statement(line, Place(file.path, line_with(file.text, line)), group=group)
