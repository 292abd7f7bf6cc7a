"""Source text -> the names, keywords and syntax in it that not all releases have, with aliases of imports resolved."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path

from packaging.specifiers import SpecifierSet

from envlock.knowledge.api_uses import (
    PYTHON,
    DatedName,
    dated_keyword,
    dated_layouts,
    dated_names,
    dated_standard_module,
    dated_syntax,
)
from envlock.knowledge.import_names import distribution_of
from envlock.own_code.imports import imports_of_source
from envlock.project.interface import ApiUse, Place

_LONGEST_LINE = 1000

_CAUGHT_WHERE_ABSENT = frozenset(
    {"AttributeError", "BaseException", "Exception", "ImportError", "ModuleNotFoundError", "NameError"}
)
_ASKS_FOR_ONE_OF_SEVERAL = frozenset({"hasattr", "PY2", "PY3", "TYPE_CHECKING"})


def find_uses(path: Path, text: str, body: Sequence[ast.stmt] | None) -> Iterator[ApiUse]:
    """Each name once, where it is first used; *body* holds the statements of *text*, ``None`` where they do not parse.

    What code only tries, or does for one version of several, counts for nothing.
    """
    found = _uses_by_layout(text) if body is None else _uses_in(body)
    seen: set[DatedName] = set()
    modules = (
        (used, item.line)
        for item in imports_of_source(text, body)
        if not item.level and not item.is_conditional and distribution_of(item.module) is None
        if (used := dated_standard_module(item.module)) is not None
    )
    for used, line in (*found, *modules):
        if used not in seen:
            seen.add(used)
            yield ApiUse(
                name=used.name,
                place=Place(path, line),
                distribution=used.distribution,
                releases=SpecifierSet(used.releases),
            )


def _uses_by_layout(text: str) -> Iterator[tuple[DatedName, int]]:
    for number, line in enumerate(text.split("\n"), start=1):
        for layout in dated_layouts():
            if layout.pattern.search(line[:_LONGEST_LINE]):
                yield DatedName(layout.name, PYTHON, layout.releases), number


def _uses_in(body: Sequence[ast.stmt]) -> Iterator[tuple[DatedName, int]]:
    bindings = _bindings(body)
    for node in _nodes_in_earnest(body):
        line: int = getattr(node, "lineno", 0)
        if (syntax := dated_syntax(type(node).__name__)) is not None:
            yield syntax, line
        for dotted in _names_of(node, bindings):
            for used in dated_names(dotted):
                yield used, line
        if isinstance(node, ast.Call) and (called := _dotted(node.func, bindings)) is not None:
            for keyword in node.keywords:
                if keyword.arg is not None and (passed := dated_keyword(called, keyword.arg)) is not None:
                    yield passed, line


def _names_of(node: ast.AST, bindings: dict[str, str]) -> Iterator[str]:
    """The dotted names of things from elsewhere that a node itself speaks of."""
    match node:
        case ast.Import(names=names):
            yield from (alias.name for alias in names)
        case ast.ImportFrom(module=str(module), names=names, level=0):
            yield from (f"{module}.{alias.name}" if alias.name != "*" else module for alias in names)
        case ast.Attribute() | ast.Name():
            dotted = _dotted(node, bindings)
            if dotted is not None:
                yield dotted


def _dotted(node: ast.AST, bindings: dict[str, str]) -> str | None:
    """The full name that ``tf.keras.layers`` stands for; ``None`` for what is no name of an import."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    start = bindings.get(node.id, f"builtins.{node.id}") if isinstance(node, ast.Name) else ""
    return ".".join([start, *reversed(parts)]) if start else None


def _bindings(body: Sequence[ast.stmt]) -> dict[str, str]:
    """What each name stands for, in whichever function it is bound; empty for what is no import, or one of several."""
    nodes = [node for statement in body for node in ast.walk(statement)]
    found: dict[str, list[str]] = defaultdict(list)
    for name, dotted in chain.from_iterable(map(_bound_by, nodes)):
        found[name].append(dotted)
    bindings = {name: targets[0] if len(set(targets)) == 1 else "" for name, targets in found.items()}
    for node in nodes:
        match node:
            # keras = tf.keras
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Attribute() as value) if len(found[name]) == 1:
                bindings[name] = _dotted(value, bindings) or ""
    return bindings


def _bound_by(node: ast.AST) -> Iterator[tuple[str, str]]:
    """The names that a node itself binds, each with what it stands for, where that is imported."""
    match node:
        case ast.Import(names=names):
            for alias in names:
                # `import a.b` binds a, `import a.b as c` binds what b is.
                top = alias.name.partition(".")[0]
                yield alias.asname or top, alias.name if alias.asname else top
        case ast.ImportFrom(module=str(module), names=names, level=0):
            yield from ((alias.asname or alias.name, f"{module}.{alias.name}") for alias in names)
        case ast.ImportFrom(names=names):
            yield from ((alias.asname or alias.name, "") for alias in names)
        case ast.Name(id=name, ctx=ast.Store() | ast.Del()) | ast.arg(arg=name):
            yield name, ""
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name, ""


def _nodes_in_earnest(nodes: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """Every node, outermost first, but for what is tried and what a version is asked for."""
    waiting = list(nodes)[::-1]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Try) and any(map(_catches_absence, node.handlers)):
            children: Iterable[ast.AST] = [*node.orelse, *node.finalbody]
        elif isinstance(node, ast.If) and _asks_for_version(node.test):
            children = ()
        else:
            yield node
            children = ast.iter_child_nodes(node)
        waiting += list(children)[::-1]


def _catches_absence(handler: ast.ExceptHandler) -> bool:
    return handler.type is None or not _words_in(handler.type).isdisjoint(_CAUGHT_WHERE_ABSENT)


def _asks_for_version(test: ast.expr) -> bool:
    words = _words_in(test)
    return not words.isdisjoint(_ASKS_FOR_ONE_OF_SEVERAL) or any("version" in word.lower() for word in words)


def _words_in(expression: ast.expr) -> set[str]:
    """Every name in an expression, and every attribute."""
    nodes = list(ast.walk(expression))
    names = {node.id for node in nodes if isinstance(node, ast.Name)}
    return names | {node.attr for node in nodes if isinstance(node, ast.Attribute)}
