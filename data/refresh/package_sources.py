"""The Python sources of a release as plain questions: which classes, which bases, which decorators.

Sources come from the package index, of a wheel only its modules, and are kept in a cache folder as a small archive a
release. They are read with ``ast``; nothing is imported. Modules that this Python cannot parse are passed over.
"""

from __future__ import annotations

import ast
import io
import re
import tarfile
import warnings
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from packaging.utils import InvalidSdistFilename, InvalidWheelFilename, parse_sdist_filename, parse_wheel_filename
from packaging.version import Version

from envlock.package_index import IndexFile, PackageIndex

# What derives from a class of Keras imports it, or a module that is named for it.
_ABOUT_KERAS = re.compile(rb"keras|tensorflow")
_OF_TESTS = frozenset({"test", "tests", "testing", "testdata", "examples", "benchmarks", "docs"})

Definition = ast.ClassDef | ast.FunctionDef


@dataclass(frozen=True, kw_only=True)
class Module:
    """One source file."""

    name: str
    """Dotted, a package by its own name."""

    tree: ast.Module
    is_package: bool

    @cached_property
    def _nodes(self) -> tuple[ast.AST, ...]:
        return tuple(ast.walk(self.tree))

    @cached_property
    def definitions(self) -> tuple[Definition, ...]:
        """Classes and functions, wherever they are defined: within functions too."""
        return tuple(node for node in self._nodes if isinstance(node, (ast.ClassDef, ast.FunctionDef)))

    @property
    def classes(self) -> tuple[ast.ClassDef, ...]:
        """Those of the definitions that are classes."""
        return tuple(node for node in self.definitions if isinstance(node, ast.ClassDef))

    @cached_property
    def imports(self) -> dict[str, str]:
        """Names that the module binds by importing, with what they stand for; ``*`` is in :attr:`stars`."""
        bound: dict[str, str] = {}
        for node in self._nodes:
            if isinstance(node, ast.Import):
                bound.update((item.asname, item.name) for item in node.names if item.asname)
            elif isinstance(node, ast.ImportFrom):
                origin = self._origin(node)
                bound.update((item.asname or item.name, f"{origin}.{item.name}") for item in node.names)
        bound.pop("*", None)
        return bound

    @cached_property
    def stars(self) -> tuple[str, ...]:
        """Modules of which everything is imported."""
        return tuple(
            self._origin(node)
            for node in self._nodes
            if isinstance(node, ast.ImportFrom) and any(item.name == "*" for item in node.names)
        )

    def _origin(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        # One dot is the package itself; each further dot leads one package up.
        parts = self.name.split(".")
        kept = parts[: len(parts) - node.level + (1 if self.is_package else 0)]
        return ".".join([*kept, *([node.module] if node.module else [])])

    @cached_property
    def top_level(self) -> frozenset[str]:
        """Classes and functions that are attributes of the module."""
        return frozenset(node.name for node in self.tree.body if isinstance(node, (ast.ClassDef, ast.FunctionDef)))

    @cached_property
    def _class_bases(self) -> dict[str, tuple[str, ...]]:
        return {node.name: tuple(filter(None, map(dotted, node.bases))) for node in self.classes}

    def bases(self, name: str) -> tuple[str, ...]:
        """The bases of a class as they are written."""
        return self._class_bases.get(name, ())

    def expand(self, name: str) -> str:
        """A dotted name with its first part replaced by what that was imported from."""
        first, dot, rest = name.partition(".")
        return self.imports.get(first, first) + dot + rest

    @cached_property
    def dictionaries(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """Texts that serve as keys, with the name of what they are keys of: assigned, returned, updated, set."""
        return tuple(self._dictionaries())

    def _dictionaries(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        for node in self._nodes:
            if isinstance(node, ast.Assign):
                for target in node.targets:
                    if isinstance(target, ast.Subscript):
                        yield _called_or_named(target.value), tuple(filter(None, [constant(target.slice)]))
                    else:
                        yield dotted(target), _keys(node.value)
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "update":
                yield _called_or_named(node.func.value), tuple(key for item in node.args for key in _keys(item))
            elif isinstance(node, ast.FunctionDef):
                for inner in ast.walk(node):
                    if isinstance(inner, ast.Return) and inner.value is not None:
                        yield node.name, _keys(inner.value)

    @staticmethod
    def as_call(decorator: ast.expr) -> ast.Call:
        """A decorator without parentheses as a call without arguments."""
        return decorator if isinstance(decorator, ast.Call) else ast.Call(func=decorator, args=[], keywords=[])

    @staticmethod
    def default(node: ast.AST, argument: str) -> str:
        """The text that is the default of an argument of a function, or of the ``__init__`` of a class."""
        for function in ast.walk(node):
            if isinstance(function, ast.FunctionDef):
                names = [item.arg for item in function.args.args]
                defaults = dict(zip(reversed(names), reversed(function.args.defaults), strict=False))
                if argument in defaults:
                    return constant(defaults[argument])
        return ""


@dataclass(frozen=True, kw_only=True)
class Package:
    """All modules of an installed distribution, by name."""

    modules: dict[str, Module] = field(default_factory=dict)

    @cached_property
    def _roots(self) -> frozenset[str]:
        return frozenset(name.partition(".")[0] for name in self.modules)

    @cached_property
    def callers(self) -> dict[str, list[tuple[Definition, ast.Call]]]:
        """By the last part of the name of what is called: the calls of it, with the definitions that they stand in."""
        callers: dict[str, list[tuple[Definition, ast.Call]]] = {}
        for module in self.modules.values():
            for node in module.definitions:
                for call in (inner for part in node.body for inner in ast.walk(part) if isinstance(inner, ast.Call)):
                    callers.setdefault(called_name(call).rpartition(".")[2], []).append((node, call))
        return callers

    @cached_property
    def _homes(self) -> dict[str, list[Module]]:
        homes: dict[str, list[Module]] = {}
        for module in self.modules.values():
            for node in module.classes:
                homes.setdefault(node.name, []).append(module)
        return homes

    def find_class(self, module: Module, base: str) -> tuple[Module, str] | None:
        """Where the class is defined that *module* calls *base*; ``None`` where it is not of this distribution."""
        name = base.rpartition(".")[2]
        if base == name and module in self._homes.get(name, ()):
            return module, name
        expanded = module.expand(base)
        root = expanded.partition(".")[0]
        if root not in self._roots:
            return None
        origin = expanded.rpartition(".")[0]
        homes = self._homes.get(expanded.rpartition(".")[2], [])
        # Imported from where it is defined, else from a package that passes it on.
        exact = [home for home in homes if home.name == origin]
        return next(((home, expanded.rpartition(".")[2]) for home in exact or homes), None)

    def shortest_module(self, module: Module, name: str) -> str:
        """The shortest of the modules above *module*, itself included, that has *name* as an attribute; or none."""
        if name not in module.top_level:
            return ""
        parts = module.name.split(".")
        above = (".".join(parts[:length]) for length in range(1, len(parts)))
        return next((candidate for candidate in above if self._passes_on(candidate, name, set())), module.name)

    def _passes_on(self, package: str, name: str, passed: set[str]) -> bool:
        module = self.modules.get(package)
        if module is None or package in passed:
            return False
        passed.add(package)
        if name in module.imports or name in module.top_level:
            return True
        return any(self._passes_on(star, name, passed) for star in module.stars)


def fetch_sources(index: PackageIndex, distribution: str, version: str, cache: Path) -> dict[str, bytes]:
    """The modules of a release, tests left out: path as it would be installed, to source.

    Raises:
        LookupError: The index has neither a wheel nor a ``.tar.gz`` of the release.
    """
    kept = cache / f"{distribution}-{version}.zip"
    if not kept.exists():
        cache.mkdir(parents=True, exist_ok=True)
        _keep(_fetch(index, _choose_file(index.files(distribution), version)), kept)
    with zipfile.ZipFile(kept) as archive:
        return {name: archive.read(name) for name in sorted(archive.namelist())}


def _choose_file(files: tuple[IndexFile, ...], version: str) -> IndexFile:
    """A wheel, whose members can be read singly, for any platform before one for Linux; else the sdist."""
    of_release = [file for file in files if _version_of(file.name) == Version(version)]
    for mark in ("any.whl", "linux", ".whl", ".tar.gz"):
        for file in of_release:
            if mark in file.name:
                return file
    raise LookupError(f"no file of {version} that can be read")


def _version_of(name: str) -> Version | None:
    try:
        return parse_wheel_filename(name)[1] if name.endswith(".whl") else parse_sdist_filename(name)[1]
    except (InvalidWheelFilename, InvalidSdistFilename):
        return None


def _fetch(index: PackageIndex, file: IndexFile) -> dict[str, bytes]:
    with index.open(file) as stream:
        if not file.name.endswith(".whl"):
            return _read_sdist(stream)
        with zipfile.ZipFile(stream) as archive:
            wanted = sorted(archive.infolist(), key=lambda member: member.header_offset)
            return {member.filename: archive.read(member) for member in wanted if _is_wanted(member.filename)}


def _read_sdist(stream: BinaryIO) -> dict[str, bytes]:
    sources: dict[str, bytes] = {}
    with tarfile.open(fileobj=io.BytesIO(stream.read())) as archive:
        for member in archive:
            # Everything stands below `name-version/`, in some projects below a further `src/`.
            path = member.name.partition("/")[2].removeprefix("src/")
            content = archive.extractfile(member) if "/" in path and _is_wanted(path) else None
            if content is not None:
                sources[path] = content.read()
    return sources


def _is_wanted(name: str) -> bool:
    path = PurePosixPath(name)
    return (
        path.suffix == ".py"
        and _OF_TESTS.isdisjoint(path.parts)
        and not path.stem.endswith("_test")
        and not path.stem.startswith("test_")
    )


def _keep(members: Mapping[str, bytes], path: Path) -> None:
    unfinished = path.with_suffix(".part")
    with zipfile.ZipFile(unfinished, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    unfinished.replace(path)


def read_package(sources: Mapping[str, bytes]) -> Package:
    """Parse *sources*, whose paths are those of an installed distribution; what does not speak of Keras is left out."""
    modules: dict[str, Module] = {}
    for path, source in sources.items():
        if _ABOUT_KERAS.search(source) is None and not path.endswith("__init__.py"):
            continue
        parts = PurePosixPath(path).with_suffix("").parts
        is_package = parts[-1] == "__init__"
        name = ".".join(parts[:-1] if is_package else parts)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Invalid escapes of other people's strings.
            try:
                modules[name] = Module(name=name, tree=ast.parse(source), is_package=is_package)
            except (SyntaxError, ValueError):
                continue
    return Package(modules=modules)


# --- expressions ---------------------------------------------------------------------------------------------


def dotted(node: ast.AST | None) -> str:
    """``a.b.c`` as it is written; empty for anything but names and attributes."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        owner = dotted(node.value)
        return f"{owner}.{node.attr}" if owner else ""
    return ""


def called_name(call: ast.Call) -> str:
    """The dotted name of what is called."""
    return dotted(call.func)


def constant(node: ast.AST | None) -> str:
    """The text of a literal; empty for anything else."""
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def keyword(call: ast.Call, name: str) -> ast.expr | None:
    """The value of a keyword argument."""
    return next((item.value for item in call.keywords if item.arg == name), None)


def _called_or_named(node: ast.expr) -> str:
    return dotted(node.func) if isinstance(node, ast.Call) else dotted(node)


def _keys(node: ast.expr) -> tuple[str, ...]:
    if isinstance(node, ast.Dict):
        return tuple(filter(None, map(constant, node.keys)))
    if isinstance(node, ast.Call) and dotted(node.func) == "dict":
        return tuple(item.arg for item in node.keywords if item.arg)
    return ()
