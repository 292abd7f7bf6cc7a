"""What the README and the pages say holds: their commands, their output, their references, their links."""

from __future__ import annotations

import ast
import contextlib
import importlib
import io
import pkgutil
import re
import runpy
import shlex
import shutil
import subprocess
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from itertools import dropwhile
from pathlib import Path
from typing import NamedTuple, get_args, get_type_hints

import pytest

import envlock
from envlock.cli import main, whole_parser
from envlock.errors import EnvlockError
from envlock.provenance import Code

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]
GENERATED = {path.stem: path for path in sorted((DOCS / "generate").glob("*.py"))}

OFFLINE = {"inspect", "explain", "docker"}
"""Commands on an artifact that need no network and no environment."""

IS_WORDED_OTHERWISE = sys.version_info >= (3, 13)
"""Whether argparse words help otherwise than the Pythons before, with which the pages are written."""


class Example(NamedTuple):
    """One command of a page, with what stands below it."""

    page: Path
    line: int
    command: str
    shown: str
    assets: dict[str, Path]
    """What the page says that files of its examples are."""


def examples_of(page: Path) -> Iterator[Example]:
    """The commands in the console blocks of *page*.

    ``<!-- model.h5 is tests/assets/example/model.h5 -->`` says for all blocks below which file an example is about.
    """
    assets: dict[str, Path] = {}
    text = page.read_text(encoding="utf-8")
    for found in re.finditer(
        r"^<!-- (\S+) is (\S+) -->$|^```console\n(.*?)^```$", text, flags=re.DOTALL | re.MULTILINE
    ):
        name, asset, block = found.groups()
        if block is None:
            assets[name] = ROOT / asset
            continue
        line = text.count("\n", 0, found.start()) + 2
        for part in re.split(r"^(?=\$ )", block.replace("\\\n", ""), flags=re.MULTILINE):
            if part.startswith("$ "):
                command, _, shown = part[2:].partition("\n")
                yield Example(page, line, command, shown, dict(assets))


def calls_of(command: str) -> Iterator[list[str]]:
    """The words behind each ``envlock`` in a line for a shell."""
    lexer = shlex.shlex(command, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    words: list[str] = []
    tokens = iter([*lexer, ";"])
    for token in tokens:
        if token in {">", ">>", "<"}:
            # Where output goes to is no argument.
            next(tokens)
        elif set(token) <= set("();|&>"):
            called = [*dropwhile(lambda word: re.match(r"[A-Z_]+=", word), words)]
            if called and Path(called[0]).name == "envlock":
                yield called[1:]
            words = []
        else:
            words.append(token)


def is_run(example: Example) -> bool:
    """Whether the command can be run here as it stands, and something is shown of what it prints."""
    words = shlex.split(example.command)
    if not example.shown or words[0] != "envlock" or set(words) & {"--online", ">", "|", "-r"}:
        return False
    if "--help" in words:
        return not IS_WORDED_OTHERWISE
    if words[1] in {"db", "completion"}:
        return True
    return (words[1] in OFFLINE or "--lock-only" in words) and words[2].rstrip("/") in example.assets


# Generated pages are compared as a whole.
EXAMPLES = [
    example
    for page in PAGES
    if not page.read_text(encoding="utf-8").startswith("<!-- Written by")
    for example in examples_of(page)
]


def named(example: Example) -> str:
    return f"{example.page.name}:{example.line}: {example.command}"[:80]


@pytest.fixture(scope="module")
def parser() -> ArgumentParser:
    return whole_parser()


@pytest.mark.parametrize("example", EXAMPLES, ids=named)
def test_every_command_of_a_page_can_be_called_so(example: Example, parser: ArgumentParser) -> None:
    for words in calls_of(example.command):
        # Help ends the parser.
        with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()):
            parser.parse_args(words)


