"""How each Python line writes code: a typed view of ``bytecode.toml``."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from envlock.formats.marshal import CodeFormat, CodeLayout, Opcode
from envlock.knowledge.datafiles import read_toml


@cache
def code_formats() -> tuple[CodeFormat, ...]:
    """Every Python line whose code objects are known, oldest first."""
    table = read_toml("bytecode.toml")
    lines: list[str] = [row["line"] for row in table["line"]]
    layouts = _layouts(table["layout"], lines)
    opcodes = _opcodes(table["opcodes"], lines)
    return tuple(
        CodeFormat(
            line=row["line"],
            layout=layouts[row["line"]],
            width=row["width"],
            argument_from=row["argument_from"],
            jump_unit=row["jump_unit"],
            line_table=row["line_table"],
            entry=row.get("entry"),
            opcodes=opcodes[row["line"]],
        )
        for row in table["line"]
    )


def _layouts(rows: list[dict[str, Any]], lines: list[str]) -> dict[str, CodeLayout]:
    layouts: dict[str, CodeLayout] = {}
    for row in rows:
        layout = CodeLayout(counts=tuple(row["counts"]), objects=tuple(row["objects"]), tables=tuple(row["tables"]))
        layouts.update(dict.fromkeys(_covered(row, lines), layout))
    return layouts


def _opcodes(table: Mapping[str, list[dict[str, Any]]], lines: list[str]) -> dict[str, dict[int, Opcode]]:
    opcodes: dict[str, dict[int, Opcode]] = {line: {} for line in lines}
    for name, rows in table.items():
        for row in rows:
            opcode = Opcode(
                name=name,
                caches=row.get("caches", 0),
                jumps=row.get("jump", False),
                largest=row.get("largest"),
                flags=row.get("flags", 0),
            )
            for line in _covered(row, lines):
                opcodes[line][row["number"]] = opcode
    return opcodes


def _covered(row: Mapping[str, Any], lines: list[str]) -> list[str]:
    """The lines from ``first`` to ``last`` of *row*."""
    return lines[lines.index(row["first"]) : lines.index(row["last"]) + 1]
