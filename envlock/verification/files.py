"""Artifact -> what loaders take for it, and all that they open."""

from __future__ import annotations

import re
from pathlib import Path

# A model that is not a file of its own, and what lies beside it: as the start of its name tells, or by these names.
_SUFFIX_OF_CHECKPOINT = re.compile(r"\.(meta|index|data-\d+-of-\d+)$")
_PARTS_OF_SAVED_MODEL = ("variables", "assets", "assets.extra", "keras_metadata.pb", "fingerprint.pb")


def path_to_load(artifact: Path, artifact_format: str) -> Path:
    """What loaders take for the artifact: the folder of a SavedModel, what the files of a checkpoint begin with."""
    if artifact_format == "saved-model" and artifact.is_file():
        return artifact.parent
    if artifact_format == "checkpoint":
        return artifact.with_name(_SUFFIX_OF_CHECKPOINT.sub("", artifact.name))
    return artifact


def files_of(artifact: Path, artifact_format: str) -> list[Path]:
    """Existing files and folders that loading the artifact opens."""
    if artifact_format in ("checkpoint", "meta-graph") and not artifact.is_dir():
        prefix = _SUFFIX_OF_CHECKPOINT.sub("", artifact.name)
        parts = [path for path in artifact.parent.iterdir() if _SUFFIX_OF_CHECKPOINT.sub("", path.name) == prefix]
        return [*parts, *filter(Path.exists, [artifact.parent / "checkpoint"])]
    if artifact_format == "saved-model" and artifact.is_file():
        parts = [artifact, *(artifact.parent / name for name in _PARTS_OF_SAVED_MODEL)]
        return [path for path in parts if path.exists()]
    return [artifact]
