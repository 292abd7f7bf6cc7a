"""Documents hold the fields that docs/reference/json.md says they hold, and no others."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from envlock.cli import main
from tests.pipeline.test_counterpart import gives, install  # noqa: F401 - a fixture
from tests.world import World

ROOT = Path(__file__).parent.parent
ASSETS = ROOT / "tests" / "assets"
PAGE = (ROOT / "docs" / "reference" / "json.md").read_text(encoding="utf-8")

Print = Callable[..., list[Any]]
Tree = dict[str, Any]
"""Fields by their names; ``[]`` stands for the members of a list, ``{`` for the keys of an object that are data."""


@cache
def rows_of(section: str) -> tuple[tuple[str, str], ...]:
    """Fields and what the page says of them, under a heading."""
    text = re.split(r"^#+ ", PAGE.partition(f"# {section}\n")[2], maxsplit=1, flags=re.MULTILINE)[0]
    if section == "envlock/stamp/1":
        text = "\n".join(f"| `{field}` | {value} |" for field, value in rows_of("envlock/verify/1")) + text
    return tuple(re.findall(r"^\| `([^`]+)` \| (.*?) ?\|$", text, flags=re.MULTILINE))


def tree_of(section: str) -> Tree:
    """The fields that the page lists under a heading, those of the parts that it links to included."""
    tree: Tree = {}
    for field, value in rows_of(section):
        node = tree
        for step in steps_of(field):
            node = node.setdefault(step, {})
        part = re.match(r"\[(\w+)\]\(#(\w+)\)", value)
        if part and part[1] == part[2]:
            node |= tree_of(part[1])
    return tree


def steps_of(field: str) -> Iterator[str]:
    for name in re.sub(r"\[\]", ".[]", field).split("."):
        yield "{" if name.startswith("{") else name


def compare(value: Any, tree: Tree, place: str, seen: set[str]) -> Iterator[str]:
    """What *value* holds and *tree* does not; the places that it fills are added to *seen*."""
    seen.add(place)
    if isinstance(value, dict) and tree:
        for key, member in value.items():
            step = key if key in tree else "{"
            if step in tree:
                yield from compare(member, tree[step], f"{place}.{step}", seen)
            else:
                yield f"{place}.{key}"
    elif isinstance(value, list) and "[]" in tree:
        for member in value:
            yield from compare(member, tree["[]"], f"{place}[]", seen)
    elif isinstance(value, dict) and not place.endswith("{"):
        yield f"{place}: an object"


def unseen(tree: Tree, place: str, seen: Iterable[str]) -> Iterator[str]:
    """The places of *tree* that nothing was found at, though something was at the one above."""
    for step, below in tree.items():
        inner = f"{place}[]" if step == "[]" else f"{place}.{step}"
        if inner in seen:
            yield from unseen(below, inner, seen)
        elif step not in {"[]", "{"} and any(other.startswith(f"{place}.") for other in seen):
            yield inner


def assert_as_documented(documents: list[Any]) -> None:
    """The documents hold what the page lists for their schema, and together all of it that is not left empty."""
    by_schema = defaultdict(list)
    for document in documents:
        by_schema[document["schema"]].append(document)
    assert by_schema
    for schema, alike in by_schema.items():
        tree, seen = tree_of(schema), set[str]()
        assert tree, f"{schema} is not in the page"
        assert [item for document in alike for item in compare(document, tree, schema, seen)] == []
        assert [*unseen(tree, schema, seen)] == []


@pytest.fixture
def printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Print:
    """Runs a command with ``--json`` and gives the documents that it prints."""
    monkeypatch.chdir(tmp_path)

    def run(*words: str | Path) -> list[Any]:
        main([*map(str, words), "--json"])
        out = capsys.readouterr().out
        return [json.loads(line) for line in out.splitlines()] if out.startswith('{"') else [json.loads(out)]

    return run


# --- the fields ----------------------------------------------------------------------------------------------


def test_inspect(printed: Print) -> None:
    assert_as_documented(
        printed(
            "inspect",
            ASSETS / "custom_layer" / "model.h5",
            ASSETS / "keras" / "tf-2.15-functional.keras",
            ASSETS / "lambda_layer" / "model.h5",
            ASSETS / "saved_model" / "2.6",
            stamped_model(Path.cwd()),
        )
    )


def stamped_model(folder: Path) -> Path:
    """A model with what was recorded when it was saved."""
    from envlock.recording import stamp

    model = folder / "model.h5"
    model.write_bytes((ASSETS / "example" / "model.h5").read_bytes())
    stamp(str(model))
    return model


def test_explain(printed: Print) -> None:
    paths = ["keras/tf-1.15-sequential.h5", "saved_model/2.6", "keras/tf-2.3-functional.h5", "custom_layer/model.h5"]

    assert_as_documented([document for path in paths for document in printed("explain", ASSETS / path)])


def test_errors(printed: Print, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(world.folder)
    world.refusals = ["no space"] * 99

    assert_as_documented(
        [*printed("inspect", "gone.h5"), *printed("from-model", "model.h5", "--python-version", "3.10")]
    )


def test_from_model(
    printed: Print,
    world: World,
    install: Callable[..., Path],  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(world.folder)
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(world.folder / "jupyter"))
    world.resolver.releases["ipykernel"] = ["6.0"]
    world.answers, world.there = [gives(("out", 1.0)) for _ in range(5)], gives(("out", 1.0))
    usual = ["from-model", "model.h5", "--code", "code", "--python-version", "3.10"]
    documents = printed(*usual, "--kernel", "--against", install("tensorflow==2.4.4"))
    documents += printed("from-model", "model.h5", "--lock-only", "-o", "other.txt")
    world.refusals = ["no space"]
    documents += printed(*usual, "--clear")

    assert_as_documented(documents)


def test_check(printed: Print, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(world.folder)
    words = ["from-model", "model.h5", "--python-version", "3.10", "--lock-only"]
    printed(*words, "--with", "scipy")
    world.resolver.releases["pip"] = ["25.0"]

    assert_as_documented(printed(*words, "--check", "--upgrade"))


def test_verify(printed: Print, monkeypatch: pytest.MonkeyPatch, install: Callable[..., Path]) -> None:  # noqa: F811
    done = gives(("out", 1.0))
    monkeypatch.setattr("envlock.checking.verify", lambda *_, **__: replace(done, versions={"tensorflow": "2.4.4"}))
    place = install("tensorflow==2.4.4")

    assert_as_documented(printed("verify", ASSETS / "example" / "model.h5", "--venv", place))


def test_stamp(printed: Print, monkeypatch: pytest.MonkeyPatch, install: Callable[..., Path]) -> None:  # noqa: F811
    done = gives(("out", 1.0))
    monkeypatch.setattr("envlock.checking.verify", lambda *_, **__: replace(done, versions={"tensorflow": "2.4.4"}))
    model = shutil.copy(ASSETS / "example" / "model.h5", "model.h5")

    assert_as_documented(
        [
            *printed("stamp", model, "--venv", install("tensorflow==2.4.4")),
            *printed("stamp", "--recorder", "recorder.py"),
        ]
    )


def test_diagnose(printed: Print, tmp_path: Path, install: Callable[..., Path]) -> None:  # noqa: F811
    error = tmp_path / "error.txt"
    error.write_text("ValueError: Unrecognized keyword arguments passed to LSTM: {'time_major': False}\n")
    model = ASSETS / "keras" / "tf-2.3-functional.h5"

    place = install("tensorflow==2.18.1", "keras==3.6.0")
    assert_as_documented(printed("diagnose", model, "--traceback", error, "--venv", place))


def test_docker(printed: Print) -> None:
    assert_as_documented(printed("docker", ASSETS / "example" / "model.h5", "-o", "image"))


def test_from_project(printed: Print, tmp_path: Path) -> None:
    projects = []
    for project in sorted(
        path for path in (ASSETS / "projects").iterdir() if path.is_dir() and path.name[0] not in "._"
    ):
        copy = shutil.copytree(project, tmp_path / project.name)
        projects += printed("from-project", copy, "--lock-only", "--engine", "offline")

    assert_as_documented(projects)


def test_fetch(printed: Print, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel = tmp_path / "index" / "tiny-1.0-py3-none-any.whl"
    wheel.parent.mkdir()
    with ZipFile(wheel, "w") as archive:
        archive.writestr("tiny-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n")
        archive.writestr("tiny-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\n")
    digest = sha256(wheel.read_bytes()).hexdigest()
    (tmp_path / "requirements.txt").write_text(f"tiny==1.0 --hash=sha256:{digest}\n")
    for name, value in [("CONFIG_FILE", os.devnull), ("NO_INDEX", "1"), ("FIND_LINKS", str(wheel.parent))]:
        monkeypatch.setenv(f"PIP_{name}", value)

    assert_as_documented(printed("fetch", "--python-version", "3.8", "--python-platform", "linux_x86_64"))


def test_interpreters(printed: Print, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    broken = tmp_path / "python3.4"
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv("ENVLOCK_PYTHONS", os.pathsep.join([sys.executable, str(broken)]))

    assert_as_documented(printed("interpreters"))


@pytest.mark.parametrize("words", ["db info", "db show tensorflow 2.15.1", "db check", "completion bash"])
def test_documents_that_depend_on_nothing(words: str, printed: Print) -> None:
    assert_as_documented(printed(*words.split()))


# --- the page ------------------------------------------------------------------------------------------------


def test_every_schema_that_a_command_prints_is_in_the_page() -> None:
    sources = (path.read_text(encoding="utf-8") for path in (ROOT / "envlock" / "cli").glob("*.py"))
    schemas = {schema for text in sources for schema in re.findall(r'"schema": "(envlock/[\w-]+/\d+)"', text)}

    assert {*re.findall(r"^## (envlock/\S+)$", PAGE, flags=re.MULTILINE)} == schemas
