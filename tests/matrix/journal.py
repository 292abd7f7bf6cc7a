"""What a run leaves in its folder: artifacts with what their savers computed, reports of savers, and the journal."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.matrix.experiment import Artifact

EXPECTATION = ".expected.json"

Row = dict[str, Any]
"""An outcome: ``saver``, ``artifact`` (its name), ``subject``, ``kind``, ``loader``, ``definitions`` (whether those of
custom objects were at hand), ``ok``, ``how``, ``error``, ``seconds``."""


def journal_of(work: Path) -> Path:
    """The file to which each outcome is appended as a line."""
    return work / "journal.jsonl"


def report_of(work: Path, saver: str) -> Path:
    """What a saver said when it was done: ``saved``, ``failed``, ``versions``, ``seconds``."""
    return work / f"{saver}.saved.json"


def find_artifacts(folder: Path) -> list[Artifact]:
    """The artifacts in the folder of one saver, sorted by name."""
    found = []
    for expectation in sorted(folder.glob(f"*{EXPECTATION}")):
        expected = json.loads(expectation.read_bytes())
        path = expectation.with_name(expectation.name.removesuffix(EXPECTATION))
        found.append(Artifact(path=path, saver=folder.name, subject=expected["subject"], kind=expected["kind"]))
    return found


def read_journal(path: Path) -> list[Row]:
    """All outcomes; a last line that was cut short by a kill is left out."""
    if not path.exists():
        return []
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    return [json.loads(line) for line in lines if line.endswith("\n")]


def key_of(row: Row) -> tuple[object, ...]:
    """What tells the trial of an outcome from all others, as :attr:`Trial.key` does."""
    return row["saver"], row["artifact"], row["loader"], row["definitions"]
