"""From a path to what the artifact is, what wrote it, and what a person should know about it."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from envlock.artifacts import ArtifactSource, LocalSource, read_provenance
from envlock.dating import Saver, date_artifact
from envlock.inspection.findings import find_findings
from envlock.loadability import CustomObject, find_custom_objects
from envlock.provenance import Finding, Provenance
from envlock.stamps import Stamp, find_stamp


class Inspection(NamedTuple):
    """What was read from an artifact, and what was inferred from it."""

    provenance: Provenance
    saver: Saver
    custom: tuple[CustomObject, ...]
    findings: tuple[Finding, ...]
    stamp: Stamp | None = None
    """The environment that was written down for it; ``None`` where none was, or not surely for it."""


def inspect(artifact: Path | ArtifactSource, *, is_deep: bool = False, is_quick: bool = False) -> Inspection:
    """Read the artifact at a path or behind a source, and infer what wrote it. Runs nothing, opens nothing else.

    With *is_deep*, all data are read and checked too, which takes time by their size. So does the digest that a stamp
    is compared with: *is_quick* leaves the stamp of a large artifact out.

    Raises:
        ArtifactError: It is damaged, hostile, or no model.
    """
    source = LocalSource(artifact) if isinstance(artifact, Path) else artifact
    provenance = read_provenance(source)
    saver = date_artifact(provenance)
    custom = find_custom_objects(provenance, saver)
    reads_all = not is_quick
    stamp, told = (
        find_stamp(artifact, provenance.format, reads_all=reads_all) if isinstance(artifact, Path) else (None, ())
    )
    findings = (*find_findings(provenance, saver, custom), *told)
    return Inspection(
        provenance=provenance,
        saver=saver,
        custom=custom,
        findings=(*findings, *_check_data(source)) if is_deep else findings,
        stamp=stamp,
    )


def _check_data(source: ArtifactSource) -> tuple[Finding, ...]:
    # Few ask for it, and it needs the readers of every container.
    from envlock.inspection.integrity import check_integrity

    return check_integrity(source)
