"""The lock files of Poetry, uv and PEP 751 -> every release that they hold."""

from __future__ import annotations

from collections.abc import Iterator

from envlock.project.files import ProjectFile
from envlock.project.interface import Place, Statement
from envlock.project.nested import items_of, line_with, parse_toml, table_at, texts_in
from envlock.project.statements import poetry_specifier, python_statement, requirement_statement


def read_lock_file(file: ProjectFile) -> Iterator[Statement]:
    """The releases of ``poetry.lock``, ``uv.lock`` or ``pylock.toml``; not the project itself, nor other folders."""
    document = parse_toml(file.text)
    for item in items_of(document.get("package", document.get("packages"))):
        package = table_at(item)
        name, version = package.get("name"), package.get("version")
        if isinstance(name, str) and isinstance(version, str) and not _is_folder(package.get("source")):
            place = Place(file.path, line_with(file.text, f'name = "{name}"'))
            group = "dev" if package.get("category") == "dev" else ""
            yield requirement_statement(f"{name}=={version}", place, strength="locked", group=group)
    # uv and PEP 751 at the top, Poetry at the end.
    for text in texts_in(document.get("requires-python", table_at(document, "metadata").get("python-versions"))):
        place = Place(file.path, line_with(file.text, text))
        yield python_statement(poetry_specifier(text), place)


def _is_folder(source: object) -> bool:
    return not table_at(source).keys().isdisjoint({"editable", "virtual", "directory"})
