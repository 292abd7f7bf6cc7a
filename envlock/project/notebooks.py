"""Notebooks (nbformat 3 and 4) -> what their code says, what they install, and the Python that they ran on."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from envlock.formats.json_text import parse_json
from envlock.own_code.definitions import parse_source
from envlock.project.code import read_statements
from envlock.project.files import ProjectFile
from envlock.project.installation_commands import installed_by
from envlock.project.interface import Place, Statement, Unread
from envlock.project.statements import python_statement

_MAGIC = re.compile(r"[ \t]*[%!?]")
_CELL_MAGIC = re.compile(r"[ \t\n]*%%(\w+)")
_PYTHON_MAGICS = frozenset({"capture", "prun", "time", "timeit"})
"""Cell magics below which Python stands."""


def read_notebook(file: ProjectFile) -> Iterator[Statement]:
    """What all code cells say; places count cells from 1, those without code included."""
    document = parse_json(file.text, where="notebook")
    content = document if isinstance(document, dict) else {}
    sources = list(_code_cells(content))
    if not sources and "cells" not in content and "worksheets" not in content:
        yield Unread(Place(file.path), "has no cells")
        return
    yield from _python_of(content, file.path)
    for number, source in sources:
        for line in source.split("\n"):
            if _MAGIC.match(line):
                yield from installed_by(line, Place(file.path, number))
    yield from _read_code(sources, file)


def _code_cells(content: dict[object, object]) -> Iterator[tuple[int, str]]:
    sheets = content.get("worksheets")
    groups = [content.get("cells")]
    groups += [sheet.get("cells") for sheet in sheets if isinstance(sheet, dict)] if isinstance(sheets, list) else []
    cells = [cell for group in groups if isinstance(group, list) for cell in group]
    for number, cell in enumerate(cells, start=1):
        if isinstance(cell, dict) and cell.get("cell_type") == "code":
            # nbformat 3 calls it input.
            source = cell.get("source", cell.get("input", ""))
            yield number, "".join(map(str, source)) if isinstance(source, list) else str(source)


def _python_of(content: dict[object, object], path: Path) -> Iterator[Statement]:
    metadata = content.get("metadata")
    for key, field in (("language_info", "version"), ("kernelspec", "name")):
        part = metadata.get(key) if isinstance(metadata, dict) else None
        value = part.get(field) if isinstance(part, dict) else None
        is_python = key != "language_info" or (isinstance(part, dict) and part.get("name", "python") == "python")
        found = re.fullmatch(r"(?:python)?(\d[\d.]{0,20}).*", value) if isinstance(value, str) and is_python else None
        if found:
            yield python_statement(found[1].rstrip("."), Place(path), strength="hinted")
            # The version says more than the name of a kernel.
            return


def _lines_of_python(source: str) -> list[str]:
    """The lines of a cell, with those for other programs emptied; none where all of it is for another."""
    cell_magic = _CELL_MAGIC.match(source)
    if cell_magic and cell_magic[1] not in _PYTHON_MAGICS:
        return []
    return ["" if _MAGIC.match(line) else line for line in source.split("\n")]


def _read_code(sources: list[tuple[int, str]], file: ProjectFile) -> Iterator[Statement]:
    """What all cells say together: names that one imports are used in others."""
    body: list[ast.stmt] = []
    for number, source in sources:
        code = "\n".join(_lines_of_python(source))
        statements = parse_source(code)
        if statements is None:
            for item in read_statements(file._replace(text=code), None):
                yield replace(item, place=Place(file.path, number))
            continue
        for statement in statements:
            for node in ast.walk(statement):
                if isinstance(node, ast.stmt | ast.expr):
                    node.lineno = number
        body += statements
    yield from read_statements(file, body)
