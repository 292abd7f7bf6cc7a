"""A person's source folder -> where it defines what a model needs by name. Nothing is imported."""

from __future__ import annotations

import ast
import os
import re
import sys
import warnings
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

_MOST_FILES = 20_000
_LARGEST_SOURCE = 4 * 1024 * 1024
_MOST_OTHERS = 8

# Python 3.10 dies by a signal where some 110,000 expressions are nested; each takes two characters at least.
_LONGEST_FOR_OLD_PARSER = 120_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """Where a class, function or variable is defined at the top level of a module."""

    name: str
    file: Path
    line: int
    """Counted from 1."""

    root: Path
    """The folder that has to be on the module search path."""

    module: str
    """Dotted name relative to *root*; not importable by name where a part of it is no identifier."""

    others: tuple[Path, ...] = ()
    """Further files that define the name, outermost first; no more than 8 are told."""


def find_definitions(folder: Path, names: Collection[str]) -> dict[str, Definition]:
    """The first definition of each of *names* in the Python files under *folder*, outermost files first.

    A name registered with a package, such as ``Custom>Scale``, is looked for without it. Names that are not defined
    are left out; hidden folders and virtual environments are not entered.
    """
    defined_names = {name: name.rpartition(">")[2] for name in sorted(names)}
    places = _find_places(folder, set(defined_names.values()))
    return {name: _describe(defined, places[defined]) for name, defined in defined_names.items() if places[defined]}


def import_statements(module: str, name: str) -> tuple[str, ...]:
    """Python that makes *name* of a module known, whatever the file of the module is called."""
    if is_importable(module):
        return (f"from {module} import {name}",)
    return ("import importlib", f"{name} = importlib.import_module({module!r}).{name}")


def is_importable(module: str) -> bool:
    """Whether ``import`` takes the name: a file may be called otherwise."""
    return re.fullmatch(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*", module, flags=re.ASCII) is not None


def _find_places(folder: Path, names: Collection[str]) -> dict[str, list[tuple[Path, int]]]:
    """Files that define each of *names*, outermost first, with the line of the first definition in each."""
    places: dict[str, list[tuple[Path, int]]] = {name: [] for name in names}
    for file in source_files(folder):
        lines: dict[str, int] = {}
        for name, line in _definitions_of(file, names):
            lines.setdefault(name, line)
        for name in lines.keys() & places.keys():
            places[name].append((file, lines[name]))
    return places


def _describe(name: str, places: Sequence[tuple[Path, int]]) -> Definition:
    file, line = places[0]
    root, module = _locate(file)
    others = tuple(other for other, _ in places[1 : 1 + _MOST_OTHERS])
    return Definition(name=name, file=file, line=line, root=root, module=module, others=others)


def source_files(folder: Path) -> list[Path]:
    """The Python files under *folder*, outermost first; hidden folders and virtual environments are not entered.

    What is no file, such as a pipe, is none of them, whatever its name.
    """
    files = []
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if may_hold_code(Path(parent, name))]
        files += [path for name in names if name.endswith(".py") and (path := Path(parent, name)).is_file()]
        if len(files) > _MOST_FILES:
            break
    return sorted(files, key=lambda file: (len(file.parts), file))


def may_hold_code(folder: Path) -> bool:
    """Whether a person may keep sources of their own in the folder: it is not hidden, and no environment."""
    is_aside = folder.name.startswith(".") or folder.name in {"__pycache__", "node_modules", "site-packages"}
    return not is_aside and not (folder / "pyvenv.cfg").exists()


def _definitions_of(file: Path, names: Collection[str]) -> Iterator[tuple[str, int]]:
    """Names that *file* defines outside of any class or function, with their lines; none if it has none of *names*."""
    source = read_source(file)
    # Parsing takes a hundred times as long as this, and most files hold none of the names.
    if source is not None and any(name in source for name in names):
        yield from definitions_in(source)


def read_source(file: Path) -> str | None:
    """The text of a source file; ``None`` where it cannot be read, or is larger than any that a person writes."""
    try:
        if file.stat().st_size > _LARGEST_SOURCE:
            return None
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None


def parse_source(source: str) -> list[ast.stmt] | None:
    """The statements of a module; ``None`` where they are not of the Python that runs this, or too deep for it."""
    if sys.version_info < (3, 11) and len(source) > _LONGEST_FOR_OLD_PARSER:
        return None
    if any(map(_is_costly, _IMPORT_LINE.findall(source))):
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # old string escapes are no concern of ours
            return ast.parse(source).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        # A parser whose stack is full says that there is no memory.
        return None


# Whatever dotted names may stand in; a line goes on behind a backslash.
_IMPORT_LINE = re.compile(r"\b(?:import|from)\b((?:[\w.,; \t\f]|\\[\r\n]+)+)")
_MOST_JOINED = 1_000_000


def _is_costly(names: str) -> bool:
    """Whether the parser, which joins a dotted name anew at each dot, would copy more than a person waits for."""
    return names.count(".") * len(names) > _MOST_JOINED


def definitions_in(source: str) -> Iterator[tuple[str, int]]:
    """Names of classes, functions and variables at the top level of a module, with the lines that define them."""
    body = parse_source(source)
    if body is None:
        yield from _definitions_by_layout(source)
        return
    for statement in statements_of(body):
        if isinstance(statement, ast.ClassDef | ast.FunctionDef):
            yield statement.name, statement.lineno
        elif isinstance(statement, ast.Assign | ast.AnnAssign):
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            yield from ((target.id, statement.lineno) for target in targets if isinstance(target, ast.Name))


def statements_of(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements of a module, those under a condition included."""
    for statement in body:
        yield statement
        if isinstance(statement, ast.If | ast.Try):
            yield from statements_of((*statement.body, *statement.orelse))


# Python 2 sources do not parse, and are just what old models come with.
_DEFINITION = re.compile(r"^(?:(?:class|def)[ \t]+([A-Za-z_]\w*)|([A-Za-z_]\w*)[ \t]*=(?!=))", flags=re.MULTILINE)


def _definitions_by_layout(source: str) -> Iterator[tuple[str, int]]:
    for match in _DEFINITION.finditer(source):
        yield match[1] or match[2], source.count("\n", 0, match.start()) + 1


def _locate(file: Path) -> tuple[Path, str]:
    """The folder above the outermost package that *file* belongs to, and its module name from there."""
    root = file.absolute().parent
    parts = [] if file.name == "__init__.py" else [file.stem]
    while (root / "__init__.py").exists():
        parts.insert(0, root.name)
        root = root.parent
    return root, ".".join(parts)
