"""``pyproject.toml`` -> what it asks for: as PEP 621 and PEP 735 have it, or Poetry. What builds need is left out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from envlock.project.files import ProjectFile
from envlock.project.interface import Place, Statement
from envlock.project.nested import line_of_key, line_with, parse_toml, table_at, texts_in
from envlock.project.statements import (
    mapped_requirement,
    poetry_specifier,
    python_statement,
    pythons_of_classifiers,
    requirement_statement,
)


def read_pyproject_toml(file: ProjectFile) -> Iterator[Statement]:
    """The requirements of the project, its extras and its groups, and the Pythons that it is for."""
    document = parse_toml(file.text)
    yield from _standard(document, file)
    yield from _poetry(table_at(document, "tool", "poetry"), file)


def _standard(document: Mapping[str, object], file: ProjectFile) -> Iterator[Statement]:
    project = table_at(document, "project")
    groups = {**table_at(project, "optional-dependencies"), **table_at(document, "dependency-groups")}
    for group, members in [("", project.get("dependencies")), *groups.items()]:
        for text in texts_in(members):
            yield requirement_statement(text, Place(file.path, line_with(file.text, text)), group=group)
    for text in texts_in(project.get("requires-python")):
        yield python_statement(text, Place(file.path, line_of_key(file.text, "requires-python")))
    place = Place(file.path, line_of_key(file.text, "classifiers"))
    yield from pythons_of_classifiers(texts_in(project.get("classifiers")), place)


def _poetry(poetry: Mapping[str, object], file: ProjectFile) -> Iterator[Statement]:
    groups = {"": poetry.get("dependencies"), "dev": poetry.get("dev-dependencies")}
    groups |= {name: table_at(group).get("dependencies") for name, group in table_at(poetry, "group").items()}
    for group, members in groups.items():
        section = f"{group}-dependencies]" if group == "dev" and "dev-dependencies" in poetry else "dependencies]"
        for name, value in table_at(members).items():
            place = Place(file.path, line_of_key(file.text, name, section))
            if name.lower() != "python":
                yield mapped_requirement(name, value, place, group=group)
            elif isinstance(value, str):
                yield python_statement(poetry_specifier(value), place)
