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


def read_report(work: Path, saver: str) -> Row:
    """What a saver said of the shares that it is done with: ``shares``, ``saved``, ``failed``, ``versions``, ``seconds``.

    ``shares`` holds those of all subjects, ``parts`` those of the subjects whose names hold a text, by that text.
    """
    path = _report_of(work, saver)
    if not path.exists():
        return {"shares": [], "parts": {}, "saved": [], "failed": {}, "versions": {}, "seconds": 0.0}
    report: Row = {"parts": {}} | json.loads(path.read_bytes())
    return report


def is_saved(work: Path, saver: str, share: int, subjects: str) -> bool:
    """Whether a saver is done with the subjects of a share whose names hold that text."""
    report = read_report(work, saver)
    return share in (report["parts"].get(subjects, []) if subjects else report["shares"])


def add_report(work: Path, saver: str, answer: Row, *, share: int, subjects: str) -> None:
    """Write down what a saver said of a further share, or of its subjects whose names hold that text."""
    before = read_report(work, saver)
    shares, parts = before["shares"], before["parts"]
    if subjects:
        parts = parts | {subjects: [*parts.get(subjects, []), share]}
    else:
        shares = [*shares, share]
    report = {
        "shares": shares,
        "parts": parts,
        # What was saved by itself before is saved again with its share.
        "saved": sorted({*before["saved"], *answer["saved"]}),
        "failed": before["failed"] | answer["failed"],
        "versions": answer["versions"],
        "seconds": round(before["seconds"] + answer["seconds"], 1),
    }
    _report_of(work, saver).write_text(json.dumps(report, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def _report_of(work: Path, saver: str) -> Path:
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
