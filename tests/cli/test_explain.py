"""``envlock explain`` as a person and as a script see it.

What is expected of whole artifacts stands in ``tests/golden/explain/``; ENVLOCK_WRITE_GOLDEN=1 writes it anew.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from envlock.cli import main
from envlock.cli.explain_output import render_explanation
from envlock.target import LINUX_X86_64
from tests.explanation.explanations import ASSETS, GOLDEN, HARMFUL_NAME, explain_harmful

Explained = Callable[..., str]


@pytest.fixture
def explained(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Explained:
    """What ``explain`` prints for arguments, among the assets and for one platform."""
    monkeypatch.chdir(ASSETS)
    monkeypatch.setattr("envlock.target.platform_here", lambda: LINUX_X86_64)

    def explain(*arguments: str, exit_code: int = 0) -> str:
        assert main(["explain", *arguments]) == exit_code
        return capsys.readouterr().out

    return explain


def assert_is_golden(found: str, name: str) -> None:
    golden = GOLDEN / name
    if os.environ.get("ENVLOCK_WRITE_GOLDEN") == "1":
        golden.write_text(found, encoding="utf-8")

    assert found == golden.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("keras/tf-2.3-functional.h5", []),
        ("keras/tf-1.15-lambda.h5", []),
        ("keras/tf-2.21-functional.keras", ["-v"]),
        ("saved_model/2.6", []),
        ("graphs/1.12/frozen.pb", []),
    ],
)
def test_the_text_tells_who_wrote_it_what_loads_it_and_what_to_do(
    name: str, options: list[str], explained: Explained
) -> None:
    assert_is_golden(explained(name, *options), f"{name.replace('/', '-')}.txt")


def test_the_document_tells_all_of_it(explained: Explained) -> None:
    assert_is_golden(explained("custom_layer/model.h5", "--json"), "custom_layer-model.h5.json")


def test_the_page_tells_the_same(explained: Explained, tmp_path: Path) -> None:
    explained("graphs/1.12/frozen.pb", "--html", str(tmp_path / "page.html"))

    assert_is_golden((tmp_path / "page.html").read_text(encoding="utf-8"), "graphs-1.12-frozen.pb.html")


@pytest.mark.parametrize("name", sorted(path.name for path in (ASSETS / "keras").glob("tf-*")))
def test_no_line_is_wider_than_80_columns_but_paths_and_commands(name: str, explained: Explained) -> None:
    lines = explained(f"keras/{name}", "-v").splitlines()

    assert [line for line in lines if len(line) > 80 and "envlock from-model" not in line] == []


def test_there_is_a_row_for_each_line_with_its_last_release(explained: Explained) -> None:
    document = json.loads(explained("keras/tf-2.3-functional.h5", "--json"))
    rows = {(row["implementation"], row["line"]): row for row in document["loaders"]}

    del rows["tf.keras", "2.4"]["reasons"]
    assert rows["tf.keras", "2.4"] == {
        "implementation": "tf.keras",
        "line": "2.4",
        "keras": None,
        "tensorflow": "2.4",
        "pythons": ["3.6", "3.7", "3.8"],
        "verdict": "loads",
        "how": "tf.keras.models.load_model(path)",
    }


def test_bytecode_leaves_the_pythons_that_read_it(explained: Explained) -> None:
    document = json.loads(explained("keras/tf-1.15-lambda.h5", "--json"))
    pythons = {(row["implementation"], row["line"]): row["pythons"] for row in document["loaders"]}

    assert (pythons["tf.keras", "1.15"], pythons["tf.keras", "2.15"]) == (["3.6", "3.7"], [])


def test_what_stems_from_the_artifact_cannot_act_on_the_terminal(tmp_path: Path) -> None:
    text = render_explanation(explain_harmful(tmp_path), verbose=True)

    assert HARMFUL_NAME not in text
    assert [character for character in text if not character.isprintable() and character != "\n"] == []


def test_only_the_words_of_verdicts_are_coloured(tmp_path: Path) -> None:
    explanation = explain_harmful(tmp_path)

    painted = render_explanation(explanation, paint=lambda word, verdict: f"<{verdict}>{word}</>")

    words = {"loads", "needs code", "fails", "unknown"}
    plain = painted.replace("</>", "")
    for verdict in ("loads", "needs-code", "fails", "unknown"):
        plain = plain.replace(f"<{verdict}>", "")
    assert plain == render_explanation(explanation)
    assert {part.partition("</>")[0].partition(">")[2] for part in painted.split("<")[1:] if "</>" in part} <= words


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals")
@pytest.mark.parametrize(
    ("variables", "is_coloured"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)]
)
def test_a_terminal_has_colours_unless_they_are_not_wanted(variables: dict[str, str], is_coloured: bool) -> None:
    import pty

    ours, theirs = pty.openpty()
    environment = {name: value for name, value in os.environ.items() if name not in {"NO_COLOR", "FORCE_COLOR"}}
    command = [sys.executable, "-m", "envlock", "explain", str(ASSETS / "graphs/1.12/frozen.pb")]
    subprocess.run(command, stdout=theirs, env={**environment, "TERM": "xterm", **variables}, check=True)
    os.close(theirs)

    with os.fdopen(ours, "rb") as stream:
        # As much as there is: at its end, a pseudo-terminal fails to read instead of ending.
        printed = os.read(stream.fileno(), 100_000)

    assert (b"\x1b[32mloads\x1b[0m" in printed) == is_coloured
    assert (b"\x1b" in printed) == is_coloured


def test_the_exit_code_says_that_nothing_loads_it(explained: Explained, tmp_path: Path) -> None:
    path = explain_harmful(tmp_path).inspection.provenance.path

    assert explained(str(path), exit_code=1).endswith("\n\nNo environment on Linux x86_64 is expected to load it.\n")


@pytest.mark.parametrize(
    ("name", "kind"), [("keras/README.md", "not-a-model"), ("keras/missing.h5", "missing-artifact")]
)
def test_what_is_no_artifact_is_told_as_a_document(name: str, kind: str, explained: Explained) -> None:
    document = json.loads(explained(name, "--json", exit_code=2))

    assert (document["schema"], document["reference"]) == ("envlock/error/1", kind)


# --- the file of the page ------------------------------------------------------------------------------------


def test_a_page_of_envlock_is_written_anew(explained: Explained, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    explained("graphs/1.12/frozen.pb", "--html", str(page))
    explained("custom_layer/model.h5", "--html", str(page))

    assert "<h1>model.h5</h1>" in page.read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", ["text", "folder", "link"])
def test_what_is_no_page_of_envlock_is_left_alone(kind: str, explained: Explained, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    match kind:
        case "text":
            path.write_text("mine", encoding="utf-8")
        case "folder":
            path.mkdir()
        case "link":
            path.symlink_to(tmp_path / "elsewhere")

    document = json.loads(explained("custom_layer/model.h5", "--html", str(path), "--json", exit_code=2))

    assert document["reference"] == "occupied-path"
    assert document["message"] == f"{path}: is no page of envlock, left untouched"
    assert not (tmp_path / "elsewhere").exists()
