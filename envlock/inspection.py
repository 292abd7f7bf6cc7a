"""From a path to what the artifact is, what wrote it, and what a person should know about it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from envlock.artifacts import read_provenance
from envlock.dating import Saver, date_artifact
from envlock.diagnosis import find_findings
from envlock.loadability import CustomObject, find_custom_objects
from envlock.provenance import Finding, Provenance


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """What was read from an artifact, and what was inferred from it."""

    provenance: Provenance
    saver: Saver
    custom: tuple[CustomObject, ...]
    findings: tuple[Finding, ...]


def inspect(path: Path) -> Inspection:
    """Read the artifact at *path* and infer what wrote it. Runs nothing, and opens nothing outside of it.

    Raises:
        ArtifactError: It is damaged, hostile, or no model.
    """
    provenance = read_provenance(path)
    saver = date_artifact(provenance)
    custom = find_custom_objects(provenance)
    return Inspection(
        provenance=provenance, saver=saver, custom=custom, findings=find_findings(provenance, saver, custom)
    )
