"""Operations that each TensorFlow line and each add-on package registers, and the attributes they take."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple

from envlock.knowledge.datafiles import read_rows
from envlock.knowledge.releases import line_of_text, line_order
from envlock.knowledge.spans import holds, names_at

CORE = "core"


class OperationRegistry(NamedTuple):
    """The operations that ``import tensorflow`` registers in one line, in some only of its builds for GPUs."""

    position: int
    """Where the table has the line."""

    def has(self, name: str) -> bool:
        """Whether the operation is registered."""
        row = _operations(CORE).get(name)
        return row is not None and holds(row["v"], self.position)

    def names(self) -> tuple[str, ...]:
        """Every operation that all builds register, sorted."""
        return tuple(sorted(name for name in _operations(CORE) if self.has(name) and not is_gpu_operation(name)))

    def attributes(self, name: str) -> frozenset[str]:
        """The attributes that the operation takes; empty where it is not registered."""
        row = _operations(CORE).get(name)
        if row is None:
            return frozenset()
        return names_at(row.get("a", ()), row.get("p", {}), self.position)


@cache
def registry_of(line: str) -> OperationRegistry | None:
    """The registry of a TensorFlow line: of the nearest earlier line that was read, ``None`` before the first."""
    versions = [line_of_text(version) for version in _table(CORE)["versions"]]
    earlier = [index for index, known in enumerate(versions) if line_order(known) <= line_order(line)]
    return OperationRegistry(earlier[-1]) if earlier else None


def is_core_operation(name: str) -> bool:
    """Whether any TensorFlow line registers the operation."""
    return name in _operations(CORE)


def is_known_operation(name: str) -> bool:
    """Whether any TensorFlow line registers the operation, in its ``tf.contrib`` or by itself, or any add-on."""
    is_of_contrib = name in read_rows("operations.json")["contrib"]["ops"]
    return is_core_operation(name) or is_of_contrib or provider_of(name) is not None


def is_gpu_operation(name: str) -> bool:
    """Whether only builds of TensorFlow with TensorRT register the operation, which are for NVIDIA GPUs and Linux."""
    return "w" in _operations(CORE).get(name, {})


def has_default(name: str, attribute: str) -> bool:
    """Whether the attribute of a core operation has a default in any line."""
    row = _operations(CORE).get(name, {})
    return attribute in row.get("d", ()) or attribute in row.get("dp", {})


def contrib_module_of(name: str, line: str) -> str | None:
    """The module of ``tf.contrib`` whose import registers the operation in a TensorFlow line; ``None`` for no such."""
    table = read_rows("operations.json")["contrib"]
    lines = [line_of_text(version) for version in table["versions"]]
    row = table["ops"].get(name)
    earlier = [index for index, known in enumerate(lines) if line_order(known) <= line_order(line)]
    if row is None or not earlier or line_order(line) > line_order(lines[-1]):
        return None
    places = (place for place, spans in row["w"].items() if holds(spans, earlier[-1]))
    place = next(places, None)
    return None if place is None else f"tensorflow.{place.replace('/', '.')}"


def provider_of(name: str) -> str | None:
    """The add-on distribution that registers the operation, or ``None``."""
    packages = read_rows("operations.json")["packages"]
    return next((package for package in packages if package != CORE and name in packages[package]["ops"]), None)


def _table(package: str) -> Mapping[str, Any]:
    table: Mapping[str, Any] = read_rows("operations.json")["packages"][package]
    return table


def _operations(package: str) -> Mapping[str, Any]:
    operations: Mapping[str, Any] = _table(package)["ops"]
    return operations
