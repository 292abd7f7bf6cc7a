"""Importing the modules of a project, in isolation."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from envlock.interpreters import Interpreter
from envlock.onboarding.smoke import ImportedModule, import_modules
from envlock.project.interface import OwnModule, Place

Write = Callable[[dict[str, str]], list[OwnModule]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project."""
    made = tmp_path.resolve() / "project"
    made.mkdir()
    return made


@pytest.fixture
def write(folder: Path) -> Write:
    def write(sources: dict[str, str]) -> list[OwnModule]:
        for name, source in sources.items():
            path = folder / f"{name.replace('.', '/')}.py"
            path.parent.mkdir(exist_ok=True)
            path.write_text(source)
        return [OwnModule(name=name, root=Path(), works_on_import="train(" in text) for name, text in sources.items()]

    return write


def tried(outcome: str, error: str, *, line: int | None = None, **fields: str) -> ImportedModule:
    """What is told of the one module; *line* is where it fails, ``None`` where that is not known."""
    place = Place(Path("tried.py"), line) if line is not None else None
    return ImportedModule(name="tried", outcome=outcome, error=error, place=place, **fields)


NOT_FOUND = "ModuleNotFoundError: No module named"
BECOMES = {
    "good": ("import json\n", ImportedModule(name="tried", outcome="imported")),
    "a distribution is missing": (
        "import json\nimport cv2.data\n",
        tried("missing", f"{NOT_FOUND} 'cv2'", line=2, missing="cv2", distribution="opencv-python"),
    ),
    "nobody knows what is missing": (
        "import a_module_of_nobody\n",
        tried("missing", f"{NOT_FOUND} 'a_module_of_nobody'", line=1, missing="a_module_of_nobody"),
    ),
    "a module of its own is missing": (
        "import tried.more\n",
        tried("failed", f"{NOT_FOUND} 'tried.more'; 'tried' is not a package", line=1, missing="tried.more"),
    ),
    "a package is there without the module": (
        "import json.encoding\n",
        tried("failed", f"{NOT_FOUND} 'json.encoding'", line=1, missing="json.encoding"),
    ),
    "it fails": ("\n\nassert 1 == 2, 'no\\nway'\n", tried("failed", "AssertionError: no way", line=3)),
    "it ends Python": ("import sys\nsys.exit('bye')\n", tried("failed", "SystemExit: bye", line=2)),
    "it ends the process": (
        "import os\nos._exit(3)\n",
        tried("failed", "the process ended with exit status 3 and no result"),
    ),
    "it would train": ("train()\n", tried("skipped", "importing it does more than define things")),
}


@pytest.mark.parametrize(("source", "expected"), BECOMES.values(), ids=BECOMES)
def test_what_becomes_of_an_import_is_told(source: str, expected: ImportedModule, folder: Path, write: Write) -> None:
    assert import_modules(Path(sys.executable), write({"tried": source}), folder).modules == (expected,)


def test_modules_behind_one_that_ends_the_process_are_imported_all_the_same(folder: Path, write: Write) -> None:
    modules = write({"first": "", "second": "import os\nos.abort()\n", "third": "import first\n"})

    test = import_modules(Path(sys.executable), modules, folder)

    assert [(item.name, item.outcome) for item in test.modules] == [
        ("first", "imported"),
        ("second", "failed"),
        ("third", "imported"),
    ]
    assert not test.passes


def test_modules_of_the_same_name_in_two_roots_are_told_apart(folder: Path) -> None:
    for root, source in [("one", "value = 1\n"), ("two", "raise ValueError('two')\n")]:
        (folder / root).mkdir()
        (folder / root / "same.py").write_text(source)
    modules = [OwnModule(name="same", root=Path(root), works_on_import=False) for root in ("two", "one")]

    test = import_modules(Path(sys.executable), modules, folder)

    assert [item.outcome for item in test.modules] == ["failed", "imported"]


def test_a_module_that_hangs_is_given_up(folder: Path, write: Write) -> None:
    modules = write({"first": "import time\ntime.sleep(60)\n", "second": ""})

    test = import_modules(Path(sys.executable), modules, folder, time_limit=3.0)

    assert [(item.outcome, item.error[:16]) for item in test.modules] == [
        ("failed", "no answer within"),
        ("skipped", "the time was ove"),
    ]


def test_a_module_neither_writes_into_the_project_nor_is_what_it_prints_taken_for_a_result(
    folder: Path, write: Write
) -> None:
    source = "print('{\"outcome\": \"imported\"}')\nopen('left.txt', 'w').write('x')\n"

    test = import_modules(Path(sys.executable), write({"writer": source}), folder)

    assert test.isolation is not None
    if "read-only" in test.isolation.guarantees:
        assert [item.outcome for item in test.modules] == ["failed"]
        assert not (folder / "left.txt").exists()


@pytest.mark.parametrize("line", ["2.7", "3.6", "3.13"])
def test_old_and_new_pythons_tell_alike(
    line: str,
    folder: Path,
    write: Write,
    require_interpreter: Callable[[str], Interpreter],
) -> None:
    modules = write({"good": "import json\n", "bad": "import a_module_of_nobody.part\n"})

    test = import_modules(require_interpreter(line).executable, modules, folder)

    assert [(item.outcome, (item.missing or "").partition(".")[0]) for item in test.modules] == [
        ("imported", ""),
        ("missing", "a_module_of_nobody"),
    ]
