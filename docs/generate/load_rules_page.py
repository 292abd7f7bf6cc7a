"""Rewrite ``docs/reference/load-rules.md``: the rules of ``data/load_rules.toml`` for people to read.

python docs/generate/load_rules_page.py
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from envlock.knowledge.load_rules import load_rules

PAGE = Path(__file__).parents[1] / "reference" / "load-rules.md"

_INTRODUCTION = """\
<!-- Written by docs/generate/load_rules_page.py. -->
# What loaders make of artifacts

Classes, keys and operations decide most of what a release loads. These rules say the rest. They are the rows of
`data/load_rules.toml`, which also says of which artifacts and releases each one holds.

| reference | says |
| --- | --- |
"""


def main() -> None:
    PAGE.write_text(render(), encoding="utf-8")


def render() -> str:
    """The page, references in alphabetical order."""
    messages: dict[str, list[str]] = defaultdict(list)
    for rule in load_rules():
        messages[rule.reference].append(rule.message)
    rows = (f"| `{reference}` | {'<br>'.join(messages[reference])} |\n" for reference in sorted(messages))
    return _INTRODUCTION + "".join(rows)


if __name__ == "__main__":
    main()
