"""What variables and files decide, and what they cannot."""

from __future__ import annotations

import json
import os
import re
from argparse import ArgumentParser, Namespace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envlock import cli
from envlock.cli import main, whole_parser
from envlock.cli.configuration import FROM_FILES
from envlock.cli.configuration_file import ConfigurationError, find_file
from envlock.cli.interface import CommandGroup
from envlock.cli.parsers import all_parsers, long_options
from envlock.reporter import Reporter

DOCUMENTED = Path(__file__).parents[2] / "docs" / "reference" / "configuration.md"


class Show:
    """Prints what it was given."""

    name = "show"
    summary = "show"

    def configure(self, parser: ArgumentParser) -> None:
        """Add an option of each kind."""
        parser.add_argument("path", nargs="?", type=Path)
        parser.add_argument("-o", "--output", type=Path)
        parser.add_argument("--venv", type=Path, default=Path(".venv"))
        parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
        parser.add_argument("--with", action="append", dest="besides", default=[])
        parser.add_argument("--python-platform", action="append")
        parser.add_argument("--port", type=int)
        parser.add_argument("--trust", action="store_true")
        script = parser.add_mutually_exclusive_group()
        script.add_argument("--loader", type=Path)
        script.add_argument("--no-loader", action="store_true")

    def run(self, arguments: Namespace, reporter: Reporter) -> int:
        """Print all that was decided otherwise than by default."""
        del reporter
        usual = {"venv": Path(".venv"), "device": "cpu", "besides": [], "trust": False, "no_loader": False}
        kept = {
            "words",
            "command",
            "open_options",
            *(name for name, value in usual.items() if value == vars(arguments)[name]),
        }
        print(*(f"{name}={value}" for name, value in sorted(vars(arguments).items()) if name not in kept and value))
        return 0


