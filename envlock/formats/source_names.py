"""File names of source distributions, which were free before they were agreed on (PEP 625)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress

from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import InvalidVersion, Version

_SOURCE = re.compile(r"(?P<release>.+)\.(?:tar\.gz|tar\.bz2|tgz|zip)")


def releases_of_source(file_name: str) -> Iterator[tuple[NormalizedName, Version]]:
    """Name and version of each release that a source distribution can be of; nothing where it is named otherwise.

    There can be several, shortest name first, since names and versions may both hold a dash:
    ``functools32-3.2.3-2.tar.gz`` is 3.2.3.post2.
    """
    found = _SOURCE.fullmatch(file_name)
    words = found["release"].split("-") if found else []
    for end in range(1, len(words)):
        with suppress(InvalidVersion):
            yield canonicalize_name("-".join(words[:end])), Version("-".join(words[end:]))
