"""What every writer of locks offers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from packaging.version import Version

    from envlock.locks import Lock
    from envlock.target import Platform


class LockWriter(Protocol):
    """Turns a lock into the text of one file format, and reads the pins of such a text."""

    name: str
    """What ``--format`` calls it."""

    file_name: str
    """Where it goes unless the person says otherwise."""

    needs_addresses: bool
    """Whether it names where every file is to be had."""

    has_hashes: bool
    """Whether it names the hash of every file."""

    def file_name_for(self, platform: Platform) -> str:
        """Where it goes if locks for several platforms are written."""

    def render(self, lock: Lock) -> str:
        """The whole file: the same text for the same lock, byte for byte.

        Raises:
            UnwritableLockError: The format asks for more than the lock holds, such as the address of every file.
        """

    def is_ours(self, text: str) -> bool:
        """Whether *text*, the beginning of an existing file, was rendered by this writer: then it may be replaced."""

    def install_command(self, lock_path: str) -> str:
        """How to install into the environment ``DIR`` from the file at *lock_path*, which is quoted for a shell."""

    def read_pins(self, text: str) -> Mapping[str, Version]:
        """The version of every distribution, by normalised name, in a *text* of this format, whoever wrote it.

        Raises:
            DamagedFileError: The text is not of this format.
        """

    def read_hashes(self, text: str) -> Mapping[str, frozenset[str]]:
        """``sha256:…`` of the files of every distribution; an empty set where the format holds none.

        Raises:
            DamagedFileError: The text is not of this format.
        """
