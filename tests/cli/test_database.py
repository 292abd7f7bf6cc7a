"""``envlock db`` as a person and as a script see it."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest
from packaging.version import Version

from envlock.cli import main
from envlock.cli.database_output import (
    DatabaseCheck,
    check_document,
    render_check,
    render_info,
    render_sheet,
    sheet_document,
)
from envlock.freshness import MissingReleases
from envlock.knowledge.consistency import Problem
from envlock.knowledge.tables import DatabaseInfo, Source, Table, describe_database
from envlock.release_sheet import Section, Sheet, sheet_of

SHOWN = [
    ["tensorflow", "1.15.5"],
    ["tensorflow", "2.3.4"],
    ["tensorflow", "2.15.1"],
    ["tensorflow"],
    ["tensorflow-gpu", "1.4"],
    ["keras", "2.3.1"],
    ["keras"],
    ["tf-keras"],
    ["tensorflow-addons", "0.11"],
    ["tensorflow-text"],
]


def a_table(name: str, **stated: object) -> Table:
    usual = {"generator": None, "rows": 1, "sources": ("notes",), "size": 500, "files": 1}
    return Table(name=name, **(usual | stated))  # type: ignore[arg-type]


INFO = DatabaseInfo(
    tables=(
        a_table("bounds.toml", rows=11, size=2_600, sources=("notes", "run-2026-11")),
        a_table(
            "snapshot/",
            generator="data/refresh/snapshot.py",
            rows=5_123,
            size=1_900_000,
            files=111,
            sources=tuple(f"a-source-of-many-{number}" for number in range(4)),
        ),
    ),
    sources=(
        Source(key="notes", title="Notes", retrieved="2026-11-20"),
        Source(key="run-2026-11", title="Installed and run", retrieved="2026-11-21"),
    ),
    index_day="2026-11-21",
    digest="0123456789abcdef",
)

SHEET = Sheet(
    distribution="left",
    version=Version("1.0"),
    title="left 1.0: released 2020-01-01, last of its line",
    sections=(
        Section(
            name="wheels", title="wheels", lines=("any: Python 3.8", "win_amd64: Python 3.9"), value={"any": ["3.8"]}
        ),
        Section(
            name="requires",
            title="declares",
            lines=(
                "a-name-with-hyphens>=1, another-name-with-hyphens<2, a-third-name-with-many-hyphens~=3.0, a\x1b[31m",
            ),
            value=["a-name-with-hyphens>=1"],
        ),
    ),
)

PROBLEM = Problem(table="bounds.toml", message="no release satisfies right<0")
MISSING = MissingReleases(distribution="right", versions=(Version("1.9"), Version("1.10")))


# --- info ----------------------------------------------------------------------------------------------------


def test_the_tables_and_sources_are_listed() -> None:
    assert render_info(INFO) == (
        "table                   rows     kB  kept by      sources\n"
        "bounds.toml               11      3  hand         notes, run-2026-11\n"
        "snapshot/ (111 files)  5,123  1,900  snapshot.py  a-source-of-many-0, a-source-of-many-1,\n"
        "                                                  a-source-of-many-2, a-source-of-many-3\n"
        "\n"
        "source       read on     what it is\n"
        "notes        2026-11-20  Notes\n"
        "run-2026-11  2026-11-21  Installed and run\n"
        "\n"
        "5,134 rows, 1.9 MB; the package index as of 2026-11-21; digest 0123456789ab\n"
    )


def test_the_list_is_of_the_bundled_tables(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["db", "info", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)

    assert document["schema"] == "envlock/db-info/1"
    assert re.fullmatch("[0-9a-f]{64}", document["digest"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", document["index_day"])
    tables = {table["name"]: table for table in document["tables"]}
    assert tables["bounds.toml"]["generator"] is None
    assert tables["tensorflow.json"]["generator"] == "data/refresh/tensorflow_facts.py"
    assert tables["snapshot/"]["files"] > 1
    assert all(table["rows"] > 0 for table in document["tables"])
    keys = [source["key"] for source in document["sources"]]
    assert {source for table in document["tables"] for source in table["sources"]} == set(keys)


# --- show ----------------------------------------------------------------------------------------------------


def test_a_sheet_is_a_heading_and_blocks_that_are_broken_between_words() -> None:
    assert render_sheet(SHEET) == (
        "left 1.0: released 2020-01-01, last of its line\n"
        "  wheels        any: Python 3.8\n"
        "                win_amd64: Python 3.9\n"
        "  declares      a-name-with-hyphens>=1, another-name-with-hyphens<2,\n"
        "                  a-third-name-with-many-hyphens~=3.0, a\\x1b[31m\n"
    )


def test_a_sheet_is_a_document_of_facts() -> None:
    assert sheet_document(SHEET) == {
        "schema": "envlock/db-show/1",
        "distribution": "left",
        "version": "1.0",
        "facts": {"wheels": {"any": ["3.8"]}, "requires": ["a-name-with-hyphens>=1"]},
    }


@pytest.mark.parametrize("arguments", SHOWN, ids=" ".join)
def test_a_release_is_shown_within_a_hundred_columns(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["db", "show", *arguments]) == 0
    shown = capsys.readouterr()

    assert shown.err == ""
    assert shown.out.startswith(f"{arguments[0]} ")
    assert [line for line in shown.out.splitlines() if len(line) > 100] == []


@pytest.mark.parametrize("arguments", SHOWN, ids=" ".join)
def test_every_release_is_a_document(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["db", "show", *arguments, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)

    assert document["schema"] == "envlock/db-show/1"
    assert document["distribution"] == arguments[0]
    assert document["facts"]["wheels"]


def test_an_unknown_release_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["db", "show", "tensorflow", "2.3.99"]) == 2
    shown = capsys.readouterr()

    assert shown.out == ""
    assert shown.err.startswith("envlock: no release 2.3.99 of tensorflow is known [usage]\n  final releases are, of ")


# --- check ---------------------------------------------------------------------------------------------------

AGREED = "the tables agree with themselves and with each other\n"
ANSWERS = [
    pytest.param((), None, AGREED, id="whole, the index not asked"),
    pytest.param(
        (), (), f"{AGREED}nothing came out on the package index since the database was made\n", id="whole and new"
    ),
    pytest.param((PROBLEM,), None, "bounds.toml: no release satisfies right<0\n", id="a contradiction"),
    pytest.param((), (MISSING,), f"{AGREED}right: the package index also has 1.9, 1.10\n", id="not new"),
]


@pytest.mark.parametrize(("problems", "missing", "told"), ANSWERS)
def test_what_is_wrong_is_told_in_lines(
    problems: tuple[Problem, ...], missing: tuple[MissingReleases, ...] | None, told: str
) -> None:
    assert render_check(DatabaseCheck(problems=problems, missing=missing)) == told


def test_what_is_wrong_is_a_document() -> None:
    assert check_document(DatabaseCheck(problems=(PROBLEM,), missing=(MISSING,))) == {
        "schema": "envlock/db-check/1",
        "problems": [{"table": "bounds.toml", "message": "no release satisfies right<0"}],
        "missing": [{"distribution": "right", "versions": ["1.9", "1.10"]}],
    }
    assert check_document(DatabaseCheck(problems=(), missing=None))["missing"] is None


EXIT_CODES = [
    pytest.param([], (), (), 0, id="whole"),
    pytest.param([], (PROBLEM,), (), 1, id="a contradiction"),
    pytest.param([], (), (MISSING,), 0, id="not asked whether it is new"),
    pytest.param(["--online"], (), (), 0, id="whole and new"),
    pytest.param(["--online"], (), (MISSING,), 1, id="not new"),
]


@pytest.mark.parametrize(("arguments", "problems", "missing", "code"), EXIT_CODES)
def test_the_exit_code_tells_whether_anything_is_wrong(
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    problems: tuple[Problem, ...],
    missing: tuple[MissingReleases, ...],
    code: int,
) -> None:
    monkeypatch.setattr("envlock.knowledge.consistency.find_problems", lambda: problems)
    monkeypatch.setattr("envlock.freshness.find_missing_releases", lambda: missing)

    assert main(["db", "check", *arguments, "-q"]) == code


def test_an_index_that_does_not_answer_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr("envlock.knowledge.consistency.find_problems", lambda: ())
    monkeypatch.setattr("time.sleep", lambda _: None)
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:9/simple/")

    assert main(["db", "check", "--online", "-q"]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert re.fullmatch(
        r"envlock: reading http://127\.0\.0\.1:9/simple/[\w-]+/: the package index cannot be reached: .+ "
        r"\[no-network\]\n  check the connection, .+\n",
        shown.err,
    )


# --- the page ------------------------------------------------------------------------------------------------

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "database.md"


def test_the_page_shows_the_real_output(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["db", "show", "tensorflow", "2.3.3"]) == 0

    assert f"$ envlock db show tensorflow 2.3.3\n{capsys.readouterr().out}```" in PAGE.read_text(encoding="utf-8")


@pytest.mark.skipif(sys.version_info >= (3, 13), reason="argparse words help otherwise from Python 3.13 on")
def test_the_page_shows_the_real_help(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    with pytest.raises(SystemExit):
        main(["db", "check", "--help"])

    assert f"$ envlock db check --help\n{capsys.readouterr().out}```" in PAGE.read_text(encoding="utf-8")


def test_the_page_lists_every_table() -> None:
    listed = re.findall(r"^\| `([\w./]+(?:\.toml|\.json|/))` \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)

    # Verified environments are a table once there are any.
    assert set(listed) - {"closures/"} == {table.name for table in describe_database().tables} - {"closures/"}


def test_the_page_names_every_fact() -> None:
    named = set(re.findall(r"^\| `([\w-]+)` \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE))
    facts = {
        section.name
        for distribution, version in [("tensorflow", "2.15.1"), ("tensorflow", "2.2"), ("tensorflow-addons", None)]
        for section in sheet_of(distribution, version).sections
    }

    assert facts <= named
