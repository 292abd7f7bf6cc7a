"""What each Keras line writes into a configuration and accepts from one, class by class."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Literal, NamedTuple

from envlock.knowledge.datafiles import read_rows
from envlock.knowledge.releases import line_of_text, line_order
from envlock.knowledge.spans import holds, names_at

Lineage = Literal["tfkeras", "keras2", "keras3"]
"""``tfkeras``: tf.keras, keras 2.6 to 2.15 and tf-keras; ``keras2``: standalone 2.0 to 2.3; ``keras3``."""

LINEAGES: tuple[Lineage, ...] = ("tfkeras", "keras2", "keras3")


class SchemaClass(NamedTuple):
    """One serializable class in one version of one lineage."""

    lineage: Lineage
    name: str
    position: int
    """Where the tables of the lineage have the version."""

    @property
    def kind(self) -> str:
        """``layer``, ``optimizer``, ``initializer`` and so on; ``?…`` where the sources do not tell."""
        kind: str = _classes(self.lineage)[self.name]["k"]
        return kind

    @property
    def accepts_any_key(self) -> bool:
        """Whether ``__init__`` takes keywords of any name."""
        return holds(_classes(self.lineage)[self.name].get("o"), self.position)

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

    @property
    def subscripted(self) -> frozenset[str]:
        """Keys that ``from_config`` reads without asking whether they are there: without them it raises."""
        return self._names("s")

    @property
    def module(self) -> str:
        """What the ``module`` key of a configuration says of this class, such as ``keras.layers``.

        Lines from before that key have the module under which the class is exported all the same; where it is not,
        the module that defines it.
        """
        return next(iter(self._names("m")))

    def default_of(self, name: str) -> str | None:
        """The default of a keyword of ``__init__`` as Python source, such as ``'tanh'`` with its quotes.

        None where the keyword is not accepted or has no default; the default ``None`` is the text ``None``.
        """
        if name not in self.accepted or name in self.required:
            return None
        row = _classes(self.lineage)[self.name]
        by_text: dict[str, Any] = row.get("d~", {}).get(name, {})
        steady: str = row.get("d", {}).get(name, "None")
        return next((text for text, spans in by_text.items() if holds(spans, self.position)), steady)

    def _names(self, column: str) -> frozenset[str]:
        return _names_of_class(self.lineage, self.name, self.position, column)


class SchemaLine(NamedTuple):
    """The serializable classes and functions of one line of one lineage."""

    lineage: Lineage
    line: str

    def find_class(self, name: str) -> SchemaClass | None:
        """The class that this line finds under a serialized name, or ``None`` where it finds none.

        That is the class of that name, else one that goes by it as an alias, such as ``max_norm`` for ``MaxNorm``.
        """
        index, classes = _index_of(self.lineage, self.line), _classes(self.lineage)
        for candidate in (name, *self._aliased(name)):
            if candidate in classes and holds(classes[candidate]["v"], index):
                return SchemaClass(self.lineage, candidate, index)
        return None

    def classes(self) -> Iterator[SchemaClass]:
        """Every class of this line, by name."""
        index = _index_of(self.lineage, self.line)
        for name, row in _classes(self.lineage).items():
            if holds(row["v"], index):
                yield SchemaClass(self.lineage, name, index)

    def has_function(self, name: str) -> bool:
        """Whether a function, or an alias of a class or function, of that name can be looked up."""
        index = _index_of(self.lineage, self.line)
        functions = _table(self.lineage)["functions"].values()
        return any(holds(spans.get(name), index) for spans in functions) or bool(self._aliased(name))

    def _aliased(self, name: str) -> list[str]:
        """The names of what goes by *name* as an alias in this line."""
        index = _index_of(self.lineage, self.line)
        targets = _aliases(self.lineage).get(name, {})
        return [target for target, spans in targets.items() if holds(spans, index)]


@cache
def lines_with_schema(lineage: Lineage) -> tuple[str, ...]:
    """The lines whose sources were read, oldest first, whichever distribution carries them."""
    return tuple(line_of_text(version) for _, version in _table(lineage)["versions"])


@cache
def _index_of(lineage: Lineage, line: str) -> int:
    """Where the tables have the line: the nearest earlier one that was read, as registries of operations do."""
    lines = lines_with_schema(lineage)
    return max(index for index, known in enumerate(lines) if line_order(known) <= line_order(line))


def _classes(lineage: Lineage) -> Mapping[str, dict[str, Any]]:
    classes: Mapping[str, dict[str, Any]] = _table(lineage)["classes"]
    return classes


def _aliases(lineage: Lineage) -> Mapping[str, dict[str, Any]]:
    aliases: Mapping[str, dict[str, Any]] = _table(lineage)["aliases"]
    return aliases


def _table(lineage: Lineage) -> Mapping[str, Any]:
    return read_rows(f"keras_schema/{lineage}.json")


@cache
def _names_of_class(lineage: Lineage, name: str, index: int, column: str) -> frozenset[str]:
    row = _classes(lineage)[name]
    return names_at(row.get(column, ()), row.get(f"{column}~", {}), index)


def is_known_class(name: str) -> bool:
    """Whether any line of any lineage finds a class under that name: its own, or one that it goes by."""
    return any(
        name in _classes(lineage) or not _classes(lineage).keys().isdisjoint(_aliases(lineage).get(name, ()))
        for lineage in LINEAGES
    )


def is_known_function(name: str) -> bool:
    """Whether any line of any lineage can look up a function of that name."""
    for lineage in LINEAGES:
        if name in _aliases(lineage) or any(name in known for known in _table(lineage)["functions"].values()):
            return True
    return False
