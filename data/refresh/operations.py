"""Rewrite ``data/operations.json``: the operations of each TensorFlow line, of ``tf.contrib``, and of add-on packages.

    python data/refresh/operations.py FOLDER [--data DIR] [--allow-fewer]

FOLDER holds registries of running releases, ``operations-*.json`` as ``probes/registered_operations.py`` prints them:
one for each line of TensorFlow, of its build for processors, and any number in which the libraries of an add-on were
loaded too. A line or an add-on that has none there keeps what the table holds. Operations of ``tf.contrib``, which
``import tensorflow`` does not register, and of TensorRT, which it registers in builds for GPUs alone, are read from the
generated wrappers in the wheels; those of add-ons, which ``data/snapshot_roots.toml`` names, also from the calls in
their Python sources, which lack what nobody calls: both by range requests and of the last release of each line. What
was fetched is kept in FOLDER: a later run fetches only what is new.

In the table a span list is ``[[first, last], ...]``, inclusive indices into the ``versions`` beside it. Of an
operation: ``v`` where it is registered; ``a`` attributes that it has wherever it is, ``p`` the others with their spans;
``d`` attributes that have a default wherever they are, ``dp`` the others with the spans of the default; ``w`` the parts
of TensorFlow that register it, with their spans, where these are not in every build or not imported by themselves:
``compiler/tf2tensorrt``, or one of ``tf.contrib``, such as ``contrib/image``. Of an add-on's operation only the name is
known, and where it is registered.
"""

from __future__ import annotations

import ast
import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from distribution_files import Members, fetch_members, files_to_read, in_parallel, last_of_each_line
from options import folder_of, harvester_parser
from packaging.version import Version
from roots import names_under
from spans import spans_by_name, spans_of
from tables import read_toml, write_document

from envlock.knowledge.spans import holds, names_at
from envlock.package_index import PackageIndex
from envlock.uv_process import index_address

GENERATOR = "data/refresh/operations.py"

Operations = dict[str, dict[str, Any]]
"""Name of an operation to its ``attributes``, its ``defaults`` and, where a wrapper told of it, its ``place``."""


def main() -> None:
    options = harvester_parser(__doc__).parse_args()
    table = options.data / "operations.json"
    before = json.loads(table.read_bytes()) if table.exists() else _EMPTY
    registries = [json.loads(path.read_bytes()) for path in sorted(options.folder.glob("operations-*.json"))]
    registered = merge_registries(expand(before["packages"]["core"]), registries)
    addons = names_under("operations", read_toml(options.data / "snapshot_roots.toml"))
    folder = folder_of(GENERATOR, options)
    with PackageIndex(index_address()) as index:
        wrappers = read_lines(index, "tensorflow", is_wrapper, read_wrappers, folder)
        called = {name: read_lines(index, name, is_module, read_calls, folder) for name in addons}
    core = with_gpu_operations(registered, wrappers)
    of_addons = {
        name: compress_names(
            merge_names([registered_names(registries, name), names_in_table(before, name), calls], core)
        )
        for name, calls in called.items()
    }
    write_document(
        table,
        {"packages": {"core": compress(core), **of_addons}, "contrib": compress(contrib_operations(wrappers, core))},
        generator=GENERATOR,
        source="tensorflow-registries",
        tables=("packages", "ops"),
        allow_fewer=options.allow_fewer,
    )
    report_missing(wrappers, core)
    print(f"{index.requests} requests, {index.bytes} bytes", file=sys.stderr)


_EMPTY: dict[str, Any] = {"packages": {"core": {"versions": [], "ops": {}}}}


def read_lines(
    index: PackageIndex,
    distribution: str,
    is_wanted: Callable[[str], bool],
    read: Callable[[Members], Any],
    folder: Path,
) -> dict[str, Any]:
    """What *read* finds in the wanted members of the last release of each line, by version, oldest first."""
    files = last_of_each_line(files_to_read(index.files(distribution)))
    found = in_parallel(lambda file: read(fetch_members(index, file, is_wanted, folder)), files.values())
    return dict(zip(map(str, files), found, strict=True))


# --- registries ----------------------------------------------------------------------------------------------


def merge_registries(before: dict[str, Operations], registries: Iterable[Mapping[str, Any]]) -> dict[str, Operations]:
    """Version of TensorFlow to its operations, oldest first: each registry replaces what was known of its line."""
    by_line = {Version(version).release[:2]: (version, operations) for version, operations in before.items()}
    for registry in registries:
        if not registry["packages"]:
            by_line[Version(registry["tensorflow"]).release[:2]] = (registry["tensorflow"], registry["operations"])
    return {version: operations for _, (version, operations) in sorted(by_line.items())}


def expand(table: Mapping[str, Any]) -> dict[str, Operations]:
    """The reverse of :func:`compress`."""
    return {
        version: {name: _at(row, index) for name, row in table["ops"].items() if holds(row["v"], index)}
        for index, version in enumerate(table["versions"])
    }


