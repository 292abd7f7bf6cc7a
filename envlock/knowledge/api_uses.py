"""Which releases have what code uses: names that came or went, keywords, syntax, modules of the standard library."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any, NamedTuple

from envlock.knowledge.datafiles import read_json, read_toml
from envlock.knowledge.keras_schema import Lineage, SchemaClass, SchemaLine, lines_with_schema
from envlock.knowledge.releases import line_of_text, line_order, lines_of
from envlock.knowledge.standard_library import lines_with_module, surveyed_lines
from envlock.knowledge.tensorflow_facts import keras_of_line

PYTHON = "python"
"""Stands in the place of a distribution for the language itself."""

_MODULES_OF_CLASSES = frozenset({"keras.layers", "keras.losses", "keras.metrics", "keras.optimizers"})


class DatedName(NamedTuple):
    """Something that code uses, and the releases that have it."""

    name: str
    distribution: str
    """Normalised, or :data:`PYTHON`."""

    releases: str
    """A specifier."""


class DatedLayout(NamedTuple):
    """Text that only some Pythons parse."""

    name: str
    pattern: re.Pattern[str]
    """To be searched in one line."""

    releases: str


def dated_names(dotted: str) -> Iterator[DatedName]:
    """What is known of a dotted name, such as ``tensorflow.contrib.layers``, and of what it is a part of."""
    parts = dotted.split(".")
    prefixes = [".".join(parts[:length]) for length in range(len(parts), 0, -1)]
    found = next((_named()[prefix] for prefix in prefixes if prefix in _named()), None)
    if found is not None:
        yield found
    yield from _tensorflow_name(prefixes)
    yield from _keras_class(dotted)


def dated_keyword(dotted: str, keyword: str) -> DatedName | None:
    """What is known of a keyword in a call of a dotted name."""
    holder = dotted.rpartition(".")[0]
    for row in read_toml("api_uses.toml")["keyword"]:
        if keyword in row["keywords"] and f"{holder}.*" in row["callables"]:
            return DatedName(f"{dotted}({keyword})", row["distribution"], row["releases"])
    return None


def dated_syntax(node: str) -> DatedName | None:
    """What is known of the Pythons that have a class of syntax nodes, such as ``NamedExpr``."""
    row = _syntax().get(node)
    return None if row is None else DatedName(row["name"], PYTHON, row["releases"])


@cache
def dated_layouts() -> tuple[DatedLayout, ...]:
    """Every pattern of text that the Python which runs this does not parse."""
    rows = read_toml("api_uses.toml")["layout"]
    return tuple(DatedLayout(row["name"], re.compile(row["pattern"]), row["releases"]) for row in rows)


def dated_standard_module(module: str) -> DatedName | None:
    """The Pythons that bring a module; ``None`` where all do, or none."""
    top = module.partition(".")[0]
    releases = _hull(lines_with_module(top), surveyed_lines())
    return DatedName(top, PYTHON, releases) if releases else None


@cache
def _named() -> dict[str, DatedName]:
    return {
        name: DatedName(name, row["distribution"], row["releases"])
        for row in read_toml("api_uses.toml")["use"]
        for name in row["names"]
    }


@cache
def _syntax() -> dict[str, dict[str, Any]]:
    return {row["node"]: row for row in read_toml("api_uses.toml")["syntax"]}


# --- what other tables know ----------------------------------------------------------------------------------


def _tensorflow_name(prefixes: Sequence[str]) -> Iterator[DatedName]:
    """TensorFlow lines that export a name. Those that were not read are taken to be like the nearest that has it."""
    table = read_json("public_names.json")
    for prefix in prefixes:
        module, _, name = prefix.partition(".")
        spans = table["names"].get(name) if module == "tensorflow" else None
        if spans is not None:
            read = [line_of_text(version) for version in table["versions"]]
            known = lines_of("tensorflow")
            # A name that comes and goes was moved for a while, or could not be seen.
            first, last = spans[0][0], spans[-1][1]
            begins = f">={_line_after(read[first - 1], known)}" if first else ""
            ends = f"<{_beginning(known, known.index(read[last + 1]))}" if last + 1 < len(read) else ""
            if begins or ends:
                yield DatedName(prefix, "tensorflow", ",".join(filter(None, (begins, ends))))
            return


@cache
def _keras_class(dotted: str) -> tuple[DatedName, ...]:
    """From which line on Keras exports a class, such as ``tensorflow.keras.layers.MultiHeadAttention``.

    Until when it does cannot be told: classes may stay under other names, or as what others are derived from.
    """
    module, _, name = dotted.rpartition(".")
    exported = module.removeprefix("tensorflow.")
    if exported not in _MODULES_OF_CLASSES:
        return ()
    if module == exported:
        distribution, (known, having) = "keras", _lines_of_keras(exported, name)
    else:
        distribution, (known, having) = "tensorflow", _lines_of_tensorflow(exported, name)
    first = min(map(known.index, having), default=0)
    if not first:
        return ()
    return (DatedName(dotted, distribution, f">={_line_after(known[first - 1], lines_of(distribution))}"),)


_KnownAndHaving = tuple[Sequence[str], Sequence[str]]
"""The lines that were read, oldest first, and those of them that have a class."""


@cache
def _lines_that_require_keras() -> tuple[str, ...]:
    """The TensorFlow lines whose Keras is a distribution, oldest first: that of their own line, and then Keras 3."""
    lines = lines_of("tensorflow")
    return tuple(line for line in lines if any(item.requirement is not None for item in keras_of_line(line)))


def _lines_of_tensorflow(module: str, name: str) -> _KnownAndHaving:
    known = lines_with_schema("tfkeras")
    first_with_another = next(line for line in _lines_that_require_keras() if line not in lines_of("keras"))
    own = [line for line in _lines_with_class("tfkeras", module, name) if _is_before(line, first_with_another)]
    return known, [*own, first_with_another] if _lines_with_class("keras3", module, name) else own


def _lines_of_keras(module: str, name: str) -> _KnownAndHaving:
    # Keras on its own is that of TensorFlow from the line on in which TensorFlow requires it.
    shared = [line for line in _lines_that_require_keras() if line in lines_of("keras")]
    known = [*lines_with_schema("keras2"), *shared, *lines_with_schema("keras3")]
    lineages: tuple[Lineage, ...] = ("keras2", "tfkeras", "keras3")
    having = [line for lineage in lineages for line in _lines_with_class(lineage, module, name)]
    return known, [line for line in having if line in known]


def _is_before(line: str, other: str) -> bool:
    return line_order(line) < line_order(other)


def _lines_with_class(lineage: Lineage, module: str, name: str) -> tuple[str, ...]:
    found = ((line, SchemaLine(lineage, line).find_class(name)) for line in lines_with_schema(lineage))
    return tuple(line for line, item in found if item is not None and _is_exported(item, module))


def _is_exported(item: SchemaClass, module: str) -> bool:
    # Keras 2 and the first lines of tf.keras tell the file that defines a class, and export all that they have.
    return item.module == module or item.lineage == "keras2" or "._impl." in item.module


def _line_after(line: str, known: Sequence[str]) -> str:
    """Where the line begins that follows *line*."""
    return _beginning(known, known.index(line) + 1)


def _hull(lines: Sequence[str], known: Sequence[str]) -> str:
    """The specifier of all from the first to the last of *lines*; empty where that excludes none of *known*.

    What lies between the last line of a major version and the first of the next belongs to the earlier one.
    """
    if not lines:
        return ""
    first, last = known.index(lines[0]), known.index(lines[-1])
    lower = f">={_beginning(known, first)}" if first else ""
    upper = f"<{_beginning(known, last + 1)}" if last + 1 < len(known) else ""
    return ",".join(filter(None, (lower, upper)))


def _beginning(known: Sequence[str], index: int) -> str:
    """Where the line begins: with its major version, if it is the first of that one that is known."""
    major = known[index].partition(".")[0]
    return known[index] if known[index - 1].partition(".")[0] == major else major
