"""All modules of an installed distribution: where its classes are, who calls what, which names it lists."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import PurePosixPath

from .modules import Function, Module, dotted_name, text_of

# What derives from a class of Keras imports it, or a module that is named for it.
_ABOUT_KERAS = re.compile(r"keras|tensorflow")


class PackageModule(Module):
    """A module, and what stands in it at any depth."""

    @cached_property
    def nodes(self) -> tuple[ast.AST, ...]:
        """Everything in the module."""
        return tuple(ast.walk(self.tree))

    @cached_property
    def nested_definitions(self) -> tuple[ast.ClassDef | Function, ...]:
        """Classes and functions, wherever they are defined: within functions too."""
        return tuple(node for node in self.nodes if isinstance(node, ast.ClassDef | Function))

    @cached_property
    def _bases(self) -> dict[str, tuple[str, ...]]:
        classes = (node for node in self.nested_definitions if isinstance(node, ast.ClassDef))
        return {node.name: tuple(filter(None, map(dotted_name, node.bases))) for node in classes}

    def bases(self, name: str) -> tuple[str, ...]:
        """The bases of a class as they are written."""
        return self._bases.get(name, ())

    def defines_class(self, name: str) -> bool:
        """Whether a class of that name is defined anywhere in the module."""
        return name in self._bases

    def expand(self, name: str) -> str:
        """A dotted name with its first part replaced by what that was imported from."""
        first, dot, rest = name.partition(".")
        return self.imports.get(first, first) + dot + rest

    @cached_property
    def dictionaries(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """Texts that serve as keys, with the name of what they are keys of: assigned, returned, updated, set."""
        return tuple(self._dictionaries())

    def _dictionaries(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        for node in self.nodes:
            match node:
                case ast.Assign(targets=targets, value=value):
                    for target in targets:
                        if isinstance(target, ast.Subscript):
                            yield _called_or_named(target.value), tuple(filter(None, [text_of(target.slice)]))
                        else:
                            yield dotted_name(target) or "", _keys(value)
                case ast.Call(func=ast.Attribute(value=updated, attr="update"), args=arguments):
                    yield _called_or_named(updated), tuple(key for item in arguments for key in _keys(item))
                case ast.FunctionDef(name=name):
                    for inner in ast.walk(node):
                        if isinstance(inner, ast.Return) and inner.value is not None:
                            yield name, _keys(inner.value)


class Package:
    """The modules of one release of a distribution."""

    def __init__(self, sources: Mapping[str, str]) -> None:
        """*sources*: path at which a module is installed to its text; what does not speak of Keras is left out.

        Modules that this Python cannot parse are passed over.
        """
        found = (_read_module(path, source) for path, source in sources.items())
        self.modules = {module.name: module for module in found if module is not None}

    @cached_property
    def _roots(self) -> frozenset[str]:
        return frozenset(name.partition(".")[0] for name in self.modules)

    @cached_property
    def callers(self) -> dict[str, list[tuple[ast.ClassDef | Function, ast.Call]]]:
        """By the last part of the name of what is called: the calls of it, with the definitions that they stand in."""
        callers: dict[str, list[tuple[ast.ClassDef | Function, ast.Call]]] = {}
        for module in self.modules.values():
            for node in module.nested_definitions:
                for call in (inner for part in node.body for inner in ast.walk(part) if isinstance(inner, ast.Call)):
                    callers.setdefault(called_name(call), []).append((node, call))
        return callers

    @cached_property
    def _homes(self) -> dict[str, list[PackageModule]]:
        homes: dict[str, list[PackageModule]] = {}
        for module in self.modules.values():
            for node in module.nested_definitions:
                if isinstance(node, ast.ClassDef):
                    homes.setdefault(node.name, []).append(module)
        return homes

    def find_class(self, module: PackageModule, base: str) -> tuple[PackageModule, str] | None:
        """Where the class is defined that *module* calls *base*; ``None`` where it is not of this distribution."""
        if module.defines_class(base):
            return module, base
        origin, _, name = module.expand(base).rpartition(".")
        if (origin or name).partition(".")[0] not in self._roots:
            return None
        homes = self._homes.get(name, [])
        # Imported from where it is defined, else from a package that passes it on.
        exact = [home for home in homes if home.name == origin]
        return next(((home, name) for home in exact or homes), None)

    def shortest_module(self, module: PackageModule, name: str) -> str:
        """The shortest of the modules above *module*, itself included, that has *name* as an attribute; or none."""
        if name not in module.definitions:
            return ""
        parts = module.name.split(".")
        above = (".".join(parts[:length]) for length in range(1, len(parts)))
        return next((candidate for candidate in above if self._passes_on(candidate, name, set())), module.name)

    def _passes_on(self, package: str, name: str, passed: set[str]) -> bool:
        module = self.modules.get(package)
        if module is None or package in passed:
            return False
        passed.add(package)
        if name in module.imports or name in module.definitions:
            return True
        return any(self._passes_on(star, name, passed) for star in module.star_imports)


def _read_module(path: str, source: str) -> PackageModule | None:
    is_package = path.endswith("__init__.py")
    if _ABOUT_KERAS.search(source) is None and not is_package:
        return None
    parts = PurePosixPath(path).with_suffix("").parts
    module = PackageModule(".".join(parts[:-1] if is_package else parts), source, is_package=is_package)
    return module if module.is_readable else None


def called_name(call: ast.Call) -> str:
    """The last part of the name of what is called; empty where that has no name."""
    return (dotted_name(call.func) or "").rpartition(".")[2]


def _called_or_named(node: ast.expr) -> str:
    return dotted_name(node.func if isinstance(node, ast.Call) else node) or ""


def _keys(node: ast.expr) -> tuple[str, ...]:
    match node:
        case ast.Dict(keys=keys):
            return tuple(filter(None, map(text_of, keys)))
        case ast.Call(func=ast.Name(id="dict"), keywords=keywords):
            return tuple(item.arg for item in keywords if item.arg)
    return ()
