"""Importing the modules of a project, in isolation."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from envlock.interpreters import Interpreter
from envlock.onboarding.smoke import ImportedModule, SmokeTest, import_modules
from envlock.project.interface import OwnModule, Place

Tried = Callable[..., SmokeTest]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project."""
    made = tmp_path.resolve() / "project"
    made.mkdir()
    return made


@pytest.fixture
def write(folder: Path) -> Callable[[dict[str, str]], list[OwnModule]]:
    def write(sources: dict[str, str]) -> list[OwnModule]:
        for name, source in sources.items():
            path = folder / f"{name.replace('.', '/')}.py"
            path.parent.mkdir(exist_ok=True)
            path.write_text(source)
        return [OwnModule(name=name, root=Path(), works_on_import="train(" in text) for name, text in sources.items()]

    return write


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        pytest.param("import json\n", ImportedModule(name="tried", outcome="imported"), id="good"),
        pytest.param(
            "import json\nimport cv2.data\n",
            ImportedModule(
                name="tried",
                outcome="missing",
                missing="cv2",
                distribution="opencv-python",
                error="ModuleNotFoundError: No module named 'cv2'",
                place=Place(Path("tried.py"), 2),
            ),
            id="a distribution is missing",
        ),
        pytest.param(
            "import a_module_of_nobody\n",
            ImportedModule(
                name="tried",
                outcome="missing",
                missing="a_module_of_nobody",
                error="ModuleNotFoundError: No module named 'a_module_of_nobody'",
                place=Place(Path("tried.py"), 1),
            ),
            id="nobody knows what is missing",
        ),
        pytest.param(
            "import tried.more\n",
            ImportedModule(
                name="tried",
                outcome="failed",
                missing="tried.more",
                error="ModuleNotFoundError: No module named 'tried.more'; 'tried' is not a package",
                place=Place(Path("tried.py"), 1),
            ),
            id="a module of its own is missing",
        ),
        pytest.param(
            "import json.encoding\n",
            ImportedModule(
                name="tried",
                outcome="failed",
                missing="json.encoding",
                error="ModuleNotFoundError: No module named 'json.encoding'",
                place=Place(Path("tried.py"), 1),
            ),
            id="a package is there without the module",
        ),
        pytest.param(
            "\n\nassert 1 == 2, 'no\\nway'\n",
            ImportedModule(
                name="tried", outcome="failed", error="AssertionError: no way", place=Place(Path("tried.py"), 3)
            ),
            id="it fails",
        ),
        pytest.param(
            "import sys\nsys.exit('bye')\n",
            ImportedModule(name="tried", outcome="failed", error="SystemExit: bye", place=Place(Path("tried.py"), 2)),
            id="it ends Python",
        ),
        pytest.param(
            "import os\nos._exit(3)\n",
            ImportedModule(name="tried", outcome="failed", error="the process ended with exit status 3 and no result"),
            id="it ends the process",
        ),
        pytest.param(
            "train()\n",
            ImportedModule(name="tried", outcome="skipped", error="importing it does more than define things"),
            id="it would train",
        ),
    ],
)
def test_what_becomes_of_an_import_is_told(
    source: str, expected: ImportedModule, folder: Path, write: Callable[[dict[str, str]], list[OwnModule]]
) -> None:
    assert import_modules(Path(sys.executable), write({"tried": source}), folder).modules == (expected,)


def test_modules_behind_one_that_ends_the_process_are_imported_all_the_same(
    folder: Path, write: Callable[[dict[str, str]], list[OwnModule]]
) -> None:
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


def test_a_module_that_hangs_is_given_up(folder: Path, write: Callable[[dict[str, str]], list[OwnModule]]) -> None:
    modules = write({"first": "import time\ntime.sleep(60)\n", "second": ""})

    test = import_modules(Path(sys.executable), modules, folder, time_limit=3.0)

    assert [(item.outcome, item.error[:16]) for item in test.modules] == [
        ("failed", "no answer within"),
        ("skipped", "the time was ove"),
    ]


def test_a_module_neither_writes_into_the_project_nor_is_what_it_prints_taken_for_a_result(
    folder: Path, write: Callable[[dict[str, str]], list[OwnModule]]
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
    write: Callable[[dict[str, str]], list[OwnModule]],
    require_interpreter: Callable[[str], Interpreter],
) -> None:
    modules = write({"good": "import json\n", "bad": "import a_module_of_nobody.part\n"})

    test = import_modules(require_interpreter(line).executable, modules, folder)

    assert [(item.outcome, (item.missing or "").partition(".")[0]) for item in test.modules] == [
        ("imported", ""),
        ("missing", "a_module_of_nobody"),
    ]
