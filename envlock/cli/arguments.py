"""Values of options that several commands take."""

from __future__ import annotations

from argparse import ArgumentTypeError


def python_line(text: str) -> str:
    """The minor release of Python that *text* names, such as ``3.8``; its patch release does not matter."""
    parts = text.split(".")
    if len(parts) not in {2, 3} or not all(part.isdecimal() for part in parts):
        raise ArgumentTypeError(f"{text!r} is not a Python version such as 3.8")
    return ".".join(parts[:2])
