"""The tables agree with themselves and with each other, and a contradiction in them is found."""

from __future__ import annotations

import gc
import json
import shutil
from collections.abc import Iterator
from functools import _lru_cache_wrapper
from pathlib import Path

import pytest

from envlock.knowledge import datafiles
from envlock.knowledge.consistency import find_problems
from envlock.knowledge.releases import lines_of
from envlock.knowledge.snapshot import bundled_snapshot


def test_the_tables_have_no_problems() -> None:
    assert find_problems() == ()


def test_the_lines_are_those_of_the_index() -> None:
    lines = lines_of("tensorflow")

    assert (lines[0], lines[-1]) == ("0.12", "2.21")
    assert [line for line in lines if line.startswith("2.")] == [f"2.{minor}" for minor in range(22)]


@pytest.fixture
def tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of the tables that the test may spoil."""
    folder = tmp_path / "data"
    shutil.copytree(datafiles.data_folder(), folder, ignore=shutil.ignore_patterns("refresh"))
    _forget()
    with monkeypatch.context() as patched:
        patched.setattr(datafiles, "_folder_of_tables", lambda: folder)
        yield folder
    _forget()


def _forget() -> None:
    """Drop all that the views keep of the tables."""
    for item in gc.get_objects():
        if isinstance(item, _lru_cache_wrapper) and (item.__module__ or "").startswith("envlock."):
            item.cache_clear()


SPOILED = [
    pytest.param(
        "bounds.toml",
        'requirement = "protobuf<3.21"',
        'requirement = "protobuf<0.1"',
        "bounds.toml: no release satisfies protobuf<0.1",
        id="a bound that nothing satisfies",
    ),
    pytest.param(
        "bounds.toml",
        'failure = "numpy-2"',
        'failure = "numpy-3"',
        "bounds.toml: numpy<2: there is no failure numpy-3",
        id="a failure that is not listed",
    ),
    pytest.param(
        "bounds.toml",
        'releases = ">=2.7,<2.14.1"',
        'releases = ">=2.7,<2.1"',
        "bounds.toml: releases = '>=2.7,<2.1': ends before it begins",
        id="a range without anything in it",
    ),
    pytest.param(
        "families.toml",
        'source = "package-index"',
        'source = "hearsay"',
        "families.toml: a row cites hearsay, which sources.toml lacks",
        id="a source that is not listed",
    ),
    pytest.param(
        "failures.toml",
        "_ARRAY_API not found",
        "(_ARRAY_API",
        "failures.toml: numpy-2: '(_ARRAY_API': missing ), unterminated subpattern at position 0",
        id="a pattern that does not compile",
    ),
    pytest.param(
        "pairings.toml",
        'releases = "==0.6.0"',
        'releases = "==0.6.77"',
        "pairings.toml: no release of tensorflow-addons is ==0.6.77",
        id="a pairing of a release that never was",
    ),
    pytest.param(
        "snapshot/gast.jsonl",
        '"rows": ',
        '"rows": 9',
        "snapshot/gast.jsonl: 9{rows} rows announced, {rows} there",
        id="a table that is cut",
    ),
]


@pytest.mark.parametrize(("name", "before", "after", "problem"), SPOILED)
def test_a_contradiction_is_found(tables: Path, name: str, before: str, after: str, problem: str) -> None:
    path = tables / name
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after, 1), encoding="utf-8")

    found = [f"{item.table}: {item.message}" for item in find_problems()]

    rows = json.loads(text.partition("\n")[0])["rows"] if name.endswith(".jsonl") else None
    assert problem.format(rows=rows) in found if rows else problem in found


def test_every_release_of_the_snapshot_can_be_asked_for() -> None:
    snapshot = bundled_snapshot()
    empty = [name for name in snapshot.names() if not (package := snapshot.package(name)) or not package.versions]

    assert empty == []
