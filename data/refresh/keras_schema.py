"""Rewrite ``data/keras_schema/``: what each line of Keras writes into a configuration and accepts from one.

    python data/refresh/keras_schema.py FOLDER [--data DIR] [--allow-fewer]

Everything is read from the Python sources in the wheels (sdists where a release has no wheel), as syntax; nothing is
imported. What was fetched is kept in FOLDER: a later run fetches only what is new. A table each for ``tfkeras``
(tf.keras, the keras 2 that it became, tf-keras), ``keras2`` and ``keras3``, the last patch release of each line in
``versions`` as ``[distribution, version]``.

A *span list* is ``[[first, last], ...]``, inclusive indices into ``versions``. ``classes`` holds a row a class name:

======  ===================================================================================================
``v``   span list of existence
``k``   kind: layer, optimizer, initializer, ...; ``?`` and a package where no base class tells
``a``   keywords that ``__init__`` accepts: its own, those of the bases that ``**kwargs`` reach, those that it looks for
``r``   keywords without a default
``o``   ``__init__`` accepts a keyword of any name: 1 or span list
``d``   defaults, keyword to source text, where that is not ``None``
``g``   keys that ``get_config`` always writes
``c``   keys that it writes under a condition
``f``   keys that ``from_config`` looks at
``s``   those of them that it subscripts, or pops without a default: their absence raises
``m``   the module under which Keras 3 and its format name the class: that of its first exported name, else its own
======  ===================================================================================================

A column holds what is true through the whole life of the class. What is not stands under the same letter with ``~``,
name to span list; in ``d~``, name to source text to span list, ``None`` included.

``functions.<kind>.<name>`` and ``aliases.<alias>.<name of what it stands for>`` are 1 for all versions or a span list.

Classes of one name are one row, since a configuration gives but the name: a loss and a metric, the optimizer of old
and the new one, the layers of both generations of the interface of TensorFlow. The row accepts what one of them
accepts, and always writes what all of them write; defaults, required keywords and the module are those of the class
that the name stands for in the interface of that version.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from functools import reduce
from operator import or_
from typing import Any, NamedTuple

from distribution_files import fetch_members, files_to_read, in_parallel, last_of_each_line
from keras_sources import is_keras_source, keras_modules
from options import folder_of, harvester_parser
from packaging.specifiers import SpecifierSet
from packaging.version import Version
from spans import Spans, spans_by_name, spans_of
from syntax.handled_keys import read_handled_keys
from syntax.modules import Definition, Module, SourceTree, dotted_name, strings_in, text_of
from syntax.signatures import read_signature
from syntax.written_keys import Keys, read_written_keys
from tables import write_document

from envlock.package_index import IndexFile, PackageIndex
from envlock.uv_process import index_address

GENERATOR = "data/refresh/keras_schema.py"

# Which distribution carries a lineage in which of its lines.
LINEAGES = {
    "tfkeras": (("tensorflow", ">=1.4,<2.6"), ("keras", ">=2.6,<2.16"), ("tf-keras", ">=2.16")),
    "keras2": (("keras", ">=1.2,<2.4"),),
    "keras3": (("keras", ">=3"),),
}

# The names of the classes that decide what a subclass is; a metric is a layer too, so it is asked for first.
_ROOTS = {
    "metric": {"Metric"},
    "layer": {"Layer"},
    "loss": {"Loss"},
    "optimizer": {"Optimizer", "OptimizerV2", "BaseOptimizer", "_BaseOptimizer"},
    "initializer": {"Initializer"},
    "regularizer": {"Regularizer"},
    "constraint": {"Constraint"},
    "schedule": {"LearningRateSchedule"},
    "policy": {"DTypePolicy", "Policy", "PolicyV1"},
    "loss_scale": {"LossScale"},
    "quantizer": {"Quantizer", "QuantizationConfig"},
    "operation": {"Operation"},
}

_FUNCTION_KINDS = ("activations", "constraints", "initializers", "losses", "metrics", "regularizers")
_KERAS_1_NAMES = {"initializers": "initializations", "losses": "objectives"}
_ALIASED_PACKAGES = (*_FUNCTION_KINDS, "layers", "optimizers", "optimizer_v2", "engine", "models", "quantizers")

# Where releases keep Keras, the newest layout first.
_HOMES = (
    "tf_keras.src",
    "tf_keras",
    "keras.src",
    "keras",
    "tensorflow.python.keras._impl.keras",
    "tensorflow.python.keras",
)
# Classes of the interface of TensorFlow from before Keras: no configuration of Keras names them, unless Keras took them
# over. Those that moved into Keras are exported, as ``keras.__internal__.legacy``, but for TensorFlow to import again.
_FOREIGN = re.compile(r"^tensorflow\.python\.(?:layers|ops|feature_column)\.")
_LEGACY = re.compile(r"\.legacy_(?:tf_layers|rnn|cells|cell_wrappers)\b")


class Release(NamedTuple):
    """One version of a lineage."""

    distribution: str
    version: str


ReleaseSchema = dict[str, Any]
"""``classes``: name to the answers of :func:`read_class`; ``functions``: kind to names; ``aliases``: alias to names."""


def main() -> None:
    options = harvester_parser(__doc__).parse_args()
    folder = folder_of(GENERATOR, options)
    with PackageIndex(index_address()) as index:
        for lineage, carriers in LINEAGES.items():
            files = {release: file for carrier in carriers for release, file in last_of_lines(index, *carrier)}
            fetched = in_parallel(lambda file: fetch_members(index, file, is_keras_source, folder), files.values())
            with ProcessPoolExecutor() as processes:
                schemas = list(processes.map(_read_modules, files, map(keras_modules, fetched)))
            write_document(
                options.data / "keras_schema" / f"{lineage}.json",
                join_schemas(list(files), schemas),
                generator=GENERATOR,
                source="keras-sources",
                tables=("classes", "functions", "aliases"),
                allow_fewer=options.allow_fewer,
            )
    print(f"{index.requests} requests, {index.bytes} bytes", file=sys.stderr)


def last_of_lines(index: PackageIndex, distribution: str, lines: str) -> Iterator[tuple[Release, IndexFile]]:
    """The last final release of each minor line that *lines* covers, oldest first, with its file."""
    covered = SpecifierSet(lines)
    files = {version: file for version, file in files_to_read(index.files(distribution)).items() if version in covered}
    for version, file in last_of_each_line(files).items():
        yield Release(distribution, str(version)), file


def _read_modules(release: Release, modules: Mapping[str, str]) -> ReleaseSchema:
    # The interface of TensorFlow 1 and that of 2 give one name to different classes.
    generation = 1 if release.distribution == "tensorflow" and Version(release.version) < Version("2") else 2
    return read_release(SourceTree(modules), generation=generation)


# --- one release ---------------------------------------------------------------------------------------------


def read_release(tree: SourceTree, *, generation: int) -> ReleaseSchema:
    """Classes, functions and aliases of a release whose interface is that of TensorFlow 1 or 2."""
    home = next(home for home in _HOMES if f"{home}.activations" in tree.modules)
    namesakes: dict[str, list[Definition]] = {}
    for definition in _serializable_classes(tree, home):
        namesakes.setdefault(definition.name, []).append(definition)
    for name, items in namesakes.items():
        # The operation of Keras 3 that a layer stands for often bears its name; the layer is what is saved.
        others = [item for item in items if _kind(tree, item) != "operation"]
        namesakes[name] = others or items
    return {
        "classes": {
            name: _join_namesakes([read_class(tree, item, generation) for item in _best_first(items, generation)])
            for name, items in sorted(namesakes.items())
        },
        "functions": {kind: sorted(_functions(tree, home, kind)) for kind in _FUNCTION_KINDS},
        "aliases": {name: sorted(targets) for name, targets in sorted(_aliases(tree, home, generation).items())},
    }


def read_class(tree: SourceTree, definition: Definition, generation: int) -> dict[str, Any]:
    """The columns of a class in one version, by the letters of the table; ``d`` has every default."""
    signature = read_signature(tree, definition)
    written = read_written_keys(tree, definition) or Keys()
    handled = read_handled_keys(tree, definition)
    return {
        "k": _kind(tree, definition),
        "a": set(signature.accepted),
        "r": set(signature.required),
        "o": signature.is_open,
        "d": {name: text for name, text in signature.accepted.items() if name not in signature.required},
        "g": set(written.always),
        "c": set(written.sometimes),
        "f": set(handled.touched),
        "s": set(handled.subscripted),
        "m": {_named_module(definition, generation)},
    }


def _serializable_classes(tree: SourceTree, home: str) -> Iterator[Definition]:
    """Public classes that can be configured and are Keras's own, or taken over by Keras from TensorFlow."""
    taken_over = {
        found
        for kind in _FUNCTION_KINDS
        if (place := tree.modules.get(f"{home}.{kind}"))
        for name in (*place.imports, *place.assignments)
        if (found := tree.resolve(place.name, name))
    }
    for definition in tree.classes():
        is_taken_over = definition in taken_over or bool(exports(definition))
        is_foreign = _FOREIGN.search(definition.module) is not None and not is_taken_over
        if definition.name.startswith("_") or is_foreign or _LEGACY.search(definition.module):
            continue
        order = tree.resolution_order(definition)
        if any(owner.method("get_config") for owner in order) or not _kind(tree, definition).startswith("?"):
            yield definition


