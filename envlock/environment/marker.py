"""The marker of an environment: a file in its folder that tells whose it is, what of, and how far it has come."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from envlock.errors import ArtifactError
from envlock.formats.json_text import parse_json
from envlock.interpreters import Interpreter
from envlock.version import __version__

MARKER_NAME = "envlock.json"
MARKER_SCHEMA = "envlock/environment/1"

State = Literal["building", "ready", "restoring", "foreign"]

_LARGEST_MARKER = 64 * 1024


def identify(interpreter: Interpreter, digest: str) -> dict[str, Any]:
    """What two environments have in common that can stand in for each other."""
    return {
        "lock": digest,
        "python": {"executable": str(interpreter.executable), "version": str(interpreter.version)},
    }


def is_ready(site: Path, identity: Mapping[str, Any]) -> bool:
    """Whether *site* holds that environment, finished, and its interpreter is still installed."""
    marker = read_marker(site) or {}
    is_same = all(marker.get(key) == value for key, value in identity.items())
    return is_same and marker.get("state") == "ready" and python_of(site).exists()


def read_marker(site: Path) -> dict[str, Any] | None:
    """The marker of *site*; ``None`` where there is none, or none that envlock wrote."""
    path = site / MARKER_NAME
    try:
        # A folder of somebody else may hold anything under this name; to open a pipe would wait for its writer.
        if not path.is_file() or path.stat().st_size > _LARGEST_MARKER:
            return None
        marker = parse_json(path.read_bytes(), where=str(path))
    except (OSError, ArtifactError):
        return None
    return marker if isinstance(marker, dict) and marker.get("schema") == MARKER_SCHEMA else None


def state_of(site: Path) -> str | None:
    """What the marker of *site* says of the environment there; ``None`` where there is no marker."""
    return (read_marker(site) or {}).get("state")


def write_marker(site: Path, identity: Mapping[str, Any], *, state: State) -> None:
    """Write the marker whole or not at all."""
    marker = {"schema": MARKER_SCHEMA, "state": state, **identity, "envlock": __version__}
    if state == "building":
        marker["process"] = os.getpid()
    draft = site / f"{MARKER_NAME}.new"
    draft.write_text(json.dumps(marker, indent=2) + "\n", encoding="utf-8")
    draft.replace(site / MARKER_NAME)


def python_of(site: Path) -> Path:
    """The interpreter of the virtual environment in *site*."""
    return site / "bin" / "python"
