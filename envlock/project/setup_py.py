"""``setup.py`` -> what its call of ``setup`` asks for, as far as that stands there in plain words. It is not run."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from envlock.own_code.definitions import parse_source
from envlock.project.files import ProjectFile
from envlock.project.interface import Place, Statement, Unread
from envlock.project.requirements_txt import read_requirements_txt
from envlock.project.statements import python_statement, pythons_of_classifiers, requirement_statement

_DEEPEST = 12
"""Names bound to names bound to names: setup files need two or three."""


def read_setup_py(file: ProjectFile) -> Iterator[Statement]:
    """``install_requires``, ``extras_require``, ``tests_require``, ``python_requires`` and the classifiers."""
    body = parse_source(file.text)
    if body is None:
        yield Unread(Place(file.path), "does not parse as Python 3")
        return
    module = ast.Module(body=body, type_ignores=[])
    bindings = _bindings(module)
    for keyword, value in _arguments_of_setup(module, bindings):
        if keyword in {"install_requires", "requires"}:
            yield from _requirements(value, "", file, bindings)
        elif keyword == "tests_require":
            yield from _requirements(value, "test", file, bindings)
        elif keyword == "extras_require":
            for group, members in _items(value, bindings):
                yield from _requirements(members, group, file, bindings)
        elif keyword == "python_requires":
            for item in _texts(value, bindings):
                yield python_statement(item.text, Place(file.path, item.line))
        elif keyword == "classifiers":
            found = [item.text for item in _texts(value, bindings)]
            yield from pythons_of_classifiers(found, Place(file.path, value.lineno))


class _Text(NamedTuple):
    text: str
    line: int


_Bindings = Mapping[str, Sequence[ast.AST]]
"""By name, the expressions that it is bound to or extended by, and the functions of that name."""


def _bindings(module: ast.Module) -> _Bindings:
    bindings: dict[str, list[ast.AST]] = defaultdict(list)
    for node in ast.walk(module):
        match node:
            case (
                ast.Assign(targets=[ast.Name(id=name)], value=value)
                | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value)
            ):
                bindings[name].append(value)
            case ast.AugAssign(target=ast.Name(id=name), value=value):
                bindings[name].append(value)
            case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="append" | "extend"), args=[value]):
                bindings[name].append(value)
            case ast.FunctionDef(name=name):
                bindings[name].append(node)
    return bindings


def _arguments_of_setup(module: ast.Module, bindings: _Bindings) -> Iterator[tuple[str, ast.expr]]:
    for node in ast.walk(module):
        match node:
            case ast.Call(func=ast.Name(id="setup") | ast.Attribute(attr="setup"), keywords=keywords):
                for keyword in keywords:
                    if keyword.arg is not None:
                        yield keyword.arg, keyword.value
                    else:
                        yield from _items(keyword.value, bindings)


def _items(node: ast.AST, bindings: _Bindings, depth: int = 0) -> Iterator[tuple[str, ast.expr]]:
    """The items of a dictionary whose keys are plain."""
    match node:
        case ast.Dict(keys=keys, values=values):
            for key, value in zip(keys, values, strict=True):
                if isinstance(key, ast.Constant) and isinstance(key.value, str):
                    yield key.value, value
        case ast.Call(func=ast.Name(id="dict"), keywords=keywords):
            yield from ((keyword.arg, keyword.value) for keyword in keywords if keyword.arg is not None)
        case ast.Name(id=name) if depth < _DEEPEST:
            for bound in bindings.get(name, ()):
                yield from _items(bound, bindings, depth + 1)


def _requirements(value: ast.expr, group: str, file: ProjectFile, bindings: _Bindings) -> Iterator[Statement]:
    # Extras may have a marker behind a colon: "test:python_version < '3'"
    name, _, marker = group.partition(":")
    texts = list(_texts(value, bindings))
    named = dict.fromkeys(file.path.parent / item.text for item in texts if item.text.endswith((".txt", ".in")))
    for path in named:
        if path in file.folder.files and (content := file.folder.read_text(path)) is not None:
            yield from read_requirements_txt(ProjectFile(path, content, file.folder), name)
    if named:
        return
    for item in texts:
        condition = f"; {marker}" if marker and ";" not in item.text else ""
        yield requirement_statement(f"{item.text}{condition}", Place(file.path, item.line), group=name)


def _texts(node: ast.AST, bindings: _Bindings, depth: int = 0) -> Iterator[_Text]:
    """The strings that an expression is put together from, line by line; comments and empty lines left out.

    Where it reads a file, the name of that file is among them.
    """
    if depth > _DEEPEST:
        return
    match node:
        case ast.Constant(value=str(text)):
            for number, line in enumerate(text.split("\n")):
                if bare := line.partition(" #")[0].strip():
                    yield _Text(bare, node.lineno + number)
        case ast.Name(id=name):
            for bound in bindings.get(name, ()):
                yield from _texts(bound, bindings, depth + 1)
        case ast.List() | ast.Tuple() | ast.Set() | ast.Starred() | ast.BinOp(op=ast.Add()):
            for child in ast.iter_child_nodes(node):
                yield from _texts(child, bindings, depth)
        case ast.IfExp(body=body, orelse=orelse):
            # The condition is no part of the value.
            yield from _texts(body, bindings, depth)
            yield from _texts(orelse, bindings, depth)
        case ast.Call() | ast.ListComp() | ast.GeneratorExp() | ast.FunctionDef() | ast.Subscript():
            yield from _files_named_in(node, bindings, depth)


def _files_named_in(node: ast.AST, bindings: _Bindings, depth: int) -> Iterator[_Text]:
    """Names of text files in an expression, and in the functions and values that it names."""
    if depth > _DEEPEST:
        return
    for part in ast.walk(node):
        match part:
            case ast.Constant(value=str(text)) if text.endswith((".txt", ".in")):
                yield _Text(text, part.lineno)
            case ast.Name(id=name, ctx=ast.Load()):
                for bound in bindings.get(name, ()):
                    # The line that reads a file may stand in the function that is looked at.
                    if bound is not node:
                        yield from _files_named_in(bound, bindings, depth + 4)
