"""Rewrite ``docs/reference/commands.md``: the help of every command, as it is printed on 100 columns.

python docs/generate/commands_page.py, with a Python before 3.13: later ones word help otherwise.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from envlock.cli import whole_parser
from envlock.cli.parsers import all_parsers

PAGE = Path(__file__).parents[1] / "reference" / "commands.md"

_INTRODUCTION = """\
<!-- Written by docs/generate/commands_page.py. -->
# Commands

Results go to standard output; progress, notes and errors go to standard error. `--json` prints [one document](json.md)
in place of the report. `NO_COLOR` is honoured. Options can also be set by
[variables and in a file](configuration.md).

| exit code | meaning |
| --- | --- |
| 0 | done |
| 1 | asked, and answered no: nothing loads the model, no environment, a stale lock, other numbers |
| 2 | wrong usage, unreadable or damaged input, no network, no space: [which](errors.md) |
| 128 + n | ended by signal n; what was half made is removed |
"""


def main() -> None:
    PAGE.write_text(render(), encoding="utf-8")


def render() -> str:
    """The page, commands in the order of the overview."""
    os.environ["COLUMNS"] = "100"
    return "\n".join([_INTRODUCTION, *_sections()])


def _sections() -> Iterator[str]:
    for parser in all_parsers(whole_parser()):
        yield f"## {parser.prog}\n"
        yield f"```console\n$ {parser.prog} --help\n{parser.format_help()}```\n"


if __name__ == "__main__":
    main()
