"""The folder of an image as text for a person and as JSON document."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from envlock.cli.documents import artifact_fields, candidate_fields, finding_fields
from envlock.cli.rendering import describe_model, describe_reasons, row, rows
from envlock.formats.text import printable

if TYPE_CHECKING:
    from envlock.images.interface import ImageFolder


def render_image(image: ImageFolder) -> str:
    """What the model is, what was written and what that implies, and the commands that build and run the image."""
    return "\n\n".join([*describe_model(image.outcome), *_image_part(image), *_use_part(image)]) + "\n"


def image_document(image: ImageFolder) -> dict[str, Any]:
    """``envlock/docker/1``."""
    outcome = image.outcome
    return {
        "schema": "envlock/docker/1",
        "artifact": artifact_fields(outcome.inspection.provenance),
        "candidate": candidate_fields(outcome.candidate),
        "folder": str(image.folder),
        "base": {
            "image": image.base.reference,
            "python": image.base.python,
            "system": image.base.system.name if image.base.system is not None else None,
        },
        "platform": outcome.lock.target.platform.tag,
        "files": list(image.files),
        "ports": {str(port): protocol for port, protocol in image.ports},
        "notes": list(image.notes),
        "commands": {"build": list(image.build_command), "run": list(image.run_command)},
        "findings": [finding_fields(finding) for finding in outcome.inspection.findings],
    }


def _image_part(image: ImageFolder) -> Iterator[str]:
    candidate, reasons = image.outcome.candidate, [*describe_reasons(image.outcome)]
    name = f"TensorFlow Serving for TensorFlow {candidate.tensorflow.version}" if image.ports else candidate.name
    lines = [
        f"Image           {printable(str(image.folder))}: {name}",
        row("from", image.base.reference),
        # What serves a model has no Python, of which all but the first reason are.
        *rows("why", reasons[:1] if image.ports else reasons),
        row("wrote", ", ".join(image.files)),
        *rows("ports", [", ".join(f"{port} ({protocol})" for port, protocol in image.ports)] if image.ports else []),
        *rows("note", image.notes),
    ]
    yield "\n".join(lines)


def _use_part(image: ImageFolder) -> Iterator[str]:
    yield "\n".join([f"Use it          {shlex.join(image.build_command)}", row("", shlex.join(image.run_command))])
