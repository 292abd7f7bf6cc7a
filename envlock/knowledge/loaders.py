"""Every line of every implementation: what can have saved an artifact, and what might load it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from typing import Any, Literal, NamedTuple, cast

from packaging.version import InvalidVersion, Version

from envlock.knowledge.datafiles import read_toml
from envlock.knowledge.families import platforms_by_python
from envlock.knowledge.keras_schema import SchemaLine
from envlock.knowledge.pairings import paired_lines
from envlock.knowledge.releases import (
    Release,
    latest_of_line,
    line_of,
    line_order,
    lines_of,
    sort_lines,
)
from envlock.knowledge.specifiers import admits
from envlock.knowledge.tensorflow_facts import keras_of_line, producers

ImplementationName = Literal["tf.keras", "tf-keras", "keras", "keras-core", "tensorflow"]


class Loader(NamedTuple):
    """One line of one implementation."""

    implementation: ImplementationName
    line: str
    release: Release
    """Last patch release of the line."""

    schema: SchemaLine | None
    """What it writes into and accepts from a configuration; ``None`` where no Keras is involved."""

    writes: frozenset[str]
    """Formats in which it saves Keras models."""

    models: frozenset[str]
    """Classes that rebuild themselves from their configuration, and so hand no keys of it to ``__init__``."""

    converts: str | None
    """Specifier of the earlier lines of the implementation whose configurations it rewrites before use, if any."""

    rewrites: Mapping[str, frozenset[str]]
    """Keys that it takes out of the configuration of a class, or of any (``*``), where the envelope has no module."""

    backends: frozenset[str]
    """What it runs on, by the names that it records."""

    runs_on_own_line: bool
    """Whether it runs on the TensorFlow line of the same number, rather than on those it is paired with."""

    module: str | None
    """What its functions are called by, such as ``tf.keras``; ``None`` where no Keras is involved."""

    backend: str | None
    """What has the functions that were the backend of Keras 2; ``None`` where no Keras is involved."""

    probe: str
    """Name of the loader in the verification probe."""

    family_member: str | None
    """The member of the TensorFlow family that its metadata demands; ``None`` where any will do."""

    environment: Mapping[str, str]
    """Variables under which ``tf.keras`` is this implementation."""

    @property
    def tensorflow(self) -> tuple[str, ...]:
        """TensorFlow lines that it runs on, newest first."""
        if self.runs_on_own_line:
            return (self.line,)
        return paired_lines(self.release.distribution, self.release.version)

    @property
    def pythons(self) -> frozenset[str]:
        """The Python lines for which TensorFlow has a wheel of a line that it runs on, on any platform."""
        return frozenset[str]().union(*(platforms_by_python("tensorflow", line) for line in self.tensorflow))

    @property
    def is_separate(self) -> bool:
        """Whether it is a distribution of its own, beside TensorFlow."""
        return self.release.distribution != "tensorflow"

    @property
    def name(self) -> str:
        """As a person would say it, such as ``tf.keras 2.4``."""
        return f"{self.implementation} {self.line}"

    def expression_for(self, artifact_format: str, *, arguments: str = "") -> str:
        """What brings back the Keras model at ``path``, with further *arguments* such as ``, compile=False``."""
        function, what = _READERS.get(artifact_format, ("load_model", "path"))
        return f"{self.module}.models.{function}({what}{arguments})"

    def writes_version(self, recorded: str) -> bool:
        """Whether a ``keras_version`` of *recorded* is what this line writes."""
        strings = _bundled_version_strings(self.line) if self.implementation == "tf.keras" else frozenset()
        if strings:
            return recorded in strings
        return not recorded.endswith("-tf") and _line_of_label(recorded) == self.line

    def writes_version_as_installed(self, recorded: str) -> bool:
        """Whether it writes that without anybody having switched TF2 behaviour on or off."""
        if not self.writes_version(recorded):
            return False
        inside = keras_of_line(self.line) if self.implementation == "tf.keras" else ()
        return all(keras.as_installed in {None, recorded} for keras in inside)


# The text of a description is handed over; everything else is opened by its path.
_READERS = {
    "keras-json": ("model_from_json", "open(path).read()"),
    "keras-yaml": ("model_from_yaml", "open(path).read()"),
}


# Every loader is asked about the same label; those of a great many artifacts need not all be kept.
@lru_cache(maxsize=256)
def _line_of_label(recorded: str) -> str | None:
    try:
        return line_of(Version(recorded))
    except InvalidVersion:
        return None


@cache
def keras_loaders() -> tuple[Loader, ...]:
    """The loaders that bring Keras models back, implementation by implementation, oldest line first."""
    return tuple(loader for loader in all_loaders() if loader.schema is not None)


@cache
def tensorflow_loaders() -> tuple[Loader, ...]:
    """The loaders of plain SavedModels and graphs, oldest line first."""
    return tuple(loader for loader in all_loaders() if loader.schema is None)


@cache
def all_loaders() -> tuple[Loader, ...]:
    """Every line of ``data/implementations.toml``."""
    found = []
    for row in _rows():
        for line in _lines_between(row["distribution"], row["first"], row.get("last")):
            release = latest_of_line(row["distribution"], line)
            if release is None:
                continue
            found.append(
                Loader(
                    implementation=cast("ImplementationName", row["name"]),
                    line=line,
                    release=release,
                    schema=SchemaLine(row["schema"], row.get("schema_line", line)) if "schema" in row else None,
                    models=frozenset(row.get("models", ())),
                    converts=row.get("converts"),
                    writes=_formats_written(row, line),
                    rewrites={name: frozenset(keys) for name, keys in row.get("rewrites", {}).items()},
                    backends=frozenset(row.get("backends", ["tensorflow"])),
                    runs_on_own_line=row["tensorflow"] == "own",
                    module=row.get("module"),
                    backend=row.get("backend", f"{row['module']}.backend" if "module" in row else None),
                    probe=row["loader"],
                    family_member=row.get("family_member"),
                    environment=row.get("environment", {}),
                )
            )
    return tuple(found)


def _formats_written(row: dict[str, Any], line: str) -> frozenset[str]:
    only_in: dict[str, str] = row.get("writes_in", {})
    return frozenset(name for name in row.get("writes", ()) if admits(only_in.get(name, ""), line))


def import_for(expression: str) -> str:
    """The import that makes known what an expression begins with, as loaders spell it: ``import tensorflow as tf``."""
    name = expression.partition(".")[0]
    return next((statement for statement in _imports() if statement.rpartition(" ")[2] == name), f"import {name}")


def distributions_of_implementations() -> tuple[str, ...]:
    """The distributions that hold an implementation, in the order of the table."""
    return tuple(dict.fromkeys(row["distribution"] for row in _rows()))


def own_packages() -> frozenset[str]:
    """The packages at the top of the implementations' own modules."""
    return frozenset(statement.split()[1] for statement in _imports())


