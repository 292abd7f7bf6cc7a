"""What the person asks ``docker`` for, and what is made of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from envlock.errors import EnvlockError
from envlock.knowledge.base_images import LinuxRelease
from envlock.pipeline.outcome import Outcome
from envlock.pipeline.request import Request


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageRequest:
    """One image for one artifact."""

    lock: Request
    """For the lock in it; its lock path stands in the folder."""

    folder: Path
    """What is built from: everything is written there."""

    base: str | None = None
    """Reference of the image to build on; ``None``: the one that fits."""

    holds_model: bool = True
    """Whether the model is copied into the image; else it is mounted when the image runs."""

    serves: bool = False
    """Whether TensorFlow Serving answers for the model, in place of a Python that loads it."""

    has_dev_container: bool = False
    has_conda_environment: bool = False
    today: date
    """What has ended by then is told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseImage:
    """The image to build on."""

    reference: str
    python: str | None
    """The line of its Python; ``None`` where it has none, or nothing is known of it."""

    system: LinuxRelease | None
    """``None`` where nothing is known of it."""

    is_bare: bool
    """Whether its Python holds no packages but pip and its kin, so that the lock may be installed among them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageFolder:
    """A folder that an image can be built from."""

    outcome: Outcome
    """The lock, and how it came to be."""

    folder: Path
    base: BaseImage
    files: tuple[str, ...]
    """Names of what was written, relative to the folder; those that are folders end with a slash."""

    notes: tuple[str, ...]
    """What the image implies, each as one clause."""

    build_command: tuple[str, ...]
    run_command: tuple[str, ...]
    ports: tuple[tuple[int, str], ...] = ()
    """Where the image listens, and what it speaks there."""


class NoImageError(EnvlockError):
    """No image is known that the model could be put into."""

    reference = "no-image"
    exit_code = 1

    def __init__(self, message: str, *, hint: str) -> None:
        super().__init__(message)
        self.hint = hint
