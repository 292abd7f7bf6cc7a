"""A digest within a text, in a comment of its own: whether somebody has changed the text since it was written."""

from __future__ import annotations

import hashlib
import re

_SEAL = re.compile(r"^(?:#|//) Content: digest ([0-9a-f]{64}), .*\n", flags=re.MULTILINE)


def seal(text: str, *, comment: str = "#", before: str = "") -> str:
    """*text* with its own digest, in a line above the next after the first that begins with *before*.

    *comment* is what comment lines begin with.
    """
    place = text.index(f"\n{before}") + 1
    line = f"{comment} Content: digest {_digest(text)}, which tells whether it was changed since\n"
    return f"{text[:place]}{line}{text[place:]}"


def is_sealed(text: str) -> bool:
    """Whether *text* is as it was when it was sealed."""
    found = _SEAL.search(text)
    return found is not None and found[1] == _digest(text[: found.start()] + text[found.end() :])


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()
