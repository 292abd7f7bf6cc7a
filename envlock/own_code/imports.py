"""A person's source files -> what they import from elsewhere, and which distributions bring that. Nothing is run.

An import names a module, never a distribution: only those that the table of import names leads to are installed.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from envlock.knowledge.families import members_of
from envlock.knowledge.import_names import distribution_of
from envlock.knowledge.loaders import distributions_of_implementations
from envlock.knowledge.standard_library import is_in_standard_library
from envlock.own_code.definitions import Definition, never_holds_on_import, parse_source, read_source


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """An import of what does not lie in the person's own folders."""

    module: str
    """Dotted, as it is imported."""

    file: Path
    line: int
    """Counted from 1."""

    is_conditional: bool
    """Whether the code may do without: it stands under a condition, or its failure is caught."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportClosure:
    """What importing some definitions reads and imports."""

    files: tuple[Path, ...]
    """Source files of the person, those of the definitions first."""

    imports: tuple[Import, ...]
    """In the order of the files and their lines."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """A module that the code imports and its Python does not bring; one for each distribution or unknown module."""

    first: Import
    """Where it is imported; unconditionally where it ever is."""

    distribution: str | None
    """What brings it; ``None`` where the table of import names does not tell."""

    @property
    def is_required(self) -> bool:
        """Whether an environment must be asked for it: TensorFlow and Keras are those that load the model."""
        return not (
            self.first.is_conditional
            or self.distribution in {None, *distributions_of_implementations(), *members_of("tensorflow")}
        )


def find_imports(definitions: Iterable[Definition], folder: Path) -> ImportClosure:
    """What the files of *definitions* import, and those that these import from their own folders or *folder*.

    Imports for type checkers alone, and those of a file that is run as a program, are left out.
    """
    files: dict[Path, None] = {}
    imports: list[Import] = []
    waiting = [
        (file, (item.root, folder))
        for item in definitions
        for file in (*_files_along(item.root, item.module.split(".")), item.file)
    ]
    # The list grows while it is gone through.
    for file, roots in waiting:
        if file in files:
            continue
        files[file] = None
        for found in _imports_of(file):
            own = dict.fromkeys(own_files(found, file, roots))
            waiting += [(path, roots) for path in own]
            if not own and not found.level:
                imports.append(
                    Import(module=found.module, file=file, line=found.line, is_conditional=found.is_conditional)
                )
    return ImportClosure(files=tuple(files), imports=tuple(imports))


def find_needs(imports: Iterable[Import], python: str) -> tuple[Need, ...]:
    """What *imports* need beside the Python line, sorted by name."""
    needs: dict[str, Need] = {}
    for item in imports:
        if is_in_standard_library(item.module, python):
            continue
        distribution = distribution_of(item.module)
        name = distribution or item.module.partition(".")[0]
        if name not in needs or (needs[name].first.is_conditional and not item.is_conditional):
            needs[name] = Need(first=item, distribution=distribution)
    return tuple(needs[name] for name in sorted(needs))


# --- one file ------------------------------------------------------------------------------------------------


_LONGEST_PART = 240
"""Bytes: file systems take 255, an ending among them."""

_LONGEST_NAME = 1000
"""A path may have four times as many characters, with all that stands before it."""


@dataclass(frozen=True, slots=True)
class ImportStatement:
    """One module that a statement imports."""

    module: str
    """Empty for ``from . import name``."""

    names: tuple[str, ...]
    """What is taken from the module, which may be modules too."""

    level: int
    """Number of leading dots."""

    line: int
    is_conditional: bool


def _imports_of(file: Path) -> Iterator[ImportStatement]:
    source = read_source(file)
    if source is not None:
        yield from imports_of_source(source, parse_source(source))


def imports_of_source(source: str, body: Sequence[ast.stmt] | None) -> Iterator[ImportStatement]:
    """What a module imports; *body* holds its statements, ``None`` where they are not of the Python that runs this.

    Imports for type checkers alone, and those of a file that is run as a program, are left out, and so is what no file
    can be named.
    """
    found = _imports_by_layout(source) if body is None else _imports_in(body, is_conditional=False)
    return (item for item in found if all(map(_can_be_file, (item.module, *item.names))))


def _can_be_file(module: str) -> bool:
    """Whether file systems take the dotted name as a path below some folder."""
    longest_part = max(len(part.encode(errors="replace")) for part in module.split("."))
    return longest_part <= _LONGEST_PART and len(module) <= _LONGEST_NAME


def _imports_in(nodes: Iterable[ast.AST], *, is_conditional: bool) -> Iterator[ImportStatement]:
    for node in nodes:
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield ImportStatement(alias.name, (), 0, node.lineno, is_conditional)
        elif isinstance(node, ast.ImportFrom):
            names = tuple(alias.name for alias in node.names)
            yield ImportStatement(node.module or "", names, node.level, node.lineno, is_conditional)
        elif isinstance(node, ast.Try):
            is_caught = is_conditional or any(map(_catches_missing_modules, node.handlers))
            yield from _imports_in([*node.body, *node.handlers], is_conditional=is_caught)
            yield from _imports_in([*node.orelse, *node.finalbody], is_conditional=is_conditional)
        elif isinstance(node, ast.If):
            body = [] if never_holds_on_import(node.test) else node.body
            yield from _imports_in([*body, *node.orelse], is_conditional=True)
        elif isinstance(node, ast.stmt | ast.excepthandler | ast.match_case):
            yield from _imports_in(ast.iter_child_nodes(node), is_conditional=is_conditional)


def _catches_missing_modules(handler: ast.ExceptHandler) -> bool:
    caught = [None] if handler.type is None else [node for node in ast.walk(handler.type) if isinstance(node, ast.Name)]
    names = {"ImportError", "ModuleNotFoundError", "Exception", "BaseException"}
    return any(node is None or node.id in names for node in caught)


# Python 2 sources do not parse. An indented import may stand under any condition.
_IMPORT = re.compile(
    r"^(?P<indent>[ \t]*)(?:import[ \t]+(?P<modules>[\w., \t]+)"
    r"|from[ \t]+(?P<level>\.*)(?P<module>[\w.]*)[ \t]+import\b[ \t(]*(?P<names>[\w, \t]*))",
    flags=re.MULTILINE,
)


def _imports_by_layout(source: str) -> Iterator[ImportStatement]:
    for match in _IMPORT.finditer(source):
        line, is_conditional = source.count("\n", 0, match.start()) + 1, bool(match["indent"])
        if match["modules"] is not None:
            for module in _first_words(match["modules"]):
                yield ImportStatement(module, (), 0, line, is_conditional)
        elif match["module"] or match["level"]:
            names = tuple(_first_words(match["names"]))
            yield ImportStatement(match["module"], names, len(match["level"]), line, is_conditional)


def _first_words(text: str) -> Iterator[str]:
    """What stands before each ``as``."""
    return (words[0] for part in text.split(",") if (words := part.split()))


# --- the person's own modules --------------------------------------------------------------------------------


def own_files(found: ImportStatement, file: Path, roots: Collection[Path]) -> Iterator[Path]:
    """The files that Python reads for an import from the person's own folders; none where it comes from elsewhere."""
    if found.level:
        starts = [file.parents[found.level - 1]] if found.level <= len(file.parents) else []
    else:
        # Python 2, and a file that is run as a program, also look beside the file.
        starts = [*roots, file.parent]
    parts = found.module.split(".") if found.module else []
    for start in starts:
        read = [*_files_along(start, parts), *(path for name in found.names for path in _last_file(start, parts, name))]
        if read:
            yield from read
            return


def _files_along(start: Path, parts: list[str]) -> Iterator[Path]:
    """The initialization of each package on the way from *start*, and the module at its end."""
    folder = start
    for number, part in enumerate(parts, start=1):
        module = folder / f"{part}.py"
        folder /= part
        if (folder / "__init__.py").is_file():
            yield folder / "__init__.py"
        elif number == len(parts) and module.is_file():
            yield module
    if not parts and (start / "__init__.py").is_file():
        yield start / "__init__.py"


def _last_file(start: Path, parts: list[str], name: str) -> Iterator[Path]:
    return (
        path
        for path in [start.joinpath(*parts, f"{name}.py"), start.joinpath(*parts, name, "__init__.py")]
        if path.is_file()
    )
