"""``constraints.txt``: the versions alone, to hold another installation to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envlock.formats.pinned_requirements import read_pinned_requirements
from envlock.formats.text import printable
from envlock.writers.heading import describe_choice

if TYPE_CHECKING:
    from packaging.version import Version

    from envlock.locks import Lock
    from envlock.target import Platform

_FIRST_WORDS = "# Constraints by envlock: "


class ConstraintsTxtWriter:
    """Writes the constraints file format of pip."""

    name = "constraints.txt"
    file_name = "constraints.txt"
    needs_addresses = False
    has_hashes = False

    def file_name_for(self, platform: Platform) -> str:
        """See :class:`envlock.writers.interface.LockWriter`."""
        return f"constraints-{platform.tag}.txt"

    def render(self, lock: Lock) -> str:
        """See :class:`envlock.writers.interface.LockWriter`."""
        lines = [
            f"{_FIRST_WORDS}versions beside which {printable(lock.artifact)} loads with {lock.loader}.",
            *describe_choice(lock),
            "# Use: python -m pip install -c THIS_FILE NAME ...",
            "",
            *(f"{pin.name}=={pin.version}" for pin in lock.pins),
        ]
        return "\n".join(lines) + "\n"

    def is_ours(self, text: str) -> bool:
        """See :class:`envlock.writers.interface.LockWriter`."""
        return text.startswith(_FIRST_WORDS)

    def install_command(self, lock_path: str) -> str:
        """See :class:`envlock.writers.interface.LockWriter`; what is installed is the person's choice."""
        return f"DIR/bin/python -m pip install -c {lock_path} NAME"

    def read_pins(self, text: str) -> dict[str, Version]:
        """See :class:`envlock.writers.interface.LockWriter`; what is not pinned is passed over."""
        return {pin.name: pin.version for pin in read_pinned_requirements(text)}

    def read_hashes(self, text: str) -> dict[str, frozenset[str]]:
        """See :class:`envlock.writers.interface.LockWriter`: none."""
        return dict.fromkeys(self.read_pins(text), frozenset())
