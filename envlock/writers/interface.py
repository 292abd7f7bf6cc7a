"""What every writer of locks offers."""

from __future__ import annotations

from typing import Protocol

from envlock.lock import Lock


class LockWriter(Protocol):
    """Turns a lock into the text of one file format."""

    name: str
    """What ``--format`` calls it."""

    file_name: str
    """Where it goes unless the person says otherwise."""

    def render(self, lock: Lock) -> str:
        """The whole file: the same text for the same lock, byte for byte."""

    def is_ours(self, text: str) -> bool:
        """Whether *text*, the content of an existing file, was rendered by this writer: then it may be replaced."""
