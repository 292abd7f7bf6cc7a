"""The lock files of Poetry, uv and PEP 751 -> every release that they hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from envlock.project.files import ProjectFile
from envlock.project.interface import Place, Statement
from envlock.project.nested import items_of, line_with, parse_toml, table_at, texts_in
from envlock.project.statements import poetry_specifier, python_statement, requirement_statement


def read_lock_file(file: ProjectFile) -> Iterator[Statement]:
    """The releases of ``poetry.lock``, ``uv.lock`` or ``pylock.toml`` that come from an index."""
    document = parse_toml(file.text)
    for item in items_of(document.get("package", document.get("packages"))):
        package = table_at(item)
        name, version = package.get("name"), package.get("version")
        if isinstance(name, str) and isinstance(version, str) and not _has_address(package):
            place = Place(file.path, line_with(file.text, f'name = "{name}"'))
            group = "dev" if package.get("category") == "dev" else ""
            yield requirement_statement(f"{name}=={version}", place, strength="locked", group=group)
    # uv and PEP 751 at the top, Poetry at the end.
    for text in texts_in(document.get("requires-python", table_at(document, "metadata").get("python-versions"))):
        place = Place(file.path, line_with(file.text, text))
        yield python_statement(poetry_specifier(text), place)


def _has_address(package: Mapping[str, object]) -> bool:
    """Whether it is the project itself, in another folder, or at an address: an index may hold another of its name."""
    source = table_at(package, "source")
    return (
        not source.keys().isdisjoint({"directory", "editable", "git", "path", "virtual"})
        # Poetry has an address beside the type of it, and so for a private index.
        or source.get("type", "url" if "url" in source else None) in {"directory", "file", "git", "url"}
        or not package.keys().isdisjoint({"archive", "directory", "vcs"})
    )
