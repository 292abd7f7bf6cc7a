"""``requirements.txt`` with hashes: the format that every pip reads."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from envlock.formats.pinned_requirements import read_pinned_requirements
from envlock.formats.text import printable
from envlock.knowledge.pip_support import least_pip_for
from envlock.writers.heading import describe_choice

if TYPE_CHECKING:
    from packaging.version import Version

    from envlock.locks import Lock
    from envlock.resolution import Pin
    from envlock.target import Platform

_FIRST_WORDS = "# Locked by envlock: "


class RequirementsTxtWriter:
    """Writes the requirements file format of pip."""

    name = "requirements.txt"
    file_name = "requirements.txt"
    needs_addresses = False
    has_hashes = True

    def file_name_for(self, platform: Platform) -> str:
        """See :class:`envlock.writers.interface.LockWriter`."""
        return f"requirements-{platform.tag}.txt"

    def render(self, lock: Lock) -> str:
        """See :class:`envlock.writers.interface.LockWriter`."""
        return "\n".join([*_header(lock), *(line for pin in lock.pins for line in _entry(pin))]) + "\n"

    def is_ours(self, text: str) -> bool:
        """See :class:`envlock.writers.interface.LockWriter`."""
        return text.startswith(_FIRST_WORDS)

    def install_command(self, lock_path: str) -> str:
        """See :class:`envlock.writers.interface.LockWriter`."""
        return f"DIR/bin/python -m pip install --require-hashes -r {lock_path}"

    def read_pins(self, text: str) -> dict[str, Version]:
        """See :class:`envlock.writers.interface.LockWriter`; what is not pinned is passed over."""
        return {pin.name: pin.version for pin in read_pinned_requirements(text)}

    def read_hashes(self, text: str) -> dict[str, frozenset[str]]:
        """See :class:`envlock.writers.interface.LockWriter`."""
        return {pin.name: pin.hashes for pin in read_pinned_requirements(text)}


def _header(lock: Lock) -> Iterator[str]:
    yield f"{_FIRST_WORDS}an environment for {printable(lock.artifact)}, to load it with {lock.loader}."
    yield from describe_choice(lock)
    least = least_pip_for([file.name for file in pin.files] for pin in lock.pins)
    yield f"# Install: python -m pip install --require-hashes -r THIS_FILE   (pip {least} or newer)"
    yield ""


def _entry(pin: Pin) -> Iterator[str]:
    hashes = [f"    --hash={value}" for value in pin.hashes]
    yield " \\\n".join([f"{pin.name}=={pin.version}", *hashes])
    if pin.via:
        yield f"    # via {', '.join(pin.via)}"
    if pin.is_source:
        yield f"    # built from source{' with ' if pin.build else ''}{', '.join(pin.build)}"
