"""Turn the journal of a run into ``data/observed/``: a table for each saver, of what each loader made of its artifacts.

    python -m tests.matrix.observations WORK [--data DIR] [--allow-fewer]

A table holds the versions at work, the ``loaders`` and the distinct ``outcomes``. Each row of ``artifacts`` says what was
read from one (see ``packing.py``), which ``subject`` in which ``kind`` it is, and, for each loader in turn, the place of
its outcome, or -1 where it was not ``tried``; ``definitions`` holds the same for the trials in which the definitions of
custom objects were at hand. An outcome is ``ok`` with the way to load, or the error without what differs from run to run.
What envlock cannot read at all has an ``unreadable`` in place of what was read.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from envlock.artifacts import read_provenance
from envlock.errors import EnvlockError
from envlock.provenance import Provenance
from tests.matrix.experiment import Artifact, Loader, read_environments
from tests.matrix.journal import Row, find_artifacts, journal_of, read_journal, read_report
from tests.matrix.packing import POOLS, Packer, unpack
from tests.matrix.probes.packages import needs_definitions

ROOT = Path(__file__).parents[2]
OBSERVED = ROOT / "data" / "observed"
sys.path.insert(0, str(ROOT / "data" / "refresh"))

from tables import write_document  # noqa: E402 - the scripts of data/refresh/ are no package

GENERATOR = "tests/matrix/observations.py"
SOURCE = "run-2026-11"
NOT_TRIED = -1
LONGEST_ERROR = 120
"""Characters of an error that are kept."""

_OK = "ok: "


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """One artifact before one loader."""

    saver: str
    """Name of the environment that saved it."""

    subject: str
    kind: str
    provenance: Provenance | None
    """``None`` where envlock cannot read it."""

    loader: Loader
    outcomes: tuple[str, ...]
    """Of the trial without definitions of custom objects, and of that with them, where there was one."""

    @property
    def needs_definitions(self) -> bool:
        """Whether it refers to classes and functions that no Keras brings."""
        return needs_definitions(self.subject)

    @property
    def is_loaded(self) -> bool:
        """Whether it loads, if need be with the definitions."""
        return any(outcome.startswith(_OK) for outcome in self.outcomes)


# --- reading ---------------------------------------------------------------------------------------------------------


def read_observations(folder: Path = OBSERVED) -> Iterator[Observation]:
    """Every observation, saver by saver, artifact by artifact."""
    loaders = {loader.name: loader for environment in read_environments() for loader in environment.loaders}
    for path in sorted(folder.glob("*.json")):
        table = json.loads(path.read_bytes())
        for row in table["artifacts"]:
            provenance = None if "unreadable" in row else unpack(row, table)
            definitions = row.get("definitions", [NOT_TRIED] * len(table["loaders"]))
            for name, *places in zip(table["loaders"], row["tried"], definitions, strict=True):
                outcomes = tuple(table["outcomes"][place] for place in places if place != NOT_TRIED)
                if outcomes:
                    yield Observation(
                        saver=path.stem,
                        subject=row["subject"],
                        kind=row["kind"],
                        provenance=provenance,
                        loader=loaders[name],
                        outcomes=outcomes,
                    )


# --- writing ---------------------------------------------------------------------------------------------------------


def main() -> None:
    """Write a table for each saver that is in the journal."""
    parser = argparse.ArgumentParser()
    parser.add_argument("work", type=Path)
    parser.add_argument("--data", type=Path, default=OBSERVED)
    parser.add_argument("--allow-fewer", action="store_true")
    options = parser.parse_args()
    journal = journal_of(options.work)
    rows = read_journal(journal)
    observed = datetime.fromtimestamp(journal.stat().st_mtime, timezone.utc)
    order = [loader.name for environment in read_environments() for loader in environment.loaders]
    for saver in sorted({row["saver"] for row in rows}):
        table = tabulate([row for row in rows if row["saver"] == saver], find_artifacts(options.work / saver), order)
        versions = read_report(options.work, saver)["versions"]
        write_document(
            options.data / f"{saver}.json",
            {"observed": f"{observed:%Y-%m-%d}", "versions": versions, **table},
            generator=GENERATOR,
            source=SOURCE,
            tables=("outcomes", "artifacts", *POOLS),
            allow_fewer=options.allow_fewer,
        )


def tabulate(rows: Sequence[Row], artifacts: Sequence[Artifact], order: Sequence[str]) -> dict[str, Any]:
    """The outcomes of one saver's artifacts, as columns of loaders in *order*; the last outcome of a trial counts."""
    trials = {(row["artifact"], row["loader"], row["definitions"]): describe_outcome(row) for row in rows}
    loaders = [name for name in order if any(loader == name for _, loader, _ in trials)]
    outcomes = sorted(set(trials.values()))
    places = defaultdict(lambda: NOT_TRIED, {outcome: place for place, outcome in enumerate(outcomes)})
    packer, table = Packer(), []
    for artifact in artifacts:
        name = artifact.path.name
        tried, definitions = (
            [places[trials.get((name, loader, has_definitions), "")] for loader in loaders]
            for has_definitions in (False, True)
        )
        if set(tried) == {NOT_TRIED}:
            continue
        row = {"subject": artifact.subject, "kind": artifact.kind, **read(artifact.path, packer), "tried": tried}
        if set(definitions) != {NOT_TRIED}:
            row["definitions"] = definitions
        table.append(row)
    return {"loaders": loaders, "outcomes": outcomes, **packer.pools(), "artifacts": table}


def read(path: Path, packer: Packer) -> Row:
    """What envlock reads from an artifact, or why it cannot."""
    try:
        return packer.pack(read_provenance(path))
    except EnvlockError as error:
        return {"unreadable": f"{error.reference}: {normalize_error(str(error))}"}


def describe_outcome(row: Mapping[str, Any]) -> str:
    """The way in which it loaded, or why not; what it computed is told where it loaded and was wrong."""
    if row["ok"]:
        return f"{_OK}{row['how']}"
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
