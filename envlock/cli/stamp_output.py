"""What was written down of a model, as text for a person and as JSON document."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from envlock.cli.documents import Document
from envlock.cli.rendering import row
from envlock.cli.verify_output import check_document, render_check
from envlock.formats.text import printable

if TYPE_CHECKING:
    from envlock.stamping import Stamped


def render_stamped(stamped: Stamped) -> str:
    """What was verified, and where that is written."""
    report = render_check(stamped.check)
    if stamped.place is None:
        return f"{report}\nNot stamped     the model does not load there, or does not compute\n"
    place, count = str(stamped.place), len(stamped.check.environment.distributions)
    hashed = f"{stamped.hashed} of them with hashes" if stamped.hashed else "without hashes: no lock is beside it"
    lines = [
        f"Stamped         {printable(place, len(place))}",
        row("holds", f"Python {stamped.check.environment.python}, {count} distributions, {hashed}"),
        row("next time", "every command of envlock reads it first"),
    ]
    return f"{report}\n" + "\n".join(lines) + "\n"


def stamped_document(stamped: Stamped) -> Document:
    """``envlock/stamp/1``."""
    return {
        **check_document(stamped.check),
        "schema": "envlock/stamp/1",
        "stamp": str(stamped.place) if stamped.place is not None else None,
        "hashed": stamped.hashed,
        "recorder": None,
    }


def render_recorder(path: Path) -> str:
    """How the recorder is used."""
    module = path.stem
    lines = [
        f"Written         {printable(str(path), len(str(path)))}",
        row("beside", f"your training script; in it: import {printable(module)}"),
        row("", f'then {printable(module)}.stamp("model.h5") once the model is saved,'),
        row("", f"or {printable(module)}.StampCallback(checkpoint) behind the ModelCheckpoint among the callbacks"),
    ]
    return "\n".join(lines) + "\n"


def recorder_document(path: Path) -> Document:
    """``envlock/stamp/1`` without a model."""
    return {"schema": "envlock/stamp/1", "artifact": None, "stamp": None, "recorder": str(path)}
