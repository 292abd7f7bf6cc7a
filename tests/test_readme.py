"""The README begins with its two commands."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_the_first_two_commands_make_an_environment_and_run_the_tests() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    install = "python3 -m venv .tool && .tool/bin/pip install -q"

    assert re.findall(r"^```console\n\$ (.*)\n```$", text, flags=re.MULTILINE)[:2] == [
        f"{install} . && .tool/bin/envlock from-model tests/assets/example/model.h5",
        f"{install} -e '.[test]' && .tool/bin/python -m pytest",
    ]


def test_the_table_of_other_tools_is_that_of_their_page() -> None:
    page = (ROOT / "docs" / "explanation" / "peers.md").read_text(encoding="utf-8")
    rows = [re.sub(r"\[([^]]+)\]\([^)]+\)", r"\1", line) for line in page.splitlines() if line.startswith("|")]

    assert "\n".join(rows) in (ROOT / "README.md").read_text(encoding="utf-8")
