"""``Pipfile`` and ``Pipfile.lock`` -> what they ask for."""

from __future__ import annotations

from collections.abc import Iterator

from envlock.formats.json_text import parse_json
from envlock.project.files import ProjectFile
from envlock.project.interface import Place, Statement
from envlock.project.nested import line_of_key, line_with, parse_toml, table_at, texts_in
from envlock.project.statements import mapped_requirement, python_statement

_GROUPS = {"packages": "", "dev-packages": "dev"}
_LOCKED_GROUPS = {"default": "", "develop": "dev"}


def read_pipfile(file: ProjectFile) -> Iterator[Statement]:
    """The packages, those for development, and the Python."""
    document = parse_toml(file.text)
    for section, group in _GROUPS.items():
        for name, value in table_at(document, section).items():
            place = Place(file.path, line_of_key(file.text, name, f"[{section}]"))
            yield mapped_requirement(name, value, place, group=group)
    requires = table_at(document, "requires")
    key = "python_full_version" if "python_full_version" in requires else "python_version"
    for version in texts_in(requires.get(key)):
        yield python_statement(version, Place(file.path, line_of_key(file.text, key)))


def read_pipfile_lock(file: ProjectFile) -> Iterator[Statement]:
    """Every release that is locked, and the Python that it was locked for."""
    document = parse_json(file.text, where="JSON")
    for section, group in _LOCKED_GROUPS.items():
        for name, value in table_at(document, section).items():
            place = Place(file.path, line_with(file.text, f'"{section}"', f'"{name}"'))
            yield mapped_requirement(name, value, place, strength="locked", group=group)
    for version in texts_in(table_at(document, "_meta", "requires").get("python_version")):
        yield python_statement(version, Place(file.path, line_with(file.text, '"python_version"')), strength="locked")