@pytest.mark.parametrize("example", [*filter(is_run, EXAMPLES)], ids=named)
def test_a_command_prints_what_the_page_shows(
    example: Example, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, asset in example.assets.items():
        copy = shutil.copytree if asset.is_dir() else shutil.copy
        copy(asset, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    printed = []
    # Pages are written for terminals of these widths.
    for width in ("80", "100"):
        monkeypatch.setenv("COLUMNS", width)
        with contextlib.suppress(SystemExit):
            main(shlex.split(example.command)[1:])
        printed.append("".join(capsys.readouterr()))

    assert any(re.fullmatch(pattern_of(example.shown), text) for text in printed), printed[0]


def pattern_of(shown: str) -> str:
    """A pattern for *shown*, in which ``…`` stands for lines that are left out, or for a part of one."""
    lines = (
        r"(?:.*\n)*?" if line in {"…", "..."} else re.escape(line).replace("…", ".*") + r"\n"
        for line in shown.splitlines()
    )
    return "".join(lines)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_in_a_sentence_exists(page: Path, parser: ArgumentParser) -> None:
    text = page.read_text(encoding="utf-8")
    spoken = re.findall(r"`envlock ([a-z][a-z-]*(?: (?:info|show|check))?)", text)

    for command in spoken:
        with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()):
            parser.parse_args([*command.split(), "--help"])


CONFIGURATIONS = [
    pytest.param(block, id=f"{page.name}:{number}")
    for page in PAGES
    for number, block in enumerate(
        re.findall(r"^```toml\n(.*?)^```$", page.read_text(encoding="utf-8"), re.DOTALL | re.M)
    )
    if "tool.envlock" in block
]


@pytest.mark.parametrize("block", CONFIGURATIONS)
def test_a_configuration_of_a_page_can_be_followed(
    block: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "pyproject.toml").write_text(block)
    monkeypatch.chdir(tmp_path)

    main(["from-model", "gone.h5"])
    assert capsys.readouterr().err.startswith("envlock: gone.h5: no such file or directory [missing-artifact]\n")


# --- generated pages -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("script", GENERATED.values(), ids=GENERATED)
def test_a_generated_page_is_current(script: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if script.stem == "commands_page" and IS_WORDED_OTHERWISE:
        pytest.skip("argparse words help otherwise from Python 3.13 on")
    monkeypatch.setenv("COLUMNS", "100")
    generator = runpy.run_path(str(script))

    is_current = generator["PAGE"].read_text(encoding="utf-8") == generator["render"]()
    assert is_current, f"run python {script.relative_to(ROOT)}"


@pytest.mark.skipif(shutil.which("man") is None, reason="man is not here")
def test_the_manual_page_is_shown_without_a_warning() -> None:
    done = subprocess.run(
        ["man", "--warnings", "-l", str(DOCS / "man" / "envlock.1")],
        capture_output=True,
        text=True,
        check=True,
        env={"PATH": "/usr/bin:/bin", "MANWIDTH": "80", "LC_ALL": "C.UTF-8", "MAN_KEEP_FORMATTING": ""},
    )

    assert done.stderr == ""
    assert "envlock from-model [OPTION]... PATH" in done.stdout
    assert "--python-version X.Y" in done.stdout


# --- references ----------------------------------------------------------------------------------------------


def table_of(page: str) -> dict[str, list[str]]:
    """The rows of the tables of a page by the names in their first cell."""
    rows = re.findall(
        r"^\| (`[^|]+) \| (.+) \|$", (DOCS / "reference" / page).read_text(encoding="utf-8"), re.MULTILINE
    )
    return {name: rest.split(" | ") for names, rest in rows for name in re.findall(r"`([^`]+)`", names)}


def test_every_error_is_documented_with_its_exit_code() -> None:
    for module in pkgutil.walk_packages(envlock.__path__, "envlock."):
        if not module.name.startswith(("envlock.probes", "envlock.__main__", "envlock.recording")):
            importlib.import_module(module.name)
    errors = {error.reference: str(error.exit_code) for error in descendants(EnvlockError)}

    assert {name: cells[0] for name, cells in table_of("errors.md").items()} == errors


def descendants(kind: type[EnvlockError]) -> Iterator[type[EnvlockError]]:
    for child in kind.__subclasses__():
        if child.__module__.startswith("envlock"):
            yield child
            yield from descendants(child)


def test_every_finding_and_reason_is_documented() -> None:
    nodes = [
        node
        for path in (ROOT / "envlock").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    ]
    calls = (node for node in nodes if isinstance(node, ast.Call))
    given = {text for call in calls for reference in references_in(call) for text in texts_in(reference)}
    documented = {*table_of("findings.md")}

    assert documented >= {*given, *get_args(get_type_hints(Code)["kind"])}
    assert documented <= {text for node in nodes for text in texts_in(node)}, "documented, and no more in the code"


def texts_in(node: ast.AST) -> list[str]:
    return [node.value] if isinstance(node, ast.Constant) and isinstance(node.value, str) else []


def references_in(call: ast.Call) -> Iterator[ast.expr]:
    """What a call passes as a reference."""
    name = call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")
    if name in {"Finding", "Reason", "Cause", "_missing", "_ignored"} and call.args:
        yield call.args[0]
    yield from (keyword.value for keyword in call.keywords if keyword.arg == "reference")


# --- the site ------------------------------------------------------------------------------------------------


def test_the_site_is_built_without_a_warning(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/usr/bin:/bin"},
    )

    assert done.returncode == 0, done.stderr
    assert (tmp_path / "index.html").exists()


def test_every_page_is_in_the_navigation_once() -> None:
    navigation = re.findall(r"[\w/-]+\.md", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"))

    assert sorted(navigation) == sorted(str(page.relative_to(DOCS)) for page in DOCS.rglob("*.md"))


def test_the_readme_links_to_files_that_are_there() -> None:
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", (ROOT / "README.md").read_text(encoding="utf-8"))

    assert [link for link in links if not (ROOT / link).exists()] == []