class Other(Show):
    """Has an option that the other lacks."""

    name = "other"

    def configure(self, parser: ArgumentParser) -> None:
        """Add the option."""
        parser.add_argument("--deep", action="store_true")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in [name for name in os.environ if name.startswith("ENVLOCK_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> None:
    group = CommandGroup(name="group", summary="group", commands=(Show(), Other()))
    monkeypatch.setattr(cli, "COMMANDS", {"show": Show, "other": Other, "group": lambda: group})


@pytest.mark.usefixtures("commands")
@pytest.mark.parametrize(
    ("variables", "file", "words", "shown"),
    [
        pytest.param({}, "", "show", "", id="nothing"),
        pytest.param({}, "[show]\nvenv = 'env'", "show", "venv=env", id="file"),
        pytest.param({}, "venv = 'env'", "show", "venv=env", id="file, for all commands"),
        pytest.param({}, "venv = 'a'\n[show]\nvenv = 'b'", "show", "venv=b", id="file, the command's own table first"),
        pytest.param({}, "deep = true", "show", "", id="file, an option of another command"),
        pytest.param({}, "[other]\ndeep = 'odd'", "show", "", id="file, the table of another command"),
        pytest.param({}, "[group.show]\nvenv = 'env'", "group show", "venv=env", id="file, a command of a group"),
        pytest.param({}, "[group]\nvenv = 'env'", "group show", "venv=env", id="file, a group"),
        pytest.param({}, "python-platform = ['a', 'b']", "show", "python_platform=['a', 'b']", id="file, several"),
        pytest.param({"ENVLOCK_VENV": "env"}, "", "show", "venv=env", id="variable"),
        pytest.param({"ENVLOCK_VENV": ""}, "", "show", "", id="empty variable"),
        pytest.param({"ENVLOCK_VENV": "a", "ENVLOCK_SHOW_VENV": "b"}, "", "show", "venv=b", id="variable of a command"),
        pytest.param({"ENVLOCK_GROUP_SHOW_VENV": "b"}, "", "group show", "venv=b", id="variable in a group"),
        pytest.param({"ENVLOCK_PORT": "8"}, "", "show", "port=8", id="variable, a number"),
        pytest.param({"ENVLOCK_TRUST": "1"}, "", "show", "trust=True", id="variable, yes"),
        pytest.param({"ENVLOCK_WITH": "a 'b; c'"}, "", "show", "besides=['a', 'b; c']", id="variable, several"),
        pytest.param({"ENVLOCK_VENV": "a"}, "venv = 'b'", "show", "venv=a", id="variables before files"),
        pytest.param({"ENVLOCK_NO_LOADER": "0"}, "no-loader = true", "show", "", id="a no before a yes"),
        pytest.param(
            {"ENVLOCK_WITH": "a"}, "venv = 'b'", "show --with c --venv=d", "besides=['c'] venv=d", id="line first"
        ),
        pytest.param({}, "loader = 'a'", "show --no-loader", "no_loader=True", id="line, what excludes it"),
        pytest.param({"ENVLOCK_LOADER": "a"}, "no-loader = true", "show", "loader=a", id="variable, what excludes it"),
        pytest.param({"ENVLOCK_PYTHONS": "a", "ENVLOCK_FOREIGN": "b"}, "", "show", "", id="variables of others"),
    ],
)
def test_the_strongest_place_decides(
    variables: dict[str, str],
    file: str,
    words: str,
    shown: str,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (folder / "envlock.toml").write_text(file)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    assert main(words.split()) == 0
    assert capsys.readouterr() == (f"{shown}\n", "")


@pytest.mark.usefixtures("commands")
@pytest.mark.parametrize(
    ("variables", "file", "complaint"),
    [
        pytest.param(
            {},
            "[show]\nvemv = 'env'",
            "envlock.toml: show.vemv: no such option [configuration]\n  did you mean venv?\n",
            id="unknown option",
        ),
        pytest.param(
            {},
            "colour = 'red'",
            "envlock.toml: colour: no such option [configuration]\n"
            "  keys are the long options that envlock show --help lists\n",
            id="option of no command",
        ),
        pytest.param(
            {},
            "[shwo]",
            "envlock.toml: shwo: no such command [configuration]\n  there are show, other, group\n",
            id="unknown command",
        ),
        pytest.param(
            {},
            "venv = 3.8",
            "envlock.toml: venv: expected a string, found a float [configuration]\n  write it in quotes\n",
            id="number",
        ),
        pytest.param(
            {},
            "no-loader = 'yes'",
            "envlock.toml: no-loader: expected a boolean, found a string [configuration]\n",
            id="no boolean",
        ),
        pytest.param(
            {},
            "python-platform = 'linux_x86_64'",
            "envlock.toml: python-platform: expected an array, found a string [configuration]\n",
            id="no array",
        ),
        pytest.param(
            {},
            "python-platform = [2021-01-01]",
            "envlock.toml: python-platform: expected a string, found a date or time [configuration]\n",
            id="wrong member",
        ),
        pytest.param(
            {}, "device = 'gpu'", "envlock.toml: device: 'gpu' is none of cpu, cuda [configuration]\n", id="choice"
        ),
        pytest.param(
            {},
            "venv = '../env'",
            "envlock.toml: venv: ../env does not lie in the folder of the file [configuration]\n",
            id="path outside",
        ),
        pytest.param(
            {},
            "output = '/etc/requirements.txt'",
            "envlock.toml: output: /etc/requirements.txt does not lie in the folder of the file [configuration]\n",
            id="path elsewhere",
        ),
        pytest.param(
            {},
            "[show]\ntrust = true",
            "envlock.toml: show.trust: a file cannot decide this, since its folder may be somebody else's"
            " [configuration]\n  pass --trust, or set ENVLOCK_SHOW_TRUST\n",
            id="trust",
        ),
        pytest.param(
            {},
            "loader = 'a'\nno-loader = true",
            "envlock.toml: --loader and --no-loader exclude each other [configuration]\n",
            id="contradiction",
        ),
        pytest.param(
            {},
            "venv = ",
            "envlock.toml: is no TOML: Invalid value (at end of document) [configuration]\n",
            id="no TOML",
        ),
        pytest.param(
            {}, 'venv = "a\\u0000b"', "envlock.toml: venv: holds a null character [configuration]\n", id="null"
        ),
        pytest.param(
            {},
            "a." * 50_000 + "b = 1",
            "envlock.toml: holds a line of more than 256 dots outside of quotes [configuration]\n",
            id="made to keep busy",
        ),
        pytest.param(
            {},
            '"\\u001b[31m" = 1',
            "envlock.toml: \\x1b[31m: no such option [configuration]\n"
            "  keys are the long options that envlock show --help lists\n",
            id="what acts on a terminal",
        ),
        pytest.param(
            {"ENVLOCK_TRUST": "maybe"}, "", "ENVLOCK_TRUST: expected 1 or 0, found 'maybe' [configuration]\n", id="flag"
        ),
        pytest.param({"ENVLOCK_PORT": "x"}, "", "ENVLOCK_PORT: invalid value: 'x' [configuration]\n", id="no number"),
        pytest.param(
            {"ENVLOCK_WITH": "'a"},
            "",
            'ENVLOCK_WITH: "\'a" cannot be split into words: No closing quotation [configuration]\n',
            id="open quote",
        ),
        pytest.param(
            {"ENVLOCK_CONFIG": "gone.toml"},
            "",
            "gone.toml: No such file or directory [configuration]\n",
            id="no such file",
        ),
    ],
)
def test_what_cannot_be_followed_is_one_line(
    variables: dict[str, str],
    file: str,
    complaint: str,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (folder / "envlock.toml").write_text(file)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    assert main(["show"]) == 2
    assert capsys.readouterr() == ("", f"envlock: {complaint}")


@pytest.mark.usefixtures("commands")
def test_what_cannot_be_followed_is_told_to_scripts_too(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "envlock.toml").write_text("vemv = 'env'")

    assert main(["show", "--json"]) == 2
    assert json.loads(capsys.readouterr().out) == {
        "schema": "envlock/error/1",
        "path": None,
        "reference": "configuration",
        "message": "envlock.toml: vemv: no such option",
        "hint": "did you mean venv?",
    }


@pytest.mark.usefixtures("commands")
def test_help_does_not_need_a_file_that_can_be_followed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "envlock.toml").write_text("venv = ")

    with pytest.raises(SystemExit, match="0"):
        main(["show", "--help"])
    assert capsys.readouterr().out.startswith("usage: envlock show")


@pytest.mark.usefixtures("commands")
def test_the_places_that_decided_are_named_on_request(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "envlock.toml").write_text("venv = 'env'\ndevice = 'cpu'")
    monkeypatch.setenv("ENVLOCK_SHOW_PORT", "8")

    assert main(["show", "-v", "--venv", "x"]) == 0
    assert capsys.readouterr().err == (
        "envlock: ENVLOCK_SHOW_PORT decides --port\nenvlock: envlock.toml decides --device\n"
    )


def test_a_contradiction_names_the_places_where_half_of_it_stands(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "envlock.toml").write_text("quiet = true\n[from-model]\nno-verify = true")
    monkeypatch.setenv("ENVLOCK_ENGINE", "offline")

    assert main(["from-model", "model.h5", "--verify-again"]) == 2
    assert capsys.readouterr().err == (
        "envlock: --verify-again contradicts --no-verify [usage]\n"
        "  leave one of them out\n"
        "envlock: ENVLOCK_ENGINE decides --engine\n"
        "envlock: envlock.toml decides --quiet, --no-verify\n"
    )


def test_a_lock_names_the_whole_command_that_made_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "envlock.toml").write_text("[from-model]\nlock-only = true\noutput = 'locks.txt'")
    monkeypatch.setenv("ENVLOCK_PYTHON_PLATFORM", "linux_x86_64")
    example = Path(__file__).parents[1] / "assets" / "example" / "model.h5"

    assert main(["from-model", str(example), "--python-version", "3.8"]) == 0
    assert (folder / "locks.txt").read_text().splitlines()[2] == (
        "# Made by: envlock from-model --python-platform=linux_x86_64 --lock-only --output=locks.txt model.h5"
        " --python-version 3.8"
    )


# --- which file ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("files", "found"),
    [
        pytest.param({}, None, id="none"),
        pytest.param({"envlock.toml": ""}, "envlock.toml", id="its own"),
        pytest.param({"pyproject.toml": "[tool.envlock]"}, "pyproject.toml", id="table"),
        pytest.param({"pyproject.toml": "[tool.other]\nenvlock = 1"}, None, id="a project file without the table"),
        pytest.param({"pyproject.toml": "x" * (1 << 21)}, None, id="a project file that is none"),
        pytest.param({"pyproject.toml": "[tool.envlock]", "envlock.toml": ""}, "envlock.toml", id="both"),
        pytest.param({"../envlock.toml": ""}, "../envlock.toml", id="above"),
        pytest.param({"../envlock.toml": "", "pyproject.toml": ""}, "../envlock.toml", id="above a file without one"),
        pytest.param({"../envlock.toml": "", ".git/HEAD": ""}, None, id="above a repository"),
        pytest.param({"../envlock.toml": "", ".git": "gitdir: x"}, None, id="above a work tree"),
        pytest.param({"../../envlock.toml": ""}, None, id="above the home folder"),
    ],
)
def test_the_nearest_file_counts(files: dict[str, str], found: str | None, folder: Path) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    try:
        file = find_file(None)
    finally:
        (folder.parent.parent / "envlock.toml").unlink(missing_ok=True)

    assert (None if file is None else file.path.resolve()) == (None if found is None else (folder / found).resolve())


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only the superuser can give files away")
def test_above_the_working_directory_a_file_of_a_stranger_does_not_count(folder: Path) -> None:
    above = folder.parent / "envlock.toml"
    above.touch()
    os.chown(above, 12345, 12345)
    assert find_file(None) is None

    os.chown(folder, 12345, 12345)
    found = find_file(None)
    assert found is not None
    assert found.path == above


def test_a_file_is_named_in_place_of_the_search(folder: Path) -> None:
    (folder / "envlock.toml").write_text("venv = ")
    (folder / "other.toml").write_text("venv = 'x'")

    named, none = find_file("other.toml"), find_file("/dev/null")
    assert named is not None
    assert none is not None
    assert (named.table, none.table) == ({"venv": "x"}, {})


def test_paths_count_from_the_folder_of_the_file(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], commands: None
) -> None:
    (folder / "envlock.toml").write_text("venv = 'env'")
    (folder / "models").mkdir()
    monkeypatch.chdir(folder / "models")

    assert main(["show"]) == 0
    assert capsys.readouterr().out == f"venv={folder / 'env'}\n"


