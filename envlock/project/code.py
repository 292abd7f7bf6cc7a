"""A source file -> what it imports from elsewhere, and what it uses that not all releases have."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from itertools import islice

from envlock.knowledge.import_names import distribution_of
from envlock.own_code.definitions import parse_source
from envlock.own_code.imports import ImportStatement, imports_of_source, own_files
from envlock.project.api_names import find_uses
from envlock.project.files import ProjectFile
from envlock.project.interface import ApiUse, ModuleImport, Place, Statement, Unread
from envlock.project.own_modules import own_module

_MOST_IMPORTS = 5000
_LARGEST_SOURCE = 2 * 1024 * 1024
"""What people write by hand is a fraction of it: more is data, and takes hundreds of times as much when parsed."""


def read_code(file: ProjectFile) -> Iterator[Statement]:
    """What a ``.py`` file imports and uses, and the module that it is."""
    if len(file.text) > _LARGEST_SOURCE:
        yield Unread(Place(file.path), f"larger than {_LARGEST_SOURCE} characters")
        return
    body = parse_source(file.text)
    is_dated = False
    for item in read_statements(file, body):
        is_dated = is_dated or isinstance(item, ApiUse)
        yield item
    if body is None and not is_dated:
        yield Unread(Place(file.path), "does not parse")
    module = own_module(file.path, body, file.folder.files)
    if module is not None:
        yield module


def read_statements(file: ProjectFile, body: Sequence[ast.stmt] | None) -> Iterator[ModuleImport | ApiUse]:
    """What source text imports and uses; *body* holds its statements, ``None`` where they do not parse."""
    root, path = file.folder.root, file.path
    for found in islice(imports_of_source(file.text, body), _MOST_IMPORTS):
        place = Place(path, found.line)
        if not found.level and not any(own_files(found, root / path, (root, root / "src"))):
            for module in _modules_of(found):
                yield ModuleImport(module=module, place=place, is_conditional=found.is_conditional)
    yield from find_uses(path, file.text, body)


def _modules_of(found: ImportStatement) -> Iterator[str]:
    """The modules of an import: the parts of a namespace package come from distributions of their own."""
    parts = [f"{found.module}.{name}" for name in found.names]
    known = [part for part in parts if distribution_of(part) is not None]
    yield from known if distribution_of(found.module) is None and known else [found.module]
