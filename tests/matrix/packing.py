"""What predictions rest on, of many artifacts in one table: what they have in common is written once.

A row of an artifact points into pools of objects, operations and code. What no prediction asks for is left out: sizes,
inputs, signatures, names of layers that could be any. Locations are cut down to where an object stands: in the configuration of the model
or of its training, and at which key.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

from envlock.provenance import Code, ConfigObject, Evidence, Operation, Provenance, Setting

Row = dict[str, Any]

POOLS = ("keys", "objects", "operations", "code")
"""The tables of what artifacts have in common."""


class Packer:
    """Packs provenances, and gathers the pools that their rows point into."""

    def __init__(self) -> None:
        self._pools: dict[str, dict[Hashable, int]] = {name: {} for name in POOLS}

    def pack(self, provenance: Provenance) -> Row:
        """The row of an artifact."""
        row = {
            "name": provenance.path.name,
            "format": provenance.format,
            "content": provenance.content,
            "traits": sorted(provenance.traits),
            "evidence": {item.fact: item.value for item in reversed(provenance.evidence)},
            "objects": [self._place("objects", self._object(item)) for item in provenance.objects],
            "operations": [self._place("operations", _packed(item)) for item in provenance.operations],
            "code": [self._place("code", tuple(item)) for item in provenance.code],
        }
        return {name: value for name, value in row.items() if value}

    def pools(self) -> dict[str, list[Any]]:
        """The pools, each in the order in which its rows came."""
        return {name: list(pool) for name, pool in self._pools.items()}

    def _object(self, item: ConfigObject) -> Hashable:
        root, _, place = item.location.partition(".")
        return (
            item.class_name,
            item.kind,
            self._place("keys", tuple(sorted(item.keys))),
            f"{root}.{place.rpartition('.')[2].partition('[')[0]}",
            item.module,
            item.registered_name,
            tuple((key, value) for key, value in item.settings if key != "name" or _tells(item, value)),
            tuple(sorted(item.call_arguments)),
            item.most_inputs,
        )

    def _place(self, pool: str, row: Hashable) -> int:
        return self._pools[pool].setdefault(row, len(self._pools[pool]))


def _tells(item: ConfigObject, name: Setting) -> bool:
    """Whether the name of an object matters to a loader."""
    return item.kind == "policy" or "/" in str(name)


def unpack(row: Mapping[str, Any], pools: Mapping[str, list[Any]]) -> Provenance:
    """The provenance of an artifact, with what predictions rest on."""
    return Provenance(
        path=Path(row["name"]),
        format=row["format"],
        content=row["content"],
        size=0,
        evidence=tuple(Evidence(fact, value, "") for fact, value in row.get("evidence", {}).items()),
        objects=tuple(_object(pools["objects"][place], pools["keys"]) for place in row.get("objects", ())),
        operations=tuple(_operation(pools["operations"][place]) for place in row.get("operations", ())),
        code=tuple(_code(pools["code"][place]) for place in row.get("code", ())),
        traits=frozenset(row.get("traits", ())),
    )


def _packed(item: Operation) -> Hashable:
    return item.name, tuple(sorted(item.attributes)), item.is_uncalled, tuple(sorted(item.uncalled_attributes))


def _operation(row: list[Any]) -> Operation:
    name, attributes, is_uncalled, uncalled_attributes = row
    return Operation(
        name=name,
        attributes=frozenset(attributes),
        nodes=1,
        is_uncalled=is_uncalled,
        uncalled_attributes=frozenset(uncalled_attributes),
    )


def _object(row: list[Any], keys: list[list[str]]) -> ConfigObject:
    class_name, kind, place_of_keys, location, module, registered_name, settings, call_arguments, most_inputs = row
    return ConfigObject(
        class_name=class_name,
        kind=kind,
        keys=frozenset(keys[place_of_keys]),
        location=location,
        module=module,
        registered_name=registered_name,
        settings=tuple((key, tuple(value) if isinstance(value, list) else value) for key, value in settings),
        call_arguments=frozenset(call_arguments),
        most_inputs=most_inputs,
    )


def _code(row: list[Any]) -> Code:
    kind, name, location, writer_lines, reader_lines, lookups = row
    return Code(
        kind=kind,
        name=name,
        location=location,
        writer_lines=tuple(writer_lines),
        reader_lines=tuple(reader_lines),
        lookups=tuple(lookups),
    )
