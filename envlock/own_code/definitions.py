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
from typing import NamedTuple

_MOST_FILES = 20_000
_LARGEST_SOURCE = 4 * 1024 * 1024
_MOST_OTHERS = 8

# Python 3.10 dies by a signal where some 110,000 expressions are nested; each takes two characters at least.
_LONGEST_FOR_OLD_PARSER = 120_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """Where a class, function or variable is defined at the top level of a module, or else imported."""

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


class Binding(NamedTuple):
    """A name that a module knows at its top level."""

    name: str
    line: int
    """Counted from 1."""

    is_import: bool
    """Whether it is something from elsewhere."""


def find_definitions(folder: Path, names: Collection[str]) -> dict[str, Definition]:
    """The first definition of each of *names* in the Python files under *folder*, outermost files first.

    What none of them defines is found where it is imported, under the name that it is given there.
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
    """Files that define each of *names*, outermost first, with the line of the first definition in each.

    Where none defines it, one that imports it, since it is known by that name there: if possible one that is needed for
    a definition anyway, since importing a script may start a training.
    """
    defined: dict[str, list[tuple[Path, int]]] = {name: [] for name in names}
    imported: dict[str, list[tuple[Path, int]]] = {name: [] for name in names}
    for file in source_files(folder):
        told: set[tuple[str, bool]] = set()
        for binding in _bindings_of(file, names):
            name = binding.name
            if name in names and (name, binding.is_import) not in told:
                told.add((name, binding.is_import))
                (imported if binding.is_import else defined)[name].append((file, binding.line))
    needed = {places[0][0] for places in defined.values() if places}
    return {
        name: defined[name] or sorted(imported[name], key=lambda place: place[0] not in needed)[:1] for name in names
    }


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


def _bindings_of(file: Path, names: Collection[str]) -> Iterator[Binding]:
    """What *file* binds outside of any class or function; nothing if it has none of *names*."""
    source = read_source(file)
    # Parsing takes a hundred times as long as this, and most files hold none of the names.
    if source is not None and any(name in source for name in names):
        yield from bindings_in(source)


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


def bindings_in(source: str) -> Iterator[Binding]:
    """What a module defines, assigns and imports at its top level, in the order of the lines."""
    body = parse_source(source)
    if body is None:
        yield from _bindings_by_layout(source)
        return
    for statement in statements_of(body):
        for name in names_bound_by(statement):
            yield Binding(name, statement.lineno, isinstance(statement, ast.Import | ast.ImportFrom))


def statements_of(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements of a module, with those in blocks that run when it is imported."""
    # No recursion: each `elif` stands within the one before.
    waiting = [*body][::-1]
    while waiting:
        statement = waiting.pop()
        yield statement
        waiting += [*_statements_within(statement)][::-1]


def _statements_within(statement: ast.stmt) -> Iterator[ast.stmt]:
    match statement:
        case ast.If() if never_holds_on_import(statement.test):
            yield from statement.orelse
        case ast.If() | ast.For() | ast.While():
            yield from (*statement.body, *statement.orelse)
        case ast.Try():
            yield from statement.body
            yield from (inner for handler in statement.handlers for inner in handler.body)
            yield from (*statement.orelse, *statement.finalbody)
        case ast.With():
            yield from statement.body


def never_holds_on_import(test: ast.expr) -> bool:
    """Whether a condition is false where a module is imported: it asks for a type checker, or for a program."""
    match test:
        case ast.Name(id="TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING"):
            return True
        case ast.Compare(ast.Name("__name__"), [ast.Eq()], [ast.Constant("__main__")]):
            return True
        case _:
            return False


def names_bound_by(statement: ast.stmt) -> Iterator[str]:
    """The names that a statement itself defines, assigns or imports; ``*`` for all of another module."""
    targets: list[ast.expr | None] = []
    match statement:
        case ast.ClassDef(name=name) | ast.FunctionDef(name=name):
            yield name
        case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
            yield from (alias.asname or alias.name.partition(".")[0] for alias in aliases)
        case ast.Assign():
            targets = [*statement.targets]
        case ast.AnnAssign(value=ast.expr()) | ast.For():
            targets = [statement.target]
        case ast.With():
            targets = [item.optional_vars for item in statement.items]
    for node in (node for target in targets if target is not None for node in ast.walk(target)):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id


# Python 2 sources do not parse, and are just what old models come with.
_BINDING = re.compile(
    r"^(?:(?:class|def)[ \t]+(?P<defined>[A-Za-z_]\w*)"
    r"|(?P<assigned>[A-Za-z_][\w, \t]*)=(?!=)"
    r"|(?:from[ \t]+[\w.]+[ \t]+)?import[ \t]+(?:\((?P<listed>[^()]*)\)|(?P<imported>[\w., \t*]+)))",
    flags=re.MULTILINE,
)


def _bindings_by_layout(source: str) -> Iterator[Binding]:
    for match in _BINDING.finditer(source):
        line = source.count("\n", 0, match.start()) + 1
        kind = match.lastgroup or ""
        for part in match[kind].split(","):
            # Behind `as`, where it stands there.
            name = (part.split() or [""])[-1].partition(".")[0]
            if name.isidentifier():
                yield Binding(name, line, kind in {"listed", "imported"})


def _locate(file: Path) -> tuple[Path, str]:
    """The folder above the outermost package that *file* belongs to, and its module name from there."""
    root = file.absolute().parent
    parts = [] if file.name == "__init__.py" else [file.stem]
    while (root / "__init__.py").exists():
        parts.insert(0, root.name)
        root = root.parent
    return root, ".".join(parts)
