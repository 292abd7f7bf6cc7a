"""Python modules read as syntax, never imported: what a name stands for, and in which order a class asks its bases.

Takes module names with their sources and gives classes and functions as :class:`Definition` values, found through
imports, re-exports and assignments. What lies outside of the given sources is not found, and nothing is guessed.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Definition:
    """A class or function at the top level of a module."""

    module: str
    node: ast.ClassDef | Function

    @property
    def name(self) -> str:
        return self.node.name

    @property
    def is_class(self) -> bool:
        return isinstance(self.node, ast.ClassDef)

    def method(self, name: str) -> Function | None:
        """The method that the class itself defines, the last of that name, as Python has it."""
        body = _statements(self.node.body) if isinstance(self.node, ast.ClassDef) else ()
        found = [item for item in body if isinstance(item, Function) and item.name == name]
        return found[-1] if found else None


class Module:
    """One module and the names that its top level binds."""

    def __init__(self, name: str, source: str, *, is_package: bool) -> None:
        self.name = name
        self._source = source
        self._package = name if is_package else name.rpartition(".")[0]

    @cached_property
    def tree(self) -> ast.Module:
        """The module as syntax."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Escape sequences that old sources write and new Pythons regret.
            return ast.parse(self._source)

    @property
    def is_readable(self) -> bool:
        """Whether this Python can parse the module."""
        try:
            return bool(self.tree)
        except (SyntaxError, ValueError):
            return False

    @cached_property
    def definitions(self) -> dict[str, Definition]:
        """The classes and functions that the module defines."""
        found = (item for item in _statements(self.tree.body) if isinstance(item, ast.ClassDef | Function))
        return {item.name: Definition(self.name, item) for item in found}

    @cached_property
    def imports(self) -> dict[str, str]:
        """Name bound by an import, also one inside of a function, to the dotted name that it stands for."""
        bound: dict[str, str] = {}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.ImportFrom):
                origin = self._origin(node)
                for item in node.names:
                    bound.setdefault(item.asname or item.name, f"{origin}.{item.name}")
            elif isinstance(node, ast.Import):
                for item in node.names:
                    # ``import a.b`` binds ``a``; ``import a.b as c`` binds ``c`` to ``a.b``.
                    origin = item.name if item.asname else item.name.partition(".")[0]
                    bound.setdefault(item.asname or origin, origin)
        return bound

    @cached_property
    def star_imports(self) -> list[str]:
        """The modules of which every name is imported."""
        nodes = [node for node in _statements(self.tree.body) if isinstance(node, ast.ImportFrom)]
        return [self._origin(node) for node in nodes if any(item.name == "*" for item in node.names)]

    @cached_property
    def assignments(self) -> dict[str, ast.expr]:
        """What each name is assigned at the top level; the first branch of an ``if`` counts."""
        assigned: dict[str, ast.expr] = {}
        for node in _statements(self.tree.body):
            if isinstance(node, ast.Assign):
                for target in node.targets:
                    if isinstance(target, ast.Name):
                        assigned.setdefault(target.id, node.value)
        return assigned

    def _origin(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        parents = self._package.split(".")
        above = parents[: len(parents) - node.level + 1]
        return ".".join([*above, node.module] if node.module else above)


class SourceTree:
    """The modules of one release."""

    def __init__(self, sources: Mapping[str, str]) -> None:
        """*sources*: module name, such as ``keras.layers``, to its text."""
        packages = {name.rpartition(".")[0] for name in sources}
        self.modules = {name: Module(name, text, is_package=name in packages) for name, text in sources.items()}
        self._orders: dict[tuple[str, str], tuple[Definition, ...]] = {}

    def classes(self) -> Iterator[Definition]:
        """Every class at the top level of a module."""
        for module in self.modules.values():
            yield from (item for item in module.definitions.values() if item.is_class)

    def resolve(self, module: str, dotted: str) -> Definition | None:
        """What *dotted* stands for in *module*; None for what is no class or function of these sources."""
        return self._resolve(module, tuple(dotted.split(".")), frozenset())

    def _resolve(self, module: str, parts: tuple[str, ...], seen: frozenset[tuple[str, ...]]) -> Definition | None:
        place = self.modules.get(module)
        if place is None or (module, *parts) in seen:
            return None
        seen |= {(module, *parts)}
        name, rest = parts[0], parts[1:]
        if not rest and name in place.definitions:
            return place.definitions[name]
        if (value := dotted_name(place.assignments.get(name))) is not None:
            return self._resolve(module, (*value.split("."), *rest), seen)
        if name in place.imports:
            return self._resolve_absolute((*place.imports[name].split("."), *rest), seen)
        if f"{module}.{name}" in self.modules and rest:
            return self._resolve(f"{module}.{name}", rest, seen)
        starred = (self._resolve(origin, parts, seen) for origin in place.star_imports)
        return next((found for found in starred if found is not None), None)

    def _resolve_absolute(self, parts: tuple[str, ...], seen: frozenset[tuple[str, ...]]) -> Definition | None:
        """The longest prefix that is a module is looked into."""
        for length in range(len(parts) - 1, 0, -1):
            if (module := ".".join(parts[:length])) in self.modules:
                return self._resolve(module, parts[length:], seen)
        return None

    def resolution_order(self, definition: Definition) -> tuple[Definition, ...]:
        """The class and its bases in the order in which Python looks up a method (C3); unknown bases left out."""
        key = (definition.module, definition.name)
        if key not in self._orders:
            self._orders[key] = (definition,)  # A class that derives from its own name, seen through a fallback.
            bases = [
                base
                for node in getattr(definition.node, "bases", ())
                if (dotted := dotted_name(node)) and (base := self.resolve(definition.module, dotted)) and base.is_class
            ]
            self._orders[key] = (definition, *_merge([list(self.resolution_order(base)) for base in bases] + [bases]))
        return self._orders[key]


def dotted_name(node: ast.expr | None) -> str | None:
    """``a.b.c`` where the expression is that, else None."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (prefix := dotted_name(node.value)) is not None:
        return f"{prefix}.{node.attr}"
    return None


def text_of(node: ast.AST | None) -> str | None:
    """The text of a string literal; None for anything else."""
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def strings_in(node: ast.AST | None) -> list[str]:
    """The string literals in an expression, in order of appearance."""
    nodes = ast.walk(node) if node is not None else ()
    return [item.value for item in nodes if isinstance(item, ast.Constant) and isinstance(item.value, str)]


def _statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements of a body, those under ``if``, ``try`` and ``with`` included."""
    for node in body:
        yield node
        for branch in ("body", "orelse", "finalbody"):
            if isinstance(node, ast.If | ast.Try | ast.With):
                yield from _statements(getattr(node, branch, []))
        for handler in getattr(node, "handlers", ()):
            yield from _statements(handler.body)


def _merge(orders: list[list[Definition]]) -> list[Definition]:
    """C3 linearization; where unknown bases leave a contradiction, the first class that is left goes first."""
    merged: list[Definition] = []
    while orders := [order for order in orders if order]:
        heads = [order[0] for order in orders]
        free = (head for head in heads if not any(head in order[1:] for order in orders))
        chosen = next(free, heads[0])
        merged.append(chosen)
        orders = [[item for item in order if item != chosen] for order in orders]
    return merged
