"""What an environment is made for: Python, operating system, architecture, libc."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Preference = Literal["auto", "saver", "newest"]
"""What to prefer among environments that load an artifact.

``auto``: nearest to the saver, on a Python that is at hand; ``saver``: the saver's own line and nothing else;
``newest``: the newest TensorFlow, for moving on.
"""

PREFERENCES: tuple[Preference, ...] = ("auto", "saver", "newest")


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """An operating system and processor, under the names that wheels give them."""

    name: str
    """Key of the release tables, such as ``linux_x86_64``."""

    uv_platform: str
    """What ``uv pip compile --python-platform`` calls it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What to lock for; the running Python has no part in it."""

    python: str
    """CPython minor release, such as ``3.7``."""

    platform: Platform


LINUX_X86_64 = Platform(name="linux_x86_64", uv_platform="x86_64-manylinux_2_28")

PLATFORMS: tuple[Platform, ...] = (LINUX_X86_64,)