def _at(row: Mapping[str, Any], index: int) -> dict[str, Any]:
    attributes = names_at(row.get("a", ()), row.get("p", {}), index)
    defaults = names_at(attributes.intersection(row.get("d", ())), row.get("dp", {}), index)
    found: dict[str, Any] = {"attributes": sorted(attributes), "defaults": sorted(defaults)}
    for place in names_at((), row.get("w", {}), index):
        found["place"] = place
    return found


def compress(versions: Mapping[str, Operations]) -> dict[str, Any]:
    """The operations of each version as one table, laid out as the head of this file says."""
    known = list(versions.values())
    names = sorted({name for operations in known for name in operations})
    return {"versions": list(versions), "ops": {name: _compress_one(name, known) for name in names}}


def _compress_one(name: str, versions: list[Operations]) -> dict[str, Any]:
    present = {index: operations[name] for index, operations in enumerate(versions) if name in operations}
    existence = spans_of(present)
    attributes = spans_by_name({index: row["attributes"] for index, row in present.items()})
    defaults = spans_by_name({index: row["defaults"] for index, row in present.items()})
    row = {
        "a": [name for name, spans in attributes.items() if spans == existence],
        "d": [name for name, spans in defaults.items() if spans == attributes[name]],
        "dp": {name: spans for name, spans in defaults.items() if spans != attributes[name]},
        "p": {name: spans for name, spans in attributes.items() if spans != existence},
        "v": existence,
        "w": spans_by_name({index: [row["place"]] for index, row in present.items() if "place" in row}),
    }
    return {key: value for key, value in row.items() if value}


# --- generated wrappers --------------------------------------------------------------------------------------

_PARTS = ("compiler", "contrib")
_GPU_PART = "compiler/tf2tensorrt"
_WRAPPERS = re.compile(r"tensorflow/\w+/.*/gen_\w+\.py")
_CALLED = re.compile(r"""(?:_apply_op_helper\(\s*|_execute\.execute\(\s*b)["'](\w+)["']""")
# _attrs = ("T", _op._get_attr_type("T"), "N", _op._get_attr_int("N")): a name, then its value.
_ATTRIBUTES = re.compile(r"_attrs = \((.*?)\)\n", re.DOTALL)
_NAME_OF_ATTRIBUTE = re.compile(r'"(\w+)",\s')
_DEFAULT = re.compile(r"\b(\w+)(?:: ?[^=,]+)? ?=")


def is_wrapper(path: str) -> bool:
    """Whether the member is generated and holds wrappers of operations."""
    return _WRAPPERS.fullmatch(path) is not None


def read_wrappers(modules: Members) -> Operations:
    """Operations that generated modules call, with the place of the module, such as ``contrib/image`` or ``python``.

    Attributes of an operation on references that gives nothing back may be lacking: its wrapper does not name them.
    """
    found: Operations = {}
    for path, source in modules.items():
        _, top, below, *_ = path.split("/")
        place = f"{top}/{below}" if top in _PARTS else top
        for function in re.split(r"\n(?=def )", source):
            _add_wrapper(found, function, place)
    return {
        name: row | {"attributes": sorted(row["attributes"]), "defaults": sorted(row["defaults"] & row["attributes"])}
        for name, row in sorted(found.items())
    }


def _add_wrapper(found: Operations, function: str, place: str) -> None:
    called = _CALLED.search(function)
    if called is None:
        return
    row = found.setdefault(called[1], {"attributes": set(), "defaults": set(), "place": place})
    for attributes in _ATTRIBUTES.findall(function):
        row["attributes"] |= set(_NAME_OF_ATTRIBUTE.findall(attributes))
    signature = function.partition(":\n")[0]
    row["defaults"] |= set(_DEFAULT.findall(signature)) - {"name"}


def with_gpu_operations(core: Mapping[str, Operations], wrappers: Mapping[str, Operations]) -> dict[str, Operations]:
    """*core* with the operations that only builds for GPUs register: such as ``tensorflow`` itself from 2.1 on."""
    of_gpus = {
        Version(version).release[:2]: {name: row for name, row in operations.items() if row["place"] == _GPU_PART}
        for version, operations in wrappers.items()
    }
    return {
        version: {**operations, **of_gpus.get(Version(version).release[:2], {})} for version, operations in core.items()
    }


def contrib_operations(wrappers: Mapping[str, Operations], core: Mapping[str, Operations]) -> dict[str, Operations]:
    """Of each release with ``tf.contrib``, the operations that only that registers."""
    registered = {Version(version).release[:2]: operations for version, operations in core.items()}
    return {
        version: {
            name: row
            for name, row in operations.items()
            if row["place"].startswith("contrib/") and name not in registered[Version(version).release[:2]]
        }
        for version, operations in wrappers.items()
        if any(row["place"].startswith("contrib/") for row in operations.values())
    }