def _kind(tree: SourceTree, definition: Definition) -> str:
    bases = {owner.name for owner in tree.resolution_order(definition)}
    package = re.sub(r"^(?:.*\bkeras\.)?(?:src\.)?", "", definition.module).split(".")[0]
    return next((kind for kind, roots in _ROOTS.items() if not roots.isdisjoint(bases)), f"?{package}")


def exports(definition: Definition) -> dict[int, list[str]]:
    """The names under which ``keras_export`` or ``tf_export`` offer a definition as Keras, by interface generation.

    Source: ``tensorflow/python/util/tf_export.py``: positional names belong to both generations unless ``v1`` is
    given, which then lists those of the first.
    """
    names: dict[int, list[str]] = {}
    for call in definition.node.decorator_list:
        if isinstance(call, ast.Call) and (dotted_name(call.func) or "").endswith(("keras_export", "tf_export")):
            both = [name for argument in call.args for name in strings_in(argument)]
            first = [strings_in(keyword.value) for keyword in call.keywords if keyword.arg == "v1"]
            for generation, found in ((1, first[0] if first else both), (2, both)):
                of_keras = [name for name in found if name.startswith("keras.")]
                if of_keras:
                    names.setdefault(generation, []).extend(of_keras)
    return names


def _best_first(namesakes: Iterable[Definition], generation: int) -> list[Definition]:
    """The class that a name stands for in this generation of the interface, then the others."""

    def rank(definition: Definition) -> tuple[bool, bool, bool, str]:
        names = exports(definition).get(generation, [])
        is_aside = all(".legacy." in name or ".experimental." in name for name in names)
        # Without an export the module tells, such as ``init_ops_v2`` beside ``init_ops``.
        is_of_other = definition.module.endswith("_v2") != (generation == 2)
        return (not names, is_aside, is_of_other, definition.module)

    return sorted(namesakes, key=rank)


