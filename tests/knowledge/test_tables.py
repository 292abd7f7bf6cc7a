"""The tables agree with themselves and with each other."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from envlock.knowledge.datafiles import data_folder, read_json, read_toml, table_names
from envlock.knowledge.families import family_of
from envlock.knowledge.loaders import all_loaders
from envlock.knowledge.releases import latest_of_line, lines_of, python_lines_of, releases_of

CURATED = [name for name in table_names() if name.endswith(".toml") and name != "sources.toml"]
GENERATED = [name for name in table_names() if name.endswith(".json")]


def rows_of(name: str) -> Iterator[dict[str, Any]]:
    for rows in read_toml(name).values():
        yield from rows if isinstance(rows, list) else []


@pytest.mark.parametrize("name", CURATED)
def test_every_curated_row_cites_a_source(name: str) -> None:
    """A source at the head of a table speaks for all of its rows."""
    sources, whole = read_toml("sources.toml"), read_toml(name).get("source")
    uncited = [row for row in rows_of(name) if row.get("source", whole) not in sources]

    assert uncited == []


@pytest.mark.parametrize("name", GENERATED)
def test_every_generated_table_names_its_generator_and_source(name: str) -> None:
    table = read_json(name)

    assert (data_folder().parent / table["generator"]).is_file()
    assert table["source"] in read_toml("sources.toml")
    assert table["rows"] > 0


def test_every_bound_cites_a_failure_and_can_be_met() -> None:
    failures = {row["id"] for row in read_toml("failures.toml")["failure"]}
    for row in read_toml("bounds.toml")["bound"]:
        covered = SpecifierSet(row["releases"])
        members = [name for name in ("tensorflow", "keras", "tf-keras") if family_of(row["distribution"]) == name]
        assert any(covered.contains(release.version) for name in members for release in releases_of(name)), row
        assert Requirement(row["requirement"]).specifier, row
        assert row["failure"] in failures, row


def test_every_failure_is_cited_and_its_patterns_compile() -> None:
    cited = {row["failure"] for row in read_toml("bounds.toml")["bound"]}
    for row in read_toml("failures.toml")["failure"]:
        assert row["id"] in cited
        assert all(re.compile(pattern) for pattern in row["error"])


@pytest.mark.parametrize("loader", all_loaders(), ids=lambda loader: loader.name)
def test_every_loader_has_a_tensorflow_with_a_python(loader: Any) -> None:
    assert loader.tensorflow
    for line in loader.tensorflow:
        release = latest_of_line("tensorflow", line)
        assert release is not None
        assert python_lines_of(release, "linux_x86_64")


def test_every_loader_of_keras_models_has_a_schema() -> None:
    assert {
        loader.name for loader in all_loaders() if loader.implementation != "tensorflow" and loader.schema is None
    } == set()


def test_the_lines_are_those_of_the_index() -> None:
    lines = lines_of("tensorflow")

    assert (lines[0], lines[-1]) == ("0.12", "2.21")
    assert [line for line in lines if line.startswith("2.")] == [f"2.{minor}" for minor in range(22)]
