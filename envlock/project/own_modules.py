"""The modules that a project consists of, and how each is imported."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from envlock.own_code.definitions import is_importable, never_holds_on_import
from envlock.project.interface import OwnModule

_NO_MODULES = frozenset({"setup.py", "conftest.py", "__main__.py", "noxfile.py", "fabfile.py"})
_ASIDE = re.compile(r"tests?|docs?|examples?|tutorials?", re.IGNORECASE)
_TEST = re.compile(r"test_.*|.*_tests?|tests?")

_DEFINING_CALLS = frozenset({"getLogger", "namedtuple", "TypeVar", "NewType", "basicConfig", "filterwarnings"})
"""Calls at the top level of a module that change nothing and take no time."""

_WORKING_CALLS = frozenset(
    {"evaluate", "fit", "fit_generator", "load_model", "main", "parse_args", "predict", "read_csv", "train"}
)
"""Calls that do more than make a value, even where that is kept."""


def own_module(path: Path, body: Iterable[ast.stmt] | None, files: Collection[Path]) -> OwnModule | None:
    """The module in a source file of the project, by the path below its root.

    ``None`` for tests, documentation, and files whose name ``import`` does not take.
    """
    if path.name in _NO_MODULES or _TEST.fullmatch(path.stem) or any(map(_ASIDE.fullmatch, path.parts[:-1])):
        return None
    root = path.parent
    parts = [] if path.name == "__init__.py" else [path.stem]
    while root.parts and root / "__init__.py" in files:
        parts.insert(0, root.name)
        root = root.parent
    name = ".".join(parts)
    if not is_importable(name):
        return None
    return OwnModule(name=name, root=root, works_on_import=body is not None and any(map(_works, body)))


def _works(statement: ast.stmt) -> bool:
    """Whether a statement of a module does more than define something when the module is imported."""
    match statement:
        case ast.If(test=test) if never_holds_on_import(test):
            return any(map(_works, statement.orelse))
        case ast.If() | ast.Try():
            return any(map(_works, _inner_statements(statement)))
        case ast.For() | ast.While() | ast.With():
            return True
        case ast.Expr(value=ast.Call(func=func)) | ast.Expr(value=ast.Await(value=ast.Call(func=func))):
            return _name_called(func) not in _DEFINING_CALLS
        case ast.Assign(value=ast.Call(func=func)):
            return _name_called(func) in _WORKING_CALLS
    return False


def _inner_statements(statement: ast.If | ast.Try) -> Iterator[ast.stmt]:
    yield from (*statement.body, *statement.orelse)
    if isinstance(statement, ast.Try):
        yield from statement.finalbody
        for handler in statement.handlers:
            yield from handler.body


def _name_called(func: ast.expr) -> str:
    return func.attr if isinstance(func, ast.Attribute) else func.id if isinstance(func, ast.Name) else ""
