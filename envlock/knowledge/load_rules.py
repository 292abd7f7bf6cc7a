"""What containers allow: which implementations read a format that others wrote."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import cache
from typing import NamedTuple

from envlock.knowledge.datafiles import read_toml
from envlock.knowledge.loaders import Loader
from envlock.knowledge.specifiers import admits


class LoadRule(NamedTuple):
    """An artifact that the rule speaks of is read by some loaders alone."""

    reference: str
    message: str
    formats: frozenset[str]
    traits: frozenset[str]
    without_traits: frozenset[str]
    saver: Mapping[str, str] | None
    """Implementation to the specifier of its lines; ``None`` where any saver will do."""

    readers: Mapping[str, str]
    """Implementation to the specifier of its lines."""

    def speaks_of(self, artifact_format: str, traits: Collection[str], savers: Collection[Loader]) -> bool:
        """Whether the artifact is one that the rule is about: certainly so, whichever of *savers* wrote it."""
        if artifact_format not in self.formats or not self.traits.issubset(traits):
            return False
        if not self.without_traits.isdisjoint(traits):
            return False
        return self.saver is None or (bool(savers) and all(_covers(self.saver, saver) for saver in savers))

    def admits(self, loader: Loader) -> bool:
        """Whether *loader* reads such artifacts."""
        return _covers(self.readers, loader)


def _covers(lines: Mapping[str, str], loader: Loader) -> bool:
    specifier = lines.get(loader.implementation)
    return specifier is not None and admits(specifier, loader.line)


@cache
def load_rules() -> tuple[LoadRule, ...]:
    """The rules of ``data/load_rules.toml``, in the order of the file."""
    return tuple(
        LoadRule(
            reference=row["reference"],
            message=row["message"],
            formats=frozenset(row["formats"]),
            traits=frozenset(row.get("traits", ())),
            without_traits=frozenset(row.get("without_traits", ())),
            saver=row.get("saver"),
            readers=row["readers"],
        )
        for row in read_toml("load_rules.toml")["rule"]
    )