def _imports() -> list[str]:
    return [row["import"] for row in _rows()]


def _rows() -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = read_toml("implementations.toml")["implementation"]
    return rows


def _lines_between(distribution: str, first: str, last: str | None) -> Iterator[str]:
    """The lines from *first* to *last*, both included; to the newest where there is no last."""
    for line in lines_of(distribution):
        if line_order(first) <= line_order(line) and (last is None or line_order(line) <= line_order(last)):
            yield line


def bundled_keras_lines(recorded: str) -> tuple[str, ...]:
    """The TensorFlow lines whose own Keras calls itself *recorded*, oldest first."""
    return tuple(line for line in lines_of("tensorflow") if recorded in _bundled_version_strings(line))


def lines_of_producer(producer: int) -> tuple[str, ...]:
    """The TensorFlow lines that write graphs of exactly this producer number, oldest first."""
    return sort_lines(line for line, number in producers() if number == producer)


def first_line_from_producer(producer: int) -> str | None:
    """The first TensorFlow line whose producer number is at least *producer*; ``None`` beyond the newest."""
    later = [line for line, number in producers() if number >= producer]
    return min(later, key=line_order, default=None)


@cache
def _bundled_version_strings(line: str) -> frozenset[str]:
    """What the Keras inside a TensorFlow line calls itself; empty where Keras is a distribution of its own."""
    return frozenset[str]().union(*(keras.versions for keras in keras_of_line(line)))
