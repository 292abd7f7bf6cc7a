"""What each Keras line writes into a configuration and accepts from one, class by class."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from packaging.version import Version

from envlock.knowledge.datafiles import read_json
from envlock.knowledge.releases import line_of
from envlock.knowledge.spans import holds, names_at

Lineage = Literal["tfkeras", "keras2", "keras3"]
"""``tfkeras``: tf.keras, keras 2.6 to 2.15 and tf-keras; ``keras2``: standalone 2.0 to 2.3; ``keras3``."""

LINEAGES: tuple[Lineage, ...] = ("tfkeras", "keras2", "keras3")


@dataclass(frozen=True, slots=True)
class SchemaClass:
    """One serializable class in one version of one lineage."""

    _lineage: Lineage
    _name: str
    _index: int

    @property
    def kind(self) -> str:
        """``layer``, ``optimizer``, ``initializer`` and so on; ``?…`` where the sources do not tell."""
        kind: str = _classes(self._lineage)[self._name]["k"]
        return kind

    @property
    def accepts_any_key(self) -> bool:
        """Whether ``__init__`` takes keywords of any name."""
        return holds(_classes(self._lineage)[self._name].get("o"), self._index)

    @property
    def accepted(self) -> frozenset[str]:
        """Keywords of ``__init__``, those of its bases included where it passes them on."""
        return self._names("a")

    @property
    def always_written(self) -> frozenset[str]:
        """Keys that ``get_config`` writes whatever the object."""
        return self._names("g")

    @property
    def sometimes_written(self) -> frozenset[str]:
        """Keys that ``get_config`` writes under a condition."""
        return self._names("c")

    @property
    def required(self) -> frozenset[str]:
        """Keywords of ``__init__`` without a default."""
        return self._names("r")

    @property
    def handled(self) -> frozenset[str]:
        """Keys that ``from_config`` takes care of before ``__init__`` sees them."""
        return self._names("f")

    def _names(self, column: str) -> frozenset[str]:
        return _names_of_class(self._lineage, self._name, self._index, column)


@dataclass(frozen=True, slots=True)
class SchemaLine:
    """The serializable classes and functions of one line of one lineage."""

    lineage: Lineage
    index: int

    def find_class(self, name: str) -> SchemaClass | None:
        """The class of that serialized name, or ``None`` where this line has none."""
        row = _classes(self.lineage).get(name)
        return SchemaClass(self.lineage, name, self.index) if row is not None and holds(row["v"], self.index) else None

    def has_function(self, name: str) -> bool:
        """Whether a function, or an alias of a class or function, of that name can be looked up."""
        table = read_json(f"keras_schema/{self.lineage}.json")
        if any(holds(functions.get(name), self.index) for functions in table["functions"].values()):
            return True
        return any(holds(spans, self.index) for spans in table["aliases"].get(name, {}).values())


@cache
def schema_lines(lineage: Lineage) -> dict[tuple[str, str], SchemaLine]:
    """Every line of a lineage by distribution and line, such as ``("keras", "2.6")``, oldest first."""
    versions = read_json(f"keras_schema/{lineage}.json")["versions"]
    return {
        (distribution, line_of(Version(version))): SchemaLine(lineage, index)
        for index, (distribution, version) in enumerate(versions)
    }


def _classes(lineage: Lineage) -> dict[str, dict[str, Any]]:
    classes: dict[str, dict[str, Any]] = read_json(f"keras_schema/{lineage}.json")["classes"]
    return classes


@cache
def _names_of_class(lineage: Lineage, name: str, index: int, column: str) -> frozenset[str]:
    row = _classes(lineage)[name]
    return names_at(row.get(column, ()), row.get(f"{column}~", {}), index)


def is_known_class(name: str) -> bool:
    """Whether any line of any lineage has a class of that name."""
    return any(name in read_json(f"keras_schema/{lineage}.json")["classes"] for lineage in LINEAGES)


def is_known_function(name: str) -> bool:
    """Whether any line of any lineage can look up a function of that name."""
    for lineage in LINEAGES:
        table = read_json(f"keras_schema/{lineage}.json")
        if name in table["aliases"] or any(name in functions for functions in table["functions"].values()):
            return True
    return False
