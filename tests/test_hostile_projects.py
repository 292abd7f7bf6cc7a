"""Projects, code and environments made to harm: commands end in time, stay inside the folder, and print plain text."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from envlock.cli import main
from envlock.own_code.definitions import parse_source

ASSETS = Path(__file__).parent / "assets"
MODEL = ASSETS / "keras" / "tf-2.3-functional.h5"
NEEDS_CODE = ASSETS / "custom_layer" / "model.h5"

ESCAPE = "\x1b[31mred\x1b]0;title\x07"
PRIVATE = "a-line-of-the-person"
LONG_NAME = "a." * 100_000 + "b"

Build = Callable[[Path], object]


def write(name: str, text: str) -> Build:
    return lambda folder: (folder / name).write_text(text)


def link(name: str, target: str) -> Build:
    return lambda folder: (folder / name).symlink_to(target)


def pipe(name: str) -> Build:
    return lambda folder: os.mkfifo(folder / name)


def deep(folder: Path) -> None:
    for _ in range(100):
        folder = folder / "n"
        folder.mkdir()
    shutil.copy(MODEL, folder)


PROJECTS = {
    "links out of it": link("requirements.txt", "../secret.txt"),
    "a requirements file that includes another folder": write("requirements.txt", "-r ../secret.txt\n-r /etc/passwd\n"),
    "a link to an endless device": link("requirements.txt", "/dev/zero"),
    "a link to itself": link("loop", "."),
    "a model that is a link": link("model.h5", "/etc/passwd"),
    "pipes": lambda folder: [pipe(name)(folder) for name in ("setup.py", "requirements.txt", "model.h5", "train.py")],
    "folders within folders": deep,
    "a name that no file can have": write("requirements.txt", f"tensorflow\nkeras{'x' * 400}==1.0\n"),
    "a huge line": write("requirements.txt", "six" + "x" * 5_000_000),
    "a million lines": write("requirements.txt", "six==1\n" * 1_000_000),
    "brackets": write("pyproject.toml", "a = " + "[" * 100_000),
    "JSON in JSON": write("Pipfile.lock", "[" * 100_000),
    "YAML in YAML": write("environment.yml", "a: " * 100_000),
    "aliases of aliases": write("environment.yml", "x: &a [" + "*a," * 10_000 + "]"),
    "an import of endless length": write("train.py", f"import tensorflow\nimport {LONG_NAME}\n"),
    "a module that no file can be named": write("train.py", f"import tensorflow, {'a' * 300}\nimport {'b.' * 3000}c\n"),
    "an expression of endless depth": write("train.py", "import tensorflow\nx = " + "-" * 300_000 + "1\n"),
    "a command of endless length": write("Dockerfile", "FROM python:3.8\nRUN pip install " + "six " * 500_000),
    "names that act on a terminal": lambda folder: [
        shutil.copy(MODEL, folder / f"{ESCAPE}.h5"),
        write(f"{ESCAPE}.py", "import keras\n")(folder),
        write("requirements.txt", f"six{ESCAPE}\n-i https://host/{ESCAPE}\n-r {ESCAPE}.txt\n")(folder),
    ],
}


@pytest.mark.parametrize("build", PROJECTS.values(), ids=PROJECTS.keys())
def test_a_hostile_project_is_read_in_time_and_from_within(
    build: Build, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project, output = tmp_path / "project", tmp_path / "output"
    project.mkdir()
    output.mkdir()
    (tmp_path / "secret.txt").write_text(f"{PRIVATE}==1\n")
    build(project)

    code = main(["from-project", str(project), "-o", str(output), "--lock-only", "--engine", "offline"])
    printed = capsys.readouterr()
    page = (output / "ONBOARDING.md").read_text()

    assert code in {0, 1}
    for text in (printed.out, printed.err, page):
        assert text.replace("\n", "").isprintable()
        assert f"asks for {PRIVATE}" not in text
        assert "root:" not in text


@pytest.mark.parametrize("end", [f"import {LONG_NAME}", f"import x, {LONG_NAME}", "from a" + "\\\n.a" * 100_000])
def test_a_dotted_name_that_fills_the_memory_is_not_parsed(end: str) -> None:
    assert parse_source("import os\n") is not None
    assert parse_source(f"import os; {end}\n") is None


@pytest.fixture
def hostile_code(tmp_path: Path) -> Path:
    """A folder of definitions, with a pipe, links out of it, and names that act on a terminal."""
    code = tmp_path / "code"
    code.mkdir()
    (tmp_path / "secret.py").write_text(f"PRIVATE = {PRIVATE!r}\n")
    (code / f"{ESCAPE}.py").write_text("class Scale: pass\n")
    (code / "second.py").write_text("class Scale: pass\n")
    (code / "out.py").symlink_to("../secret.py")
    (code / "endless.py").symlink_to("/dev/zero")
    (code / "loop").symlink_to(".")
    os.mkfifo(code / "pipe.py")
    return code


@pytest.mark.parametrize("command", [["from-model", "--lock-only"], ["docker"]])
def test_hostile_code_is_searched_for_definitions_and_stays_plain(
    command: list[str], hostile_code: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / ("image" if command == ["docker"] else "lock.txt")

    assert main([*command, str(NEEDS_CODE), "--code", str(hostile_code), "-o", str(output)]) == 0
    printed = capsys.readouterr()

    assert printed.out.replace("\n", "").isprintable()
    assert printed.err.replace("\n", "").isprintable()


def test_a_link_out_of_the_code_is_not_copied_into_an_image(
    hostile_code: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["docker", str(NEEDS_CODE), "--code", str(hostile_code), "-o", str(tmp_path / "image"), "--json"]) == 0

    document = json.loads(capsys.readouterr().out)
    assert "out.py is a link that leads out of your code, and is not copied" in document["notes"]
    assert sorted(path.name for path in (tmp_path / "image/code").iterdir()) == [f"{ESCAPE}.py", "second.py"]


ENVIRONMENTS = {
    "settings that are a pipe": pipe("pyvenv.cfg"),
    "settings that are endless": lambda folder: link("pyvenv.cfg", "/dev/zero")(folder),
    "settings that act on a terminal": write("pyvenv.cfg", f"version = 3.8.{ESCAPE}\nhome = /{ESCAPE}\n"),
    "distributions that act on a terminal": lambda folder: [
        write("pyvenv.cfg", "version = 3.8.1\nhome = /usr/bin\n")(folder),
        (folder / f"lib/python3.8/site-packages/tensorflow-2.3.1{ESCAPE}.dist-info").mkdir(parents=True),
        os.mkfifo(folder / "lib/python3.8/site-packages/pipe.egg-link"),
        os.mkfifo(folder / "lib/python3.8/site-packages/pipe.egg-info"),
    ],
}


@pytest.mark.parametrize("build", ENVIRONMENTS.values(), ids=ENVIRONMENTS.keys())
def test_a_hostile_environment_is_read_without_being_run(
    build: Build, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / f"environment{ESCAPE}"
    (folder / "bin").mkdir(parents=True)
    # What says nothing, where it is asked.
    (folder / "bin/python").symlink_to("/bin/false")
    build(folder)

    code = main(["diagnose", str(MODEL), "--venv", str(folder)])
    printed = capsys.readouterr()

    assert code in {1, 2}
    assert printed.out.replace("\n", "").isprintable()
    assert printed.err.replace("\n", "").isprintable()


@pytest.mark.parametrize("command", ["explain", "diagnose", "docker"])
def test_a_model_that_is_named_to_act_on_a_terminal_is_printed_plainly(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = Path(shutil.copy(MODEL, tmp_path / f"{ESCAPE}.h5"))

    code = main([command, str(model), *(["-o", str(tmp_path / "image")] if command == "docker" else [])])
    printed = capsys.readouterr()

    assert code == 0
    assert printed.out.replace("\n", "").isprintable()
    assert printed.err.replace("\n", "").isprintable()
