"""The requirements files that installers and their compilers write: one pin a line, hashes and notes below it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version


class PinnedRequirement(NamedTuple):
    """One ``name==version`` with what stands beside and below it."""

    name: str
    """Normalised."""

    version: Version
    hashes: frozenset[str]
    """``sha256:…`` and the like."""

    via: tuple[str, ...]
    """The distributions that its comment names as requiring it, sorted; files, such as ``-r -``, left out."""


_PIN = re.compile(r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^\]]*\])?\s*==\s*(?P<version>[^\s;\\#]+)")
_HASH = re.compile(r"--hash[= ]([a-z0-9]+:[0-9a-f]+)")
_VIA = re.compile(r"#\s*via\s+(.+)")


def read_pinned_requirements(text: str) -> Iterator[PinnedRequirement]:
    """Every pin of *text*, in its order; what is not pinned to one version is passed over."""
    # A pin goes on until the next line that begins at the margin, be that continued with a backslash or not.
    for entry in re.split(r"\n(?=\S)", text):
        pin = _PIN.match(entry)
        if pin is None:
            continue
        try:
            version = Version(pin["version"])
        except InvalidVersion:
            continue
        via = _VIA.search(entry)
        yield PinnedRequirement(
            name=canonicalize_name(pin["name"]),
            version=version,
            hashes=frozenset(_HASH.findall(entry)),
            via=tuple(sorted(name for name in via[1].split(", ") if not name.startswith("-"))) if via else (),
        )
