"""Which TensorFlow lines a release of another distribution runs on, where its own metadata does not say."""

from __future__ import annotations

import re
from functools import cache
from typing import Literal, NamedTuple

from packaging.version import Version

from envlock.knowledge.datafiles import read_toml
from envlock.knowledge.releases import Release, lines_of, releases_of, sort_lines
from envlock.knowledge.specifiers import admits
from envlock.knowledge.tensorflow_facts import keras_of_line

Basis = Literal["declared", "checked", "tested", "observed"]
"""In metadata; by the distribution when imported; by those who made it; by running it for this database."""


class Pairing(NamedTuple):
    """A range of releases of one distribution, and the TensorFlow lines that they run on."""

    releases: str
    tensorflow: str
    """Specifier of lines."""

    built_against: str | None
    """The line that they were built and tested with: the best of the pairing."""

    basis: Basis
    source: str
    """Key of ``data/sources.toml``."""


@cache
def pairings_of(distribution: str) -> tuple[Pairing, ...]:
    """What is listed of *distribution*, oldest releases first."""
    return tuple(
        Pairing(
            releases=row["releases"],
            tensorflow=row["tensorflow"],
            built_against=row.get("built_against"),
            basis=row["basis"],
            source=row["source"],
        )
        for row in read_toml("pairings.toml")["pairing"]
        if row["distribution"] == distribution
    )


@cache
def paired_lines(distribution: str, version: Version) -> tuple[str, ...]:
    """The TensorFlow lines that a release runs on, newest first; empty where none is known."""
    lines = _listed_lines(distribution, version) | _lines_that_require(distribution, version)
    return tuple(reversed(sort_lines(lines)))


def release_for_tensorflow(distribution: str, line: str) -> Release | None:
    """The release of an add-on for a TensorFlow line: the one built against it, else the newest that admits it.

    ``None`` where no release that was built for a certain line admits it: what runs on any line needs no choice.
    """
    fitting = [pairing for pairing in pairings_of(distribution) if pairing.built_against]
    fitting = [pairing for pairing in fitting if admits(pairing.tensorflow, line)]
    built = [pairing for pairing in fitting if pairing.built_against == line]
    for release in reversed(releases_of(distribution) if fitting else ()):
        if any(admits(pairing.releases, str(release.version)) for pairing in built or fitting):
            return release
    return None


def paired_names() -> tuple[str, ...]:
    """Every distribution whose pairings are listed, sorted."""
    return tuple(sorted({row["distribution"] for row in read_toml("pairings.toml")["pairing"]}))


def is_paired(distribution: str) -> bool:
    """Whether the pairings of *distribution* are listed."""
    return bool(pairings_of(distribution))


def _listed_lines(distribution: str, version: Version) -> frozenset[str]:
    return frozenset(
        line
        for pairing in pairings_of(distribution)
        if admits(pairing.releases, str(version))
        for line in lines_of("tensorflow")
        if admits(pairing.tensorflow, line)
    )


def _lines_that_require(distribution: str, version: Version) -> frozenset[str]:
    """The TensorFlow lines whose metadata asks for Keras 3 and admits this release of it."""
    if distribution != "keras" or version.major < 3:
        return frozenset()
    return frozenset(line for line, specifier in _keras_requirements() if admits(specifier, str(version)))


_REQUIREMENT = re.compile(r"keras\s*(?P<specifier>.*)")


@cache
def _keras_requirements() -> tuple[tuple[str, str], ...]:
    """Each TensorFlow line, and the specifier of the Keras that a release of it asks for."""
    asked = ((line, keras.requirement) for line in lines_of("tensorflow") for keras in keras_of_line(line))
    matches = ((line, _REQUIREMENT.fullmatch(requirement)) for line, requirement in asked if requirement)
    return tuple((line, match["specifier"]) for line, match in matches if match)
