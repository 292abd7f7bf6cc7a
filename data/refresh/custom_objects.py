"""Rewrite ``data/custom_objects.json``: what add-on distributions bring to Keras, read from their sources.

    python data/refresh/custom_objects.py FOLDER [--data DIR] [--allow-fewer]
    python data/refresh/custom_objects.py --join [--data DIR] [--allow-fewer]

Which releases of which distributions are read stands in ``data/custom_objects.toml``. Nothing of them is built,
installed or imported; what was fetched is kept in FOLDER: a later run fetches only what is new. The second form reads
no sources: it takes over what was changed in the curated table, which is part of the generated one since that is
faster to open.

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
from pathlib import Path, PurePosixPath
from typing import Any

from distribution_files import Members, fetch_members, files_to_read
from options import folder_of, script_parser
from packaging.version import Version
from spans import Spans, spans_of
from syntax.modules import Function, dotted_name, text_of
from syntax.packages import Package, PackageModule, called_name
from tables import read_toml, write_document

from envlock.package_index import PackageIndex
from envlock.uv_process import index_address

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
    options = _read_options()
    providers = read_toml(options.data / "custom_objects.toml")["provider"]
    table = options.data / "custom_objects.json"
    found = _known_objects(table) if options.join else _read_objects(providers, options)
    write_document(
        table,
        {"providers": described(providers), **found},
        generator=GENERATOR,
        source="custom-object-sources",
        tables=("providers", *_READ_TABLES),
        allow_fewer=options.allow_fewer,
    )


def _read_options() -> argparse.Namespace:
    parser = script_parser(__doc__)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("folder", nargs="?", type=Path, metavar="FOLDER", help="keeps what was fetched")
    what.add_argument("--join", action="store_true", help="only take over the curated table")
    return parser.parse_args()


_READ_TABLES = ("versions", "objects", "homonyms")


def _known_objects(table: Path) -> dict[str, Any]:
    known = json.loads(table.read_bytes())
    return {name: known[name] for name in _READ_TABLES}


def _read_objects(providers: Iterable[Mapping[str, Any]], options: argparse.Namespace) -> dict[str, Any]:
    folder = folder_of(GENERATOR, options)
    with PackageIndex(index_address()) as index:
        found = build_table(
            [provider for provider in providers if "read" in provider],
            lambda distribution, version: _fetch_modules(index, distribution, version, folder),
            native=_names_of_keras(options.data),
        )
    print(f"{index.requests} requests, {index.bytes} bytes", file=sys.stderr)
    return found


_OF_TESTS = frozenset({"test", "tests", "testing", "testdata", "examples", "benchmarks", "docs"})


def _fetch_modules(index: PackageIndex, distribution: str, version: str, folder: Path) -> Members:
    file = files_to_read(index.files(distribution))[Version(version)]
    return dict(sorted(fetch_members(index, file, _is_module, folder).items()))


def _is_module(path: str) -> bool:
    """Whether the member is Python, and no test."""
    member = PurePosixPath(path)
    is_test = member.stem.endswith("_test") or member.stem.startswith("test_")
    return member.suffix == ".py" and not is_test and _OF_TESTS.isdisjoint(member.parts)


_ABOUT_READING = frozenset({"distribution", "only", "read", "checked", "source"})


def described(providers: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """What the curated table says of each distribution, in its order, less what is about the reading of sources."""
    return {
        provider["distribution"]: {key: provider[key] for key in provider if key not in _ABOUT_READING}
        for provider in providers
    }


def _names_of_keras(data: Path) -> frozenset[str]:
    """Classes and functions that some Keras brings itself."""
    names: set[str] = set()
    for path in (data / "keras_schema").glob("*.json"):
        table = json.loads(path.read_bytes())
        names.update(table["classes"], table["aliases"], *table["functions"].values())
    return frozenset(names)


# --- the table -----------------------------------------------------------------------------------------------

Row = list[Any]
"""Distribution, kind, module, packages, and the span list of the releases that have it."""


def build_table(
    providers: Iterable[Mapping[str, Any]],
    sources_of: Callable[[str, str], Members],
    *,
    native: frozenset[str],
) -> dict[str, Any]:
    """The rows of all *providers* by name; those of the names in *native* apart, if they are registered at all."""
    versions: dict[str, list[str]] = {}
    rows: dict[str, list[Row]] = {}
    for provider in providers:
        distribution, versions[distribution] = provider["distribution"], provider["read"]
        releases = (find_objects(Package(sources_of(distribution, version))) for version in provider["read"])
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


def _follow(releases: Iterable[Iterable[CustomObject]]) -> Iterator[tuple[CustomObject, Spans]]:
    """Each object as the last release has it, with the span list of the releases that do."""
    latest: dict[str, CustomObject] = {}
    packages: dict[str, dict[str, None]] = {}
    holders: dict[str, list[int]] = {}
    for index, release in enumerate(releases):
        for item in release:
            latest[item.name] = item
            packages.setdefault(item.name, {}).update(dict.fromkeys(item.packages))
            holders.setdefault(item.name, []).append(index)
    for name in sorted(latest):
        yield replace(latest[name], packages=tuple(packages[name])), spans_of(holders[name])


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
    package: Package, module: PackageModule, registrars: Mapping[str, tuple[str, ...]]
) -> Iterator[CustomObject]:
    by_place = next((_MODULES[part] for part in reversed(module.name.split(".")) if part in _MODULES), "object")
    for node in module.nested_definitions:
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


def _kind(package: Package, module: PackageModule, name: str, passed: set[tuple[str, str]]) -> str | None:
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
    call: ast.Call, registrars: Mapping[str, tuple[str, ...]], within: ast.ClassDef | Function | None = None
) -> tuple[str, ...]:
    """The packages under which *call* registers; none where it does not."""
    known = registrars.get(called_name(call), ())
    given = _keyword(call, "package") or _positional(call, 0)
    if not known:
        return ()
    if given is not None:
        return (text_of(given) or _default(within, (dotted_name(given) or "").rpartition(".")[2]),)
    return tuple(name or _default(within, "package") for name in known)


def _default(within: ast.ClassDef | Function | None, argument: str) -> str:
    """The text that is the default of an argument of a function, or of a method of a class."""
    for function in ast.walk(within) if within is not None else ():
        if isinstance(function, ast.FunctionDef):
            names = [item.arg for item in function.args.args]
            defaults = dict(zip(reversed(names), reversed(function.args.defaults), strict=False))
            if argument in defaults:
                return text_of(defaults[argument]) or _UNTOLD
    return _UNTOLD


def _keyword(call: ast.Call, name: str) -> ast.expr | None:
    return next((item.value for item in call.keywords if item.arg == name), None)


def _positional(call: ast.Call, place: int) -> ast.expr | None:
    """An argument of Keras' own decorator, which takes the package first and then the name."""
    return call.args[place] if called_name(call) == _REGISTERING and len(call.args) > place else None


def _registration(
    node: ast.ClassDef | Function, registrars: Mapping[str, tuple[str, ...]]
) -> tuple[str, tuple[str, ...]]:
    """The name under which a class or function is registered, and the packages: none where it is not."""
    name, packages = node.name, dict[str, None]()
    for decorator in node.decorator_list:
        # Without parentheses it is called without arguments.
        call = decorator if isinstance(decorator, ast.Call) else ast.Call(func=decorator, args=[], keywords=[])
        if found := _packages(call, registrars):
            name = text_of(_keyword(call, "name") or _positional(call, 1)) or name
            packages.update(dict.fromkeys(package for package in found if package != _UNTOLD))
    return name, tuple(packages)


def _listed_names(module: PackageModule) -> Iterator[str]:
    """Names that the module puts among the custom objects of Keras, or offers to be passed as such."""
    for target, entries in module.dictionaries:
        if "custom_objects" in target.lower():
            yield from (name for name in entries if name.isidentifier())


if __name__ == "__main__":
    main()
