"""The Pythons of a machine as text for a person and as JSON document."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import count, groupby
from typing import TYPE_CHECKING

from envlock.cli.documents import Document
from envlock.formats.text import printable
from envlock.knowledge.releases import lines_of

if TYPE_CHECKING:
    from envlock.interpreters.coverage import Coverage, CoveredInterpreter, MissingPython

_LONGEST_PATH = 4096

Row = tuple[str, str, str, str]
"""A Python, the lines of TensorFlow, what else is to be said; and below them, whole for copying, a path or command."""


def render_coverage(coverage: Coverage) -> str:
    """What is here, what was skipped, and what is missing."""
    found, missing = map(_found, coverage.interpreters), map(_missing, coverage.missing)
    parts = [
        *_part("Pythons here, with the TensorFlow that has wheels for each", found),
        *_part("Not here, though TensorFlow has wheels for them", missing),
        *_skipped(coverage),
    ]
    if not coverage.interpreters:
        parts.insert(0, "There is no Python here that environments can be made from.\n")
    return "\n".join(parts)


def coverage_document(coverage: Coverage) -> Document:
    """``envlock/interpreters/1``."""
    return {
        "schema": "envlock/interpreters/1",
        "interpreters": [
            {
                "version": str(item.interpreter.version),
                "line": item.interpreter.line,
                "executable": str(item.interpreter.executable),
                "prefix": str(item.interpreter.prefix),
                "source": item.interpreter.source,
                "system": item.interpreter.system,
                "machine": item.interpreter.machine,
                "libc": item.interpreter.libc,
                "bits": item.interpreter.bits,
                "tensorflow": list(item.tensorflow),
            }
            for item in coverage.interpreters
        ],
        "skipped": [{"executable": str(item.executable), "reason": item.reason} for item in coverage.skipped],
        "missing": [
            {
                "line": item.line,
                "tensorflow": list(item.tensorflow),
                "unserved": list(item.unserved),
                "command": item.command,
            }
            for item in coverage.missing
        ],
    }


def _found(item: CoveredInterpreter) -> Row:
    interpreter = item.interpreter
    machine = ", ".join(filter(None, (interpreter.source, interpreter.machine, interpreter.libc)))
    return str(interpreter.version), _ranges(item.tensorflow), machine, str(interpreter.executable)


def _missing(item: MissingPython) -> Row:
    unserved = f"no Python here serves {_ranges(item.unserved)}" if item.unserved else "others here serve these too"
    return item.line, _ranges(item.tensorflow), unserved, item.command


def _skipped(coverage: Coverage) -> Iterator[str]:
    if coverage.skipped:
        lines = (f"  {_whole(str(item.executable))}: {printable(item.reason)}\n" for item in coverage.skipped)
        yield "Skipped\n" + "".join(lines)


def _part(title: str, rows: Iterable[Row]) -> Iterator[str]:
    """A title and its rows in columns; nothing where there are none."""
    table = list(rows)
    if not table:
        return
    first, second = (max(len(row[column]) for row in table) for column in (0, 1))
    lines = [title]
    for python, tensorflow, remark, below in table:
        lines.append(f"  {python:<{first}}  {tensorflow:<{second}}  {printable(remark)}".rstrip())
        if below:
            lines.append(f"  {'':<{first}}  {_whole(below)}")
    yield "\n".join(lines) + "\n"


def _ranges(lines: Sequence[str]) -> str:
    """Lines of TensorFlow as ranges over those that there are, such as ``1.4 to 2.1, 2.3``."""
    order = {line: place for place, line in enumerate(lines_of("tensorflow"))}
    # What follows one another keeps its distance to a count.
    numbered = zip(lines, count(), strict=False)
    runs = [[line for line, _ in run] for _, run in groupby(numbered, key=lambda pair: order[pair[0]] - pair[1])]
    return ", ".join(run[0] if len(run) == 1 else f"{run[0]} to {run[-1]}" for run in runs) or "no TensorFlow"


def _whole(text: str) -> str:
    return printable(text, _LONGEST_PATH)
