"""Dockerfiles: of a Python in which the model loads, and of TensorFlow Serving.

Nothing that stems from the artifact stands in an instruction: its files lie in folders that envlock names.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from envlock.formats.text import printable
from envlock.images.interface import BaseImage
from envlock.images.names import CODE, LOCK, MODEL, PIP_LOCK, SCRIPT
from envlock.locks import Lock

WORKDIR = "/app"
"""Where everything lies in an image with Python."""

SERVED_MODEL = "/models/model"
"""Where TensorFlow Serving looks for the folders of the model's versions, by its variables MODEL_BASE_PATH and
MODEL_NAME (tensorflow/serving, tensorflow_serving/tools/docker/Dockerfile)."""

SERVED_PORTS = ((8500, "gRPC"), (8501, "REST"))

USER = "model"
USER_NUMBER = 10001
"""Above the numbers that hosts give to their users, so that it is nobody there."""

_PACKAGES = "/opt/packages"
"""Where the lock is installed beside what a base image holds."""

FIRST_WORDS = "# Written by envlock: "


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What goes into an image."""

    lock: Lock
    base: BaseImage
    notes: tuple[str, ...]
    digests: Mapping[str, str]
    """SHA-256 of the folders that are copied, by name."""

    has_gpu: bool
    variables: Mapping[str, str]
    """What the environment of a process has to hold, so that the model loads."""


def python_dockerfile(contents: Contents) -> str:
    """A Dockerfile whose image holds the lock, and loads the model when it runs."""
    lock = contents.lock
    purpose = f"an image in which {printable(lock.artifact)} loads with {lock.loader}"
    return _joined(
        _head(purpose, contents),
        [f"FROM {contents.base.reference}"],
        _variables(contents),
        [f"RUN useradd --no-log-init --create-home --uid {USER_NUMBER} {USER}", f"WORKDIR {WORKDIR}"],
        *_installation(lock, contents.base),
        [
            *(f"COPY {name}/ {name}/" for name in (CODE, MODEL) if name in contents.digests),
            f"COPY {SCRIPT} ./",
        ],
        [f"USER {USER_NUMBER}", f'CMD ["python", "{SCRIPT}"]'],
    )


def serving_dockerfile(contents: Contents) -> str:
    """A Dockerfile whose image answers for the model over the network."""
    purpose = f"an image that serves {printable(contents.lock.artifact)} with TensorFlow Serving"
    return _joined(
        _head(purpose, contents),
        [f"FROM {contents.base.reference}"],
        [
            *([f"COPY {MODEL}/ {SERVED_MODEL}/"] if MODEL in contents.digests else []),
            f"ENV MODEL_NAME={SERVED_MODEL.rpartition('/')[2]}",
        ],
        [
            f"# {', '.join(f'{port}: {protocol}' for port, protocol in SERVED_PORTS)}",
            f"EXPOSE {' '.join(str(port) for port, _ in SERVED_PORTS)}",
            f"USER {USER_NUMBER}",
        ],
    )


def recorded_digests(text: str) -> dict[str, str]:
    """SHA-256 of the folders that a Dockerfile of envlock says it copies, by name."""
    rows = (line.removeprefix(_COPIED).split("/, sha256 ") for line in text.splitlines() if line.startswith(_COPIED))
    return {row[0]: row[1] for row in rows if len(row) == 2}


_COPIED = "# Copied: "


def _joined(*blocks: Iterable[str]) -> str:
    """Blocks of lines, the empty ones left out."""
    texts = ["\n".join(block) for block in blocks]
    return "\n\n".join(text for text in texts if text) + "\n"


def _head(purpose: str, contents: Contents) -> Iterator[str]:
    yield f"{FIRST_WORDS}{purpose}."
    for name, digest in contents.digests.items():
        yield f"{_COPIED}{name}/, sha256 {digest}"
    for note in contents.notes:
        yield f"# Note: {note}."


def _variables(contents: Contents) -> list[str]:
    variables = {
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_ROOT_USER_ACTION": "ignore",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
        **contents.variables,
    }
    if contents.has_gpu:
        # What the NVIDIA Container Toolkit goes by where no option of `docker run` tells it.
        variables |= {"NVIDIA_DRIVER_CAPABILITIES": "compute,utility", "NVIDIA_VISIBLE_DEVICES": "all"}
    if not contents.base.is_bare:
        variables["PYTHONPATH"] = _PACKAGES
    return ["ENV " + " \\\n    ".join(f"{name}={value}" for name, value in variables.items())]


def _installation(lock: Lock, base: BaseImage) -> Iterator[list[str]]:
    """The lock, by its own pip: that of a base image may be too old for the wheels in it.

    What a base image holds already can neither be removed by pip nor may it stand in the way, so that the lock goes
    into a folder of its own there.
    """
    if not base.is_bare:
        yield [_check_of_python(lock.target.python)]
    place = "" if base.is_bare else f" --target {_PACKAGES}"
    install = f"python -m pip install --no-cache-dir --require-hashes{place}"
    yield [
        "# The lock comes before model and code: as long as it stays the same, it is not installed again.",
        "# The pip in it comes first, since that of the base image may be too old for what follows.",
        f"COPY {PIP_LOCK} {LOCK} ./",
        f"RUN {install} -r {PIP_LOCK} \\",
        f" && {install} -r {LOCK}",
    ]


def _check_of_python(line: str) -> str:
    major, minor = line.split(".")
    script = (
        "import sys; found = sys.version_info[:2]; "
        f"sys.exit(found != ({major}, {minor}) and 'expected Python {line}, found %d.%d' % found)"
    )
    return f'RUN ["python", "-c", "{script}"]'