def _named_module(definition: Definition, generation: int) -> str:
    """What ``serialize_keras_object`` writes as ``module``: see ``saving/serialization_lib.py``."""
    names = exports(definition)
    exported = names.get(generation) or next(iter(names.values()), None)
    return exported[0].rpartition(".")[0] if exported else definition.module


def _join_namesakes(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """One row for classes of one name, the best first."""
    best = rows[0]
    accepted: set[str] = reduce(or_, (row["a"] for row in rows))
    always: set[str] = set.intersection(*(row["g"] for row in rows))
    written: set[str] = reduce(or_, (row["g"] | row["c"] for row in rows))
    defaults: dict[str, str] = reduce(or_, (row["d"] for row in reversed(rows)))
    return best | {
        "a": accepted,
        "o": any(row["o"] for row in rows),
        "d": {name: text for name, text in defaults.items() if name not in best["r"]},
        "r": set.intersection(*(row["r"] for row in rows)) if len(rows) > 1 else best["r"],
        "g": always,
        "c": written - always,
        "f": reduce(or_, (row["f"] for row in rows)),
        "s": set.intersection(*(row["s"] for row in rows)),
    }


def _functions(tree: SourceTree, home: str, kind: str) -> set[str]:
    """The public functions that the module of a kind binds, or that are defined in a module under it."""
    package = f"{home}.{kind}" if f"{home}.{kind}" in tree.modules else f"{home}.{_KERAS_1_NAMES[kind]}"
    bound = [*_bound(tree, tree.modules[package])]
    for module in tree.modules.values():
        if module.name.startswith(f"{package}."):
            bound += module.definitions.items()
    return {name for name, found in bound if not found.is_class and not name.startswith("_") and name == found.name}


def _bound(tree: SourceTree, module: Module) -> Iterator[tuple[str, Definition]]:
    """Names that a module binds to classes and functions of these sources."""
    for name in {**module.definitions, **module.assignments, **module.imports}:
        if (found := tree.resolve(module.name, name)) is not None:
            yield name, found
    for origin in module.star_imports:
        yield from _bound(tree, tree.modules[origin]) if origin in tree.modules else ()


def _aliases(tree: SourceTree, home: str, generation: int) -> dict[str, set[str]]:
    """Other names of classes and functions: bound by a module, registered in a dictionary, or exported."""
    aliases: dict[str, set[str]] = {}
    packages = tuple(f"{home}.{package}." for package in (*_ALIASED_PACKAGES, *_KERAS_1_NAMES.values()))
    for module in tree.modules.values():
        if f"{module.name}.".startswith(packages):
            # Names that a module imports are looked up in it only where it speaks for its package.
            speaks = f"{module.name}." in packages or module.name.endswith(".serialization")
            bound = [item for item in _bound(tree, module) if speaks or item[0] not in module.imports]
            for name, found in [*bound, *_registered(tree, module)]:
                aliases.setdefault(name, set()).add(found.name)
        for definition in module.definitions.values():
            for exported in exports(definition).get(generation, ()):
                aliases.setdefault(exported.rpartition(".")[2], set()).add(definition.name)
    others = {name: targets - {name} for name, targets in aliases.items() if not name.startswith("_")}
    return {name: targets for name, targets in others.items() if targets}


def _registered(tree: SourceTree, module: Module) -> Iterator[tuple[str, Definition]]:
    """``{"mse": mean_squared_error}`` and ``objects["mse"] = mean_squared_error``, anywhere in a module.

    In a ``_DESERIALIZATION_TABLE`` the value is a name as well: ``{"BatchNormalizationV1": "BatchNormalization"}``.
    """
    renamed = module.assignments.get("_DESERIALIZATION_TABLE")
    for node in ast.walk(module.tree):
        pairs: list[tuple[ast.expr | None, ast.expr]] = []
        if isinstance(node, ast.Dict):
            pairs = list(zip(node.keys, node.values, strict=True))
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript):
            pairs = [(node.targets[0].slice, node.value)]
        for key, value in pairs:
            dotted = text_of(value) if node is renamed else dotted_name(value)
            found = tree.resolve(module.name, dotted) if dotted is not None else None
            if (name := text_of(key)) is not None and found is not None:
                yield name, found


