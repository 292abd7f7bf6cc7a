"""How tables are opened."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from envlock.knowledge.datafiles import read_json, read_rows
from tests.table_copies import use_copy_of_tables

TABLES = [
    "custom_objects.json",
    "keras_schema/keras2.json",
    "keras_schema/keras3.json",
    "keras_schema/tfkeras.json",
    "operations.json",
]


@pytest.mark.parametrize("name", TABLES)
def test_rows_that_are_decoded_one_by_one_are_those_of_the_whole_table(name: str) -> None:
    assert read_rows(name) == read_json(name)


def test_a_table_on_a_single_line_is_read_too(tmp_path: Path) -> None:
    content = {"rows": 1, "classes": {"Dense": {"k": "layer"}}}
    with use_copy_of_tables(tmp_path / "data") as folder:
        (folder / "operations.json").write_text(json.dumps(content), encoding="utf-8")

        assert read_rows("operations.json") == content
