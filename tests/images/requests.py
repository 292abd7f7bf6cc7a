"""Requests for images, locked offline."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

from packaging.specifiers import SpecifierSet

from envlock.candidates import Wishes
from envlock.images.interface import ImageFolder, ImageRequest
from envlock.images.making import make_image_folder
from envlock.pipeline.request import Request
from envlock.reporter import SilentReporter
from envlock.resolution import resolvers_of
from envlock.target import LINUX_X86_64, Device, Platform
from envlock.writers import WRITERS

ASSETS = Path(__file__).parent.parent / "assets"
TODAY = date(2026, 11, 21)


def request_for(
    artifact: Path,
    folder: Path,
    *,
    platform: Platform = LINUX_X86_64,
    device: Device = "cpu",
    tensorflow: str = "",
    python: str | None = None,
    code: Path | None = None,
    **fields: Any,
) -> ImageRequest:
    """Of an image of *artifact* in *folder*, on a day that stays."""
    lock = Request(
        artifact=artifact,
        platform=platform,
        resolvers=resolvers_of(["offline"]),
        writer=WRITERS[0],
        lock_path=folder / "requirements.txt",
        environment_path=None,
        wishes=Wishes(tensorflow=SpecifierSet(tensorflow) if tensorflow else None, device=device, python=python),
        code=code,
    )
    return ImageRequest(lock=lock, folder=folder, today=TODAY, **fields)


def make(artifact: str | Path, folder: Path, **fields: Any) -> ImageFolder:
    """The folder of an image of *artifact*, which is a path or a name among the assets."""
    return make_image_folder(request_for(ASSETS / artifact, folder, **fields), SilentReporter())
