"""The tables agree with themselves and with each other, and a contradiction in them is found."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from envlock.knowledge.consistency import find_problems
from envlock.knowledge.releases import lines_of
from envlock.knowledge.snapshot import bundled_snapshot
from tests.resolution.snapshots import write_snapshot
from tests.table_copies import forget_tables, use_copy_of_tables


def test_the_tables_have_no_problems() -> None:
    assert find_problems() == ()


def test_the_lines_are_those_of_the_index() -> None:
    lines = lines_of("tensorflow")

    assert (lines[0], lines[-1]) == ("0.12", "2.21")
    assert [line for line in lines if line.startswith("2.")] == [f"2.{minor}" for minor in range(22)]


@pytest.fixture
def tables(tmp_path: Path) -> Iterator[Path]:
    with use_copy_of_tables(tmp_path / "data") as folder:
        yield folder


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
        "operations_with_effects.toml",
        '"IO>CSVReadableInit"',
        '"IO>CsvReadableInit"',
        "operations_with_effects.toml: nothing is known to register IO>CsvReadableInit",
        id="an operation that is spelled otherwise",
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
    pytest.param(
        "accelerators.toml",
        'cuda = "11.0"\ncudnn',
        'cuda = "10.1"\ncudnn',
        "accelerators.toml: 2.4.0: CUDA 10.1, and 11.0 in the wheel",
        id="a CUDA version that the wheel was not built with",
    ),
    pytest.param(
        "accelerators.toml",
        'releases = ">=2.4,<2.5"\ndistributions',
        'releases = ">=2.4.1,<2.5"\ndistributions',
        "accelerators.toml: 0 builds for 2.4.0",
        id="a hole between two ranges",
    ),
    pytest.param(
        "accelerators.toml",
        '[[driver]]\ncuda = "12.5"',
        '[[driver]]\ncuda = "12.6"',
        "accelerators.toml: no driver is known for CUDA 12.5",
        id="a CUDA version without a driver",
    ),
    pytest.param(
        "platforms.toml",
        'platform = "win_amd64"\nreleases = ">=1.4,<2.11"',
        'platform = "win_amd64"\nreleases = ">=1.4,<2.12"',
        "platforms.toml: 2 rows for wheels of 2.11.0 on win_amd64",
        id="ranges that overlap",
    ),
    pytest.param(
        "platforms.toml",
        'tensorflow = ">=2.5,<2.6"',
        'tensorflow = ">=2.5,<2.7"',
        "platforms.toml: several rows of metal for 2.6.0",
        id="two plug-ins for one release",
    ),
    pytest.param(
        "tpu.toml",
        'tensorflow = ">=2.7.3,<2.15"',
        'tensorflow = ">=2.7.3,<2.16"',
        "tpu.toml: several names of TPU software for 2.15.0 on v2",
        id="two names of one TPU software",
    ),
    pytest.param(
        "base_images.toml",
        'releases = ">=2.0,<2.1.1"',
        'releases = ">=2.0,<2.2"',
        "base_images.toml: several images of 2.1.1 for cpu",
        id="two images of one release",
    ),
    pytest.param(
        "base_images.toml",
        'line = "3.7"',
        'line = "3.77"',
        "base_images.toml: there is no image of Python 3.7",
        id="a Python without an image",
    ),
    pytest.param(
        "implementations.toml",
        'schema = "keras2"',
        'schema = "keras1"',
        "implementations.toml: keras: there is no keras_schema/keras1.json",
        id="a schema that there is none of",
    ),
    pytest.param(
        "implementations.toml",
        'keras-yaml = "<2.6"',
        'keras-yml = "<2.6"',
        "implementations.toml: tf.keras: writes_in has keras-yml, which writes lacks",
        id="lines of a format that is not written",
    ),
    pytest.param(
        "implementations.toml",
        'keras-yaml = "<2.6"',
        'keras-yaml = "<1.4"',
        "implementations.toml: tf.keras: no line of it is <1.4",
        id="a format that no line writes",
    ),
    pytest.param(
        "load_rules.toml",
        'readers = { "tf.keras" = "==2.12" }',
        'readers = { "tf.kears" = "==2.12" }',
        "load_rules.toml: archive-layout: tf.kears has no line ==2.12",
        id="a rule for readers that there are none of",
    ),
    pytest.param(
        "tensorflow.json",
        '"keras<2.16,>=2.15.0"',
        '"keras<2.17,>=2.15.0"',
        "tensorflow.json: 2.15.0 does not declare keras<2.17,>=2.15.0",
        id="a Keras that the metadata does not ask for",
    ),
    pytest.param(
        "custom_objects.toml",
        'distribution = "tensorflow-addons"',
        'distribution = "tensorflow-add-ons"',
        "custom_objects.json: custom_objects.toml has no tensorflow-addons",
        id="objects of an unknown provider",
    ),
    pytest.param(
        "custom_objects.toml",
        'module = "tensorflow_addons"',
        'module = "tensorflow_add_ons"',
        "custom_objects.json: tensorflow-addons is told otherwise in custom_objects.toml",
        id="a generated table that is older than what it repeats",
    ),
    pytest.param(
        "snapshot/astunparse.jsonl",
        '"six>',
        '"seven>',
        "snapshot/astunparse.jsonl: the snapshot has no seven, which it requires",
        id="a requirement that is not in the snapshot",
    ),
    pytest.param(
        "releases/tensorflow.json",
        '"1.15.5":{"uploaded":"2021-01-06"',
        '"1.15.5":{"uploaded":"2021-01-07"',
        "releases/tensorflow.json: tensorflow 1.15.5 of 2021-01-07 is of 2021-01-06 in the snapshot",
        id="a day that is told in two ways",
    ),
]


@pytest.mark.parametrize(("name", "before", "after", "problem"), SPOILED)
def test_a_contradiction_is_found(tables: Path, name: str, before: str, after: str, problem: str) -> None:
    path = tables / name
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after, 1), encoding="utf-8")

    found = told_problems()

    rows = json.loads(text.partition("\n")[0])["rows"] if name.endswith(".jsonl") else None
    assert problem.format(rows=rows) in found if rows else problem in found


SNAPSHOT = {
    "left": {"1.0": {"requires": ["right<2", "else; sys_platform == 'win32'", "more; extra == 'all'"]}},
    "right": {"1.0": {}, "2.0": {}},
    "tensorflow-cpu": {"2.4.4": {}},
    "protobuf": {"3.20.3": {}, "4.21.0": {}},
}

CONTRADICTIONS = [
    pytest.param({"left": "1.0", "right": "1.0"}, [], id="whole"),
    pytest.param({"right": "3.0"}, ["the snapshot has no right 3.0"], id="a release that the snapshot does not know"),
    pytest.param({"left": "1.0"}, ["left requires right, which is not there"], id="a requirement that is not met"),
    pytest.param(
        {"left": "1.0", "right": "2.0"}, ["right 2.0 is against right<2 of left"], id="a requirement that is violated"
    ),
    pytest.param(
        {"tensorflow-cpu": "2.4.4", "protobuf": "4.21.0"},
        ["protobuf 4.21.0 is against the bound protobuf<3.21"],
        id="a bound that is violated",
    ),
]


@pytest.mark.parametrize(("pins", "problems"), CONTRADICTIONS)
def test_a_closure_agrees_with_the_snapshot(tables: Path, pins: dict[str, str], problems: list[str]) -> None:
    write_snapshot(tables / "snapshot", SNAPSHOT)
    write_closures(tables, "subject", closure(pins))

    table = "closures/subject.json: "
    found = [problem.removeprefix(table) for problem in told_problems() if problem.startswith(table)]

    assert found == [f"subject 1.0 on Python 3.8: {problem}" for problem in problems]


def test_a_failure_has_a_reason(tables: Path) -> None:
    explained = closure({}, error="import: ImportError", reason="that release never worked")
    write_closures(tables, "failed", explained, closure({"right": "3.0"}, error="import: ImportError"))

    table = "closures/failed.json: "
    assert [problem for problem in told_problems() if problem.startswith(table)] == [
        "closures/failed.json: subject 1.0 on Python 3.8: no reason is given"
    ]


def closure(pins: dict[str, str], **outcome: str) -> dict[str, object]:
    return {
        "subject": "subject",
        "version": "1.0",
        "requested": ["subject==1.0"],
        "python": "3.8",
        "platform": "linux_x86_64",
        "observed": "2026-11-21",
        "pins": pins,
        "did": {},
    } | outcome


def write_closures(tables: Path, name: str, *rows: dict[str, object]) -> None:
    table = {"generator": "data/refresh/closures.py", "source": "run-2026-11", "rows": len(rows), "closures": rows}
    (tables / "closures").mkdir(exist_ok=True)
    (tables / "closures" / f"{name}.json").write_text(json.dumps(table), encoding="utf-8")


def told_problems() -> list[str]:
    forget_tables()
    return [f"{item.table}: {item.message}" for item in find_problems()]


def test_every_release_of_the_snapshot_can_be_asked_for() -> None:
    snapshot = bundled_snapshot()
    empty = [name for name in snapshot.names() if not (package := snapshot.package(name)) or not package.versions]

    assert empty == []
