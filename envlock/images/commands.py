"""The commands that build an image and run it."""

from __future__ import annotations

from pathlib import Path

from envlock.images.dockerfile import SERVED_MODEL, SERVED_PORTS, WORKDIR
from envlock.images.names import MODEL
from envlock.images.parts import location_of, place_of_model
from envlock.images.planning import SERVED_VERSION, Plan
from envlock.verification import files_of

_TAG = "model"
"""What the image is called."""

_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
"""Names of processors in references of images, by those of Linux."""


def build_command(plan: Plan) -> tuple[str, ...]:
    """Builds the image, for the processor that the lock is for, whatever the machine has."""
    architecture = _ARCHITECTURES[plan.request.lock.platform.machine]
    return ("docker", "build", "--platform", f"linux/{architecture}", "--tag", _TAG, str(plan.request.folder))


def run_command(plan: Plan) -> tuple[str, ...]:
    """Runs the image, with the model mounted where it is not in it."""
    options = ["--gpus", "all"] if plan.has_gpu else []
    if plan.request.serves:
        options += [word for port, _ in SERVED_PORTS for word in ("--publish", f"{port}:{port}")]
    elif plan.script is None:
        options += ["--interactive", "--tty"]
    if any(item.needs_trust for item in plan.outcome.inspection.provenance.code):
        options += ["--network", "none"]
    if not plan.request.holds_model:
        options += ["--mount", _mount(plan)]
    return ("docker", "run", "--rm", *options, _TAG)


def _mount(plan: Plan) -> str:
    """The model where it is, at the place in the image where it would have been copied to."""
    provenance = plan.outcome.inspection.provenance
    source = location_of(provenance)
    place = place_of_model(provenance)
    if not place.parts or len(files_of(source, provenance.format)) > 1:
        # It is not all of its folder, but what loads it looks for nothing else there.
        source, place = source.parent, place.parent
    target = f"{SERVED_MODEL}/{SERVED_VERSION}" if plan.request.serves else str(Path(WORKDIR, MODEL) / place)
    return ",".join(map(_field, ["type=bind", f"source={source}", f"target={target}", "readonly"]))


def _field(text: str) -> str:
    """*text* as a field of comma-separated values, which --mount takes."""
    quoted = text.replace('"', '""')
    return f'"{quoted}"' if {",", '"'} & {*text} else text