def report_missing(wrappers: Mapping[str, Operations], core: Mapping[str, Operations]) -> None:
    """Say which lines have no registry, and which operations have a wrapper of the core and are in no registry."""
    lines = {Version(version).release[:2] for version in core}
    unread = [version for version in wrappers if Version(version).release[:2] not in lines]
    if unread:
        print(f"no registry of {', '.join(unread)}", file=sys.stderr)
    wrapped = {name for operations in wrappers.values() for name, row in operations.items() if row["place"] == "python"}
    missing = sorted(wrapped.difference(*core.values()))
    if missing:
        print(f"wrapped and not registered: {', '.join(missing)}", file=sys.stderr)


# --- add-ons -------------------------------------------------------------------------------------------------

_LOADERS = ("load_op_library", "_load_library", "LazySO")
# Modules of the add-ons whose attributes are the wrappers of a library that they load.
_LIBRARY_MODULES = ("core_ops", "golang_ops", "op", "op_dynamic")
_PREFIXES = {"addons_": "Addons>", "io_": "IO>", "tf_text_": "TFText>"}


def is_module(path: str) -> bool:
    """Whether the member is Python, and no test."""
    return path.endswith(".py") and not path.endswith("_test.py")


def read_calls(modules: Members) -> list[str]:
    """Names of operations, from the wrappers that the Python sources of an add-on take from its libraries.

    A wrapper called ``addons_gather_tree`` stands for ``Addons>GatherTree``; capitals within words are lost.
    """
    names: set[str] = set()
    for source in modules.values():
        names |= {operation_of(wrapper) for wrapper in _library_attributes(ast.parse(source))}
    return sorted(names)


def operation_of(wrapper: str) -> str:
    """The operation that the wrapper is made for, with its words capitalised."""
    if not wrapper.islower():
        return wrapper
    prefix = next((prefix for prefix in _PREFIXES if wrapper.startswith(prefix)), "")
    words = wrapper.removeprefix(prefix).split("_")
    return _PREFIXES.get(prefix, "") + "".join(word[:1].upper() + word[1:] for word in words)


def _library_attributes(module: ast.Module) -> Iterator[str]:
    nodes = list(ast.walk(module))
    libraries = set(_libraries(nodes))
    for node in nodes:
        if isinstance(node, ast.Attribute) and not node.attr.startswith("_") and node.attr != "ops":
            owner = node.value
            if isinstance(owner, ast.Attribute) and owner.attr == "ops":  # LazySO(...).ops
                owner = owner.value
            if isinstance(owner, ast.Name) and owner.id in libraries:
                yield node.attr


def _libraries(nodes: Iterable[ast.AST]) -> Iterator[str]:
    """Names that a module binds to a library of operations."""
    for node in nodes:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Call(func=function)):
                if ast.unparse(function).endswith(_LOADERS):
                    yield name
            case ast.ImportFrom(names=names):
                yield from (item.asname or item.name for item in names if item.name in _LIBRARY_MODULES)


def names_in_table(table: Mapping[str, Any], distribution: str) -> dict[str, frozenset[str]]:
    """Version of an add-on to its operations as the table has them."""
    rows = table["packages"].get(distribution, {"versions": [], "ops": {}})
    return {version: names_at((), rows["ops"], index) for index, version in enumerate(rows["versions"])}


def registered_names(registries: Iterable[Mapping[str, Any]], distribution: str) -> dict[str, set[str]]:
    """Version of an add-on to all that is registered where its libraries alone were loaded beside TensorFlow."""
    package = distribution.replace("-", "_")
    return {
        registry["packages"][package]["version"]: set(registry["operations"])
        for registry in registries
        if list(registry["packages"]) == [package]
    }


def merge_names(sources: Iterable[Mapping[str, Iterable[str]]], core: Mapping[str, Operations]) -> dict[str, set[str]]:
    """Version of an add-on to its operations, oldest first: all that any of *sources* tells, best spelled first.

    Those of the core are called through the libraries of add-ons too, and registered beside theirs.
    """
    of_core = {name for operations in core.values() for name in operations}
    names: dict[str, set[str]] = {}
    for source in sources:
        for version, found in source.items():
            known = {_letters(name) for name in names.setdefault(version, set())}
            names[version] |= {name for name in set(found) - of_core if _letters(name) not in known}
    return {version: names[version] for version in sorted(names, key=Version)}


def _letters(name: str) -> str:
    """What a wrapper leaves of a name: ``io_read_json`` is that of ``IO>ReadJSON`` and that of ``IoReadJSON``."""
    return re.sub(r"\W", "", name).casefold()


def compress_names(versions: Mapping[str, Iterable[str]]) -> dict[str, Any]:
    """The names of each version as a table.

    Capitals that a wrapper has lost are restored wherever a name has them in another source or version.
    """
    names = {name for found in versions.values() for name in found}
    # Sorted so that of two spellings the one with more capitals comes last, and counts.
    written = {name.casefold(): name for name in sorted(names, reverse=True)}
    operations = spans_by_name(
        {index: {written[name.casefold()] for name in found} for index, found in enumerate(versions.values())}
    )
    return {"versions": list(versions), "ops": operations}


if __name__ == "__main__":
    main()