# --- all releases of a lineage -------------------------------------------------------------------------------


def join_schemas(releases: list[Release], schemas: list[ReleaseSchema]) -> dict[str, Any]:
    """The table of a lineage from the schemas of its releases, oldest first."""
    names = sorted({name for schema in schemas for name in schema["classes"]})
    everywhere = spans_of(range(len(schemas)))

    def whole(spans: Spans) -> int | Spans:
        return 1 if spans == everywhere else spans

    def holders(of: Callable[[ReleaseSchema], Mapping[str, Any]]) -> dict[str, Any]:
        found = spans_by_name({at: of(schema) for at, schema in enumerate(schemas)})
        return {name: whole(spans) for name, spans in found.items()}

    aliases = sorted({alias for schema in schemas for alias in schema["aliases"]})
    return {
        "versions": [list(release) for release in releases],
        "classes": {
            name: _class_row({at: row for at, schema in enumerate(schemas) if (row := schema["classes"].get(name))})
            for name in names
        },
        "functions": {
            kind: holders(lambda schema, kind=kind: dict.fromkeys(schema["functions"][kind]))  # type: ignore[misc]
            for kind in _FUNCTION_KINDS
        },
        "aliases": {
            alias: holders(lambda schema, alias=alias: dict.fromkeys(schema["aliases"].get(alias, ())))  # type: ignore[misc]
            for alias in aliases
        },
    }


def _class_row(rows: dict[int, dict[str, Any]]) -> dict[str, Any]:
    """The row of a class from its columns by version index."""
    row: dict[str, Any] = {"v": spans_of(rows), "k": rows[max(rows)]["k"]}
    for letter in "argcfsm":
        found = spans_by_name({at: columns[letter] for at, columns in rows.items()})
        row[letter] = [name for name, spans in found.items() if spans == row["v"]]
        row[f"{letter}~"] = {name: spans for name, spans in found.items() if spans != row["v"]}
    row["o"] = spans_of(at for at, columns in rows.items() if columns["o"])
    if row["o"] == row["v"]:
        row["o"] = 1
    row["d"], row["d~"] = _defaults({at: columns["d"] for at, columns in rows.items()})
    return {letter: column for letter, column in row.items() if column}


def _defaults(rows: dict[int, dict[str, str]]) -> tuple[dict[str, str], dict[str, dict[str, Spans]]]:
    """Defaults that never changed, and by their texts those that did; what is always ``None`` is left out."""
    steady: dict[str, str] = {}
    changed: dict[str, dict[str, Spans]] = {}
    for name in sorted({name for row in rows.values() for name in row}):
        texts = {at: row[name] for at, row in rows.items() if name in row}
        distinct = dict.fromkeys(texts.values())
        if len(distinct) > 1:
            changed[name] = {text: spans_of(at for at in texts if texts[at] == text) for text in distinct}
        elif "None" not in distinct:
            steady[name] = next(iter(distinct))
    return steady, changed


if __name__ == "__main__":
    main()
