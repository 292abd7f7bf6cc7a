"""Rewrite ``data/custom_objects.json``: what add-on distributions bring to Keras, read from their sources.

    python data/refresh/custom_objects.py CACHE [--allow-fewer]

Which releases of which distributions are read stands in ``data/custom_objects.toml``. Nothing of them is built,
installed or imported; what was fetched is kept in the folder CACHE.

An object is a class that derives, by whatever chain within its distribution, from one of the classes that Keras
saves; a class or function that is registered with ``register_keras_serializable``, be it by a decorator of the
distribution's own; or a name that the distribution lists among its custom objects.
"""

from __future__ import annotations

import argparse
import ast
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from package_sources import (
    Definition,
    Module,
    Package,
    called_name,
    constant,
    dotted,
    fetch_sources,
    keyword,
    read_package,
)
from tables import DATA, write_document

from envlock.package_index import PackageIndex

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

GENERATOR = "data/refresh/custom_objects.py"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class CustomObject:
    """One class or function that one release brings."""

    name: str
    """As it is registered, without its package; else the name of the class."""

    packages: tuple[str, ...]
    """Under which it is registered, such as ``Addons`` of ``Addons>GELU``; none where it is not registered."""

    kind: str
    module: str
    """The shortest module that has it as an attribute; empty for what is defined within a function."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cache", type=Path)
    parser.add_argument("--allow-fewer", action="store_true")
    arguments = parser.parse_args()
    providers = tomllib.loads((DATA / "custom_objects.toml").read_text(encoding="utf-8"))["provider"]
    with PackageIndex() as index:
        content = build_table(
            [provider for provider in providers if "read" in provider],
            lambda distribution, version: fetch_sources(index, distribution, version, arguments.cache),
            native=_names_of_keras(),
        )
    write_document(
        DATA / "custom_objects.json",
        content,
        generator=GENERATOR,
        source="custom-object-sources",
        tables=("versions", "objects", "homonyms"),
        allow_fewer=arguments.allow_fewer,
    )


def _names_of_keras() -> frozenset[str]:
    """Classes and functions that some Keras brings itself."""
    names: set[str] = set()
    for path in (DATA / "keras_schema").glob("*.json"):
        table = json.loads(path.read_text(encoding="utf-8"))
        names.update(table["classes"], table["aliases"], *table["functions"].values())
    return frozenset(names)


# --- the table -----------------------------------------------------------------------------------------------

Row = list[Any]
"""Distribution, kind, module, packages, and the span list of the releases that have it."""


def build_table(
    providers: Iterable[Mapping[str, Any]],
    sources_of: Callable[[str, str], Mapping[str, bytes]],
    *,
    native: frozenset[str],
) -> dict[str, Any]:
    """The rows of all *providers* by name; those of the names in *native* apart, if they are registered at all."""
    versions: dict[str, list[str]] = {}
    rows: dict[str, list[Row]] = {}
    for provider in providers:
        distribution, versions[distribution] = provider["distribution"], provider["read"]
        releases = (find_objects(read_package(sources_of(distribution, version))) for version in provider["read"])
        for item, spans in _follow(releases):
            if any(fnmatchcase(item.name, pattern) for pattern in provider.get("only", ["*"])):
                # Importing the whole registers it: the module that defines it need not be known.
                module = "" if item.packages and provider.get("registers") else item.module
                row = [distribution, item.kind, module, list(item.packages), spans]
                rows.setdefault(item.name, []).append(row)
    registered = {name: [row for row in rows[name] if row[3]] for name in rows if name in native}
    return {
        "versions": versions,
        "objects": {name: rows[name] for name in sorted(rows) if name not in native},
        "homonyms": {name: found for name, found in sorted(registered.items()) if found},
    }


def _follow(releases: Iterable[Iterable[CustomObject]]) -> Iterator[tuple[CustomObject, list[list[int]]]]:
    """Each object as the last release has it, with the span list of the releases that do."""
    latest: dict[str, CustomObject] = {}
    packages: dict[str, dict[str, None]] = {}
    spans: dict[str, list[list[int]]] = {}
    for index, release in enumerate(releases):
        for item in release:
            latest[item.name] = item
            packages.setdefault(item.name, {}).update(dict.fromkeys(item.packages))
            known = spans.setdefault(item.name, [])
            if known and known[-1][1] == index - 1:
                known[-1][1] = index
            else:
                known.append([index, index])
    for name in sorted(latest):
        yield replace(latest[name], packages=tuple(packages[name])), spans[name]


# --- the objects of one release ------------------------------------------------------------------------------

# Classes that Keras saves, by the name of the base that all of their kind share.
_BASES = {
    "Layer": "layer",
    "Wrapper": "layer",
    "RNN": "layer",
    "Model": "model",
    "Network": "model",
    "Functional": "model",
    "Sequential": "model",
    "Optimizer": "optimizer",
    "OptimizerV2": "optimizer",
    "LearningRateSchedule": "schedule",
    "Loss": "loss",
    "LossFunctionWrapper": "loss",
    "Metric": "metric",
    "MeanMetricWrapper": "metric",
    "Initializer": "initializer",
    "Regularizer": "regularizer",
    "Constraint": "constraint",
}
# Modules of Keras that hold the classes of one kind, whatever their names.
_MODULES = {
    "layers": "layer",
    "models": "model",
    "optimizers": "optimizer",
    "schedules": "schedule",
    "losses": "loss",
    "metrics": "metric",
    "initializers": "initializer",
    "regularizers": "regularizer",
    "constraints": "constraint",
}
_REGISTERING = "register_keras_serializable"


def find_objects(package: Package) -> tuple[CustomObject, ...]:
    """Everything that one release brings to Keras, by name; of several by one name, what is registered comes first."""
    registrars = _registrars(package)
    found: dict[str, CustomObject] = {}
    for module in package.modules.values():
        for item in _defined_objects(package, module, registrars):
            known = found.get(item.name)
            if known is None or _weight(item) > _weight(known):
                found[item.name] = item
    listed = {name for module in package.modules.values() for name in _listed_names(module)} - set(found)
    for name in listed:
        homes = (package.shortest_module(module, name) for module in package.modules.values())
        home = min(filter(None, homes), key=lambda name: (name.count("."), name), default="")
        found[name] = CustomObject(name=name, packages=(), kind="object", module=home)
    return tuple(found[name] for name in sorted(found))


def _weight(item: CustomObject) -> tuple[bool, bool]:
    return bool(item.packages), bool(item.module)


def _defined_objects(
    package: Package, module: Module, registrars: Mapping[str, tuple[str, ...]]
) -> Iterator[CustomObject]:
    by_place = next((_MODULES[part] for part in reversed(module.name.split(".")) if part in _MODULES), "object")
    for node in module.definitions:
        is_class = isinstance(node, ast.ClassDef)
        name, packages = _registration(node, registrars)
        kind = _kind(package, module, node.name, set()) if is_class else None
        if packages or (kind is not None and not node.name.startswith("_")):
            yield CustomObject(
                name=name,
                packages=packages,
                kind=kind or (by_place if is_class else "function"),
                module=package.shortest_module(module, node.name),
            )


def _kind(package: Package, module: Module, name: str, passed: set[tuple[str, str]]) -> str | None:
    """What the class of that name is to Keras, by its bases; ``None`` where it is nothing that Keras saves."""
    if (module.name, name) in passed:
        return None
    passed.add((module.name, name))
    for base in module.bases(name):
        home = package.find_class(module, base)
        kind = _kind(package, *home, passed) if home is not None else _kind_of_foreign(module.expand(base))
        if kind is not None:
            return kind
    return None


def _kind_of_foreign(base: str) -> str | None:
    *modules, name = base.split(".")
    if not modules:
        return None
    by_module = next((_MODULES[part] for part in reversed(modules) if part in _MODULES), None)
    is_keras = any("keras" in part or part in {"tf", "tensorflow"} for part in modules)
    return (_BASES.get(name) or by_module) if is_keras or by_module else None


# --- registration --------------------------------------------------------------------------------------------

_UNTOLD = ""
"""Stands for a package that a function takes from its caller."""


def _registrars(package: Package) -> dict[str, tuple[str, ...]]:
    """Decorators that register, with the packages under which they do: that of Keras and those built on it."""
    found: dict[str, tuple[str, ...]] = {_REGISTERING: ("Custom",)}
    # A decorator may be a class whose method calls a function that calls the one of Keras.
    for _ in range(3):
        for registrar in tuple(found):
            for node, call in package.callers.get(registrar, ()):
                known = found.get(node.name, ()) if node.name != _REGISTERING else ()
                found[node.name] = tuple(dict.fromkeys(known + _packages(call, found, node)))
    return found


def _packages(
    call: ast.Call, registrars: Mapping[str, tuple[str, ...]], within: Definition | None = None
) -> tuple[str, ...]:
    """The packages under which *call* registers; none where it does not."""
    known = registrars.get(called_name(call).rpartition(".")[2], ())
    given = keyword(call, "package") or _positional(call, 0)
    if not known:
        return ()
    if given is not None:
        text = constant(given) or _default(within, dotted(given).rpartition(".")[2])
        return (text,)
    return tuple(name or _default(within, "package") for name in known)


def _default(within: Definition | None, argument: str) -> str:
    return Module.default(within, argument) if within is not None else _UNTOLD


def _positional(call: ast.Call, place: int) -> ast.expr | None:
    """An argument of Keras' own decorator, which takes the package first and then the name."""
    is_own = called_name(call).rpartition(".")[2] == _REGISTERING
    return call.args[place] if is_own and len(call.args) > place else None


def _registration(node: Definition, registrars: Mapping[str, tuple[str, ...]]) -> tuple[str, tuple[str, ...]]:
    """The name under which a class or function is registered, and the packages: none where it is not."""
    name, packages = node.name, dict[str, None]()
    for decorator in node.decorator_list:
        call = Module.as_call(decorator)
        if found := _packages(call, registrars):
            name = constant(keyword(call, "name") or _positional(call, 1)) or name
            packages.update(dict.fromkeys(package for package in found if package != _UNTOLD))
    return name, tuple(packages)


def _listed_names(module: Module) -> Iterator[str]:
    """Names that the module puts among the custom objects of Keras, or offers to be passed as such."""
    for target, entries in module.dictionaries:
        if "custom_objects" in target.lower():
            yield from (name for name in entries if name.isidentifier())


if __name__ == "__main__":
    main()
