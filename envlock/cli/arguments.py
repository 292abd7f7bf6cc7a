"""Values of options that several commands take."""

from __future__ import annotations

from argparse import ArgumentTypeError

from envlock.target import PLATFORMS, Platform, find_platform

PLATFORM_NAMES = ", ".join(platform.name for platform in PLATFORMS)


def python_line(text: str) -> str:
    """The minor release of Python that *text* names, such as ``3.8``; its patch release does not matter."""
    parts = text.split(".")
    if len(parts) not in {2, 3} or not all(part.isdecimal() for part in parts):
        raise ArgumentTypeError(f"{text!r} is not a Python version such as 3.8")
    return ".".join(parts[:2])


def known_platform(text: str) -> Platform:
    """The machine that *text* names."""
    try:
        return find_platform(text)
    except LookupError:
        raise ArgumentTypeError(
            f"{text!r} is no platform: {PLATFORM_NAMES}, or manylinux_2_31_x86_64 and the like for the glibc"
        ) from None
