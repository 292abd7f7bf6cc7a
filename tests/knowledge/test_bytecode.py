from __future__ import annotations

import opcode
import sys

import pytest

from envlock.knowledge.bytecode import code_formats
from envlock.knowledge.datafiles import read_toml

RUNNING = f"{sys.version_info.major}.{sys.version_info.minor}"
FORMATS = {item.line: item for item in code_formats()}


def test_every_line_has_a_layout_and_opcodes() -> None:
    assert list(FORMATS) == ["2.7", "3.4", "3.5", "3.6", "3.7", "3.8", "3.9", "3.10", "3.11", "3.12", "3.13"]
    assert all(len(item.opcodes) > 90 for item in FORMATS.values())


def test_no_two_opcodes_of_a_line_share_a_number() -> None:
    rows = [row for rows in read_toml("bytecode.toml")["opcodes"].values() for row in rows]
    lines = list(FORMATS)
    covered = sum(lines.index(row["last"]) - lines.index(row["first"]) + 1 for row in rows)

    assert covered == sum(len(item.opcodes) for item in FORMATS.values())


@pytest.mark.skipif(RUNNING not in FORMATS, reason=f"the opcodes of Python {RUNNING} are not known")
def test_opcodes_agree_with_the_running_python() -> None:
    known = {item.name: number for number, item in FORMATS[RUNNING].opcodes.items()}

    assert known == {name: opcode.opmap.get(name) for name in known}
