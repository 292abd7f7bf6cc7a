"""What the scripts of ``data/refresh`` share: how a generated table is replaced."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import tables


def write(path: Path, operations: dict[str, Any], **options: bool) -> None:
    content = {"packages": {"core": {"versions": ["1.4", "1.5"], "ops": operations}}, "codes": [["a", 1], ["b", 2]]}
    tables.write_document(
        path, content, generator="make.py", source="runs", tables=("packages", "ops", "codes"), **options
    )


def test_a_document_holds_a_row_a_line(tmp_path: Path) -> None:
    write(tmp_path / "table.json", {"Abs": {"v": [[0, 1]]}, "Add": {}})

    assert (tmp_path / "table.json").read_text() == (
        '{\n"generator":"make.py",\n"source":"runs",\n"rows":4,\n"packages":{\n"core":{\n"versions":["1.4","1.5"],\n'
        '"ops":{\n"Abs":{"v":[[0,1]]},\n"Add":{}\n}\n}\n},\n"codes":[\n["a",1],\n["b",2]\n]\n}\n'
    )


def test_the_difference_names_the_rows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path / "table.json", {"Abs": {}, "Add": {}})
    capsys.readouterr()
    write(tmp_path / "table.json", {"Abs": {"v": 1}, "Acos": {}})

    assert capsys.readouterr().err == (
        "table.json: 1 added (packages/core/ops/Acos); 1 changed (packages/core/ops/Abs); "
        "1 removed (packages/core/ops/Add)\n"
    )


def test_a_document_that_lost_rows_is_refused_unless_meant(tmp_path: Path) -> None:
    path = tmp_path / "table.json"
    write(path, {"Abs": {}, "Add": {}})
    with pytest.raises(SystemExit) as caught:
        write(path, {"Abs": {}})
    write(path, {"Abs": {}}, allow_fewer=True)

    assert str(caught.value) == f"{path}: refused to replace 4 rows by 3; --allow-fewer insists"
    assert '"rows":3' in path.read_text()


def test_the_day_of_a_run_that_found_nothing_new_is_not_written(tmp_path: Path) -> None:
    path, rows = tmp_path / "six.jsonl", [{"version": "1.0", "files": []}]
    for day in ("2026-11-21", "2026-11-22"):
        tables.write_lines(path, rows, header={"harvested": day, "rows": 1}, key="version", undated="harvested")
    unchanged = path.read_text()
    rows.append({"version": "1.1", "files": []})
    tables.write_lines(path, rows, header={"harvested": "2026-11-23", "rows": 2}, key="version", undated="harvested")

    assert unchanged == '{"harvested": "2026-11-21", "rows": 1}\n{"version": "1.0", "files": []}\n'
    assert path.read_text().startswith('{"harvested": "2026-11-23", "rows": 2}\n')


def test_the_difference_cuts_long_names_and_lists_short(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [{"subject": "tensorflow", "pins": {"absl-py": "0.15.0", "six": f"1.{number}"}} for number in range(9)]
    tables.write_document(
        tmp_path / "table.json", {"closures": rows}, generator="make.py", source="runs", tables=("closures",)
    )

    row = 'closures/{"subject": "tensorflow", "pins": {"absl-py": "0.1…'
    assert capsys.readouterr().err == f"table.json: 9 added ({', '.join([row] * 8)}, …)\n"
