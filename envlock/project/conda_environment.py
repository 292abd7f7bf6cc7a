"""``environment.yml`` of conda -> what it asks for, by the names of the package index."""

from __future__ import annotations

import re
from collections.abc import Iterator

from envlock.formats.text import printable
from envlock.formats.yaml_text import parse_yaml
from envlock.knowledge.conda_names import distribution_of_conda
from envlock.project.files import ProjectFile
from envlock.project.interface import Place, Statement, Strength, Unread
from envlock.project.nested import items_of, line_with, table_at, texts_in
from envlock.project.requirements_txt import read_line
from envlock.project.statements import python_statement, requirement_statement

# channel::name, then nothing, bounds, or "=version=build" with one or two signs or a blank before the version.
_SPECIFICATION = re.compile(
    r"(?:[\w./-]{1,100}::)?(?P<name>[A-Za-z_][\w.-]{0,100})"
    r"(?:\s*(?P<bounds>(?:[<>!~]=?|==)[^\s=].*)|\s*=\s*(?P<version>[\w.*+!-]+)(?P<build>=[\w.*-]+)?|\s+(?P<exact>[\d.*]+))?"
)


def read_conda_environment(file: ProjectFile) -> Iterator[Statement]:
    """Every package that comes from the package index too, those for pip among them, and the Python."""
    document = parse_yaml(file.text, where="YAML").value
    for item in items_of(table_at(document).get("dependencies")):
        if isinstance(item, str):
            yield from _specified(item.strip(), Place(file.path, line_with(file.text, "dependencies", item)))
        for text in texts_in(table_at(item).get("pip")):
            yield from read_line(text.strip(), Place(file.path, line_with(file.text, "pip:", text)))


def _specified(text: str, place: Place) -> Iterator[Statement]:
    """What one specification of conda says, such as ``numpy=1.16.4=py36_0``."""
    found = _SPECIFICATION.fullmatch(text)
    if found is None:
        yield Unread(place, f"{printable(text, 80)!r} is no specification of conda")
        return
    name, specifier = found["name"].lower(), _specifier(found)
    if name == "python":
        if specifier:
            yield python_statement(specifier, place)
    elif (distribution := distribution_of_conda(name)) is not None:
        # An export names the build too.
        strength: Strength = "locked" if found["build"] else "declared"
        yield requirement_statement(f"{distribution}{specifier}", place, strength=strength)


def _specifier(found: re.Match[str]) -> str:
    if found["bounds"]:
        return found["bounds"].replace(" ", "")
    if found["version"]:
        # One sign and no build: every release that begins so.
        is_whole = found["build"] or found["version"].endswith("*") or found["version"].count(".") > 1
        return f"=={found['version']}" if is_whole else f"=={found['version']}.*"
    return f"=={found['exact']}" if found["exact"] else ""
