"""What functions look up by name and nobody has to define: a typed view of ``global_names.toml``."""

from __future__ import annotations

from collections.abc import Collection
from functools import cache
from typing import NamedTuple

from envlock.knowledge.datafiles import read_toml
from envlock.knowledge.loaders import Loader, import_for
from envlock.knowledge.specifiers import admits


class KnownModule(NamedTuple):
    """A module that nearly everybody calls by the same name."""

    expression: str
    """``{keras}`` and ``{backend}`` in it stand for those of a loader."""

    distribution: str | None
    """What brings it, where that is neither TensorFlow nor Keras, nor anything that these require."""


class Meaning(NamedTuple):
    """What a name stands for."""

    name: str
    expression: str
    """Python for it, which may use ``custom_objects``."""

    statement: str
    """The import that the expression needs; empty for none."""


def meaning_of(name: str, loader: Loader) -> Meaning:
    """What *name* stands for, where *loader*, one of Keras, brings the model back: a module, or what the person has."""
    module = module_called(name)
    if module is None:
        return Meaning(name=name, expression=f"custom_objects[{name!r}]", statement="")
    expression = module.expression.format(keras=loader.module, backend=loader.backend)
    return Meaning(name=name, expression=expression, statement=import_for(expression))


def is_builtin(name: str, pythons: Collection[str]) -> bool:
    """Whether one of the *pythons*, lines such as ``3.8``, has the name itself; any that there is, for none."""
    specifier = _builtins().get(name)
    return specifier is not None and (not pythons or any(admits(specifier, line) for line in pythons))


def module_called(name: str) -> KnownModule | None:
    """The module that nearly everybody calls so, or ``None``."""
    return _modules().get(name)


@cache
def _builtins() -> dict[str, str]:
    """The Pythons that have each name, as a specifier."""
    return {name: row["python"] for row in read_toml("global_names.toml")["builtins"] for name in row["names"]}


@cache
def _modules() -> dict[str, KnownModule]:
    return {
        name: KnownModule(expression=row["expression"], distribution=row.get("distribution"))
        for row in read_toml("global_names.toml")["module"]
        for name in row["names"]
    }
