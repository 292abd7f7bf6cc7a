"""References of images, such as ``registry.example:5000/team/python:3.8-slim@sha256:…``."""

from __future__ import annotations

import re

# The grammar of distribution/reference (github.com/distribution/reference, reference.go), in which the host of a
# registry is told from a folder by a dot, a port or its name localhost.
_COMPONENT = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_HOST = rf"(?:{_LABEL}(?:\.{_LABEL})*(?::[0-9]+)?|\[[0-9a-fA-F:]+\](?::[0-9]+)?)"
_NAME = rf"(?:{_HOST}/)?{_COMPONENT}(?:/{_COMPONENT})*"
_REFERENCE = re.compile(
    rf"(?P<name>{_NAME})(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9_.-]{{0,127}}))?(?:@(?P<digest>sha256:[0-9a-f]{{64}}))?"
)
_LONGEST_NAME = 255


def is_reference(text: str) -> bool:
    """Whether *text* names an image."""
    found = _REFERENCE.fullmatch(text)
    return found is not None and len(found["name"]) <= _LONGEST_NAME


def is_pinned(reference: str) -> bool:
    """Whether a reference says which build of an image it means, by its tag or digest."""
    found = _REFERENCE.fullmatch(reference)
    return found is not None and (found["tag"] or found["digest"]) is not None
