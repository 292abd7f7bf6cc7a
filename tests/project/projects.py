"""Projects as dictionaries from path to text, and what they say, a line for each statement."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from envlock.project import read_project
from envlock.project.interface import Project

Files = Mapping[str, str | bytes]


def write_project(root: Path, files: Files) -> Path:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return root


def project_of(root: Path, files: Files) -> Project:
    return read_project(write_project(root, files))


def requirements_of(project: Project) -> list[str]:
    return [
        f"{item.place}: {item.requirement}"
        + (f" [{item.group}]" if item.group else "")
        + ("" if item.strength == "declared" else f" ({item.strength})")
        for item in project.requirements
    ]


def pythons_of(project: Project) -> list[str]:
    return [
        f"{item.place}: {','.join(sorted(map(str, item.versions)))}"
        + ("" if item.strength == "declared" else f" ({item.strength})")
        for item in project.pythons
    ]


def uses_of(project: Project) -> list[str]:
    return [
        f"{item.place}: {item.name}: {item.distribution}{','.join(sorted(map(str, item.releases)))}"
        for item in project.uses
    ]


def imports_of(project: Project) -> list[str]:
    return [f"{item.place}: {item.module}" + (" if there" if item.is_conditional else "") for item in project.imports]


def modules_of(project: Project) -> list[str]:
    return [f"{item.root}: {item.name}" + (" works" if item.works_on_import else "") for item in project.modules]


def unread_of(project: Project) -> list[str]:
    return [f"{item.place}: {item.reason}" for item in project.unread]
