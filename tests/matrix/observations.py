"""Turn the journal of a run into ``data/observed/``: a table for each saver, of what each loader made of its artifacts.

    python -m tests.matrix.observations WORK [--data DIR] [--allow-fewer]

A table holds the versions at work, the ``loaders`` and the distinct ``outcomes``; each row has a ``subject``, a ``kind``
and, for each loader in turn, the place of its outcome, or -1 where it was not tried. ``definitions`` holds the same
for the trials in which the definitions of custom objects were at hand. An outcome is ``ok`` with the way to load, or
the error without what differs from run to run.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from tests.matrix.experiment import read_environments
from tests.matrix.journal import Row, journal_of, read_journal, read_report

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "data" / "refresh"))

from tables import write_document  # noqa: E402 - the scripts of data/refresh/ are no package

GENERATOR = "tests/matrix/observations.py"
SOURCE = "run-2026-11"
NOT_TRIED = -1
LONGEST_ERROR = 120
"""Characters of an error that are kept."""


def main() -> None:
    """Write a table for each saver that is in the journal."""
    parser = argparse.ArgumentParser()
    parser.add_argument("work", type=Path)
    parser.add_argument("--data", type=Path, default=ROOT / "data")
    parser.add_argument("--allow-fewer", action="store_true")
    options = parser.parse_args()
    journal = journal_of(options.work)
    rows = read_journal(journal)
    observed = datetime.fromtimestamp(journal.stat().st_mtime, timezone.utc)
    order = [loader.name for environment in read_environments() for loader in environment.loaders]
    (options.data / "observed").mkdir(exist_ok=True)
    for saver in sorted({row["saver"] for row in rows}):
        report = read_report(options.work, saver)
        table = tabulate([row for row in rows if row["saver"] == saver], order)
        write_document(
            options.data / "observed" / f"{saver}.json",
            {"observed": f"{observed:%Y-%m-%d}", "versions": report["versions"], **table},
            generator=GENERATOR,
            source=SOURCE,
            tables=("outcomes", "artifacts"),
            allow_fewer=options.allow_fewer,
        )


def tabulate(rows: Iterable[Row], order: Sequence[str]) -> dict[str, Any]:
    """The outcomes of one saver's artifacts, as columns of loaders in *order*; the last outcome of a trial counts."""
    trials = {(row["subject"], row["kind"], row["loader"], row["definitions"]): describe_outcome(row) for row in rows}
    loaders = [name for name in order if any(loader == name for _, _, loader, _ in trials)]
    outcomes = sorted(set(trials.values()))
    places = {outcome: place for place, outcome in enumerate(outcomes)}

    def column(subject: str, kind: str, *, has_definitions: bool) -> list[int]:
        found = (trials.get((subject, kind, loader, has_definitions)) for loader in loaders)
        return [NOT_TRIED if outcome is None else places[outcome] for outcome in found]

    artifacts = []
    for subject, kind in sorted({(subject, kind) for subject, kind, _, _ in trials}):
        row: Row = {"subject": subject, "kind": kind, "tried": column(subject, kind, has_definitions=False)}
        with_definitions = column(subject, kind, has_definitions=True)
        if set(with_definitions) != {NOT_TRIED}:
            row["definitions"] = with_definitions
        artifacts.append(row)
    return {"loaders": loaders, "outcomes": outcomes, "artifacts": artifacts}


def describe_outcome(row: Mapping[str, Any]) -> str:
    """The way in which it loaded, or why not; what it computed is told where it loaded and was wrong."""
    if row["ok"]:
        return f"ok: {row['how']}"
    return normalize_error(row["error"])


def normalize_error(text: str) -> str:
    """An error without what differs from one run to the next: paths, addresses, measures and times."""
    text = re.sub(r"(?:/[\w.+@-]+){2,}/?", "<path>", text)
    text = re.sub(r"0x[0-9a-f]{6,}", "<address>", text)
    text = re.sub(r"(?<=differ by )\S+", "<number>", text)
    # HDF5 says when it could not read.
    text = re.sub(r"(?<=time = )\w+ +\w+ +\d+ [\d:]+ \d+", "<time>", text)
    return " ".join(text.split())[:LONGEST_ERROR]


if __name__ == "__main__":
    main()