@given(content=st.one_of(st.binary(max_size=200), st.text(max_size=200).map(str.encode)))
def test_any_file_is_read_or_refused_in_one_line(content: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("any") / "envlock.toml"
    path.write_bytes(content)
    try:
        find_file(str(path))
    except ConfigurationError as error:
        complaint = str(error)
    else:
        complaint = f"{path}: none"

    assert complaint.startswith(f"{path}: ")
    assert "\n" not in complaint


@pytest.mark.parametrize("content", [b"x = " + b"[" * 10**5, b"x" * (1 << 21)], ids=["deep", "large"])
def test_a_file_that_is_too_much_is_refused(content: bytes, folder: Path) -> None:
    (folder / "envlock.toml").write_bytes(content)

    with pytest.raises(ConfigurationError):
        find_file(None)


def test_a_removed_working_directory_has_no_file(folder: Path) -> None:
    folder.rmdir()

    assert find_file(None) is None


# --- the real commands ---------------------------------------------------------------------------------------


def test_what_a_file_can_decide_are_options_that_exist() -> None:
    names = {name for parser in all_parsers(whole_parser()) for name, _ in long_options(parser)}

    assert names >= FROM_FILES
    assert not FROM_FILES & {"trust", "code", "builder", "with", "with-requirements", "find-links", "against", "clear"}


def test_every_option_that_a_file_can_decide_is_documented() -> None:
    listed = DOCUMENTED.read_text(encoding="utf-8").partition("and nothing else:\n\n")[2].partition("\n\n")[0]

    assert re.findall(r"`([a-z-]+)`", listed) == sorted(FROM_FILES)


def test_no_variable_stands_for_two_options() -> None:
    """`ENVLOCK_A_B` could be the option b of the command a, and the option a-b of all commands."""
    stands_for = {("PYTHONS", "-"), ("CONFIG", "-")}
    for parser in all_parsers(whole_parser()):
        words = parser.prog.split()[1:]
        for option, _ in long_options(parser):
            for count in range(len(words) + 1):
                stands_for.add(("_".join([*words[:count], option]).upper().replace("-", "_"), option))

    variables = [variable for variable, _ in stands_for]
    assert sorted(variables) == sorted(set(variables))
