"""``requirements.txt`` with hashes: the format that every pip reads."""

from __future__ import annotations

from collections.abc import Iterator

from envlock.formats.text import printable
from envlock.lock import Lock
from envlock.resolution import Pin

_FIRST_LINE = "# Locked by envlock: "


class RequirementsTxtWriter:
    """Writes the requirements file format of pip."""

    name = "requirements.txt"
    file_name = "requirements.txt"

    def render(self, lock: Lock) -> str:
        """See :class:`envlock.writers.interface.LockWriter`."""
        return "\n".join([*_header(lock), *(line for pin in lock.pins for line in _entry(pin))]) + "\n"

    def is_ours(self, text: str) -> bool:
        """See :class:`envlock.writers.interface.LockWriter`."""
        return text.startswith(_FIRST_LINE)


def _header(lock: Lock) -> Iterator[str]:
    yield f"{_FIRST_LINE}an environment for {printable(lock.artifact)}, to load it with {lock.loader}."
    yield f"# For Python {lock.target.python} on {lock.target.platform.name}; another target needs a lock of its own."
    for item in lock.evidence:
        yield f"# Evidence: {item.fact} {printable(item.value)} ({printable(item.location)})"
    yield f"# Asked for: {', '.join(lock.requirements)}"
    if lock.constraints:
        yield f"# Bounds that its metadata lacks: {', '.join(lock.constraints)}"
    yield f"# Resolved by {lock.engine}, database {lock.database[:12]}"
    # pip 8 brought hashes, pip 19.3 the manylinux2014 wheels that later pins consist of.
    yield "# Install: python -m pip install --require-hashes -r THIS_FILE   (pip 19.3 or newer)"
    yield ""


def _entry(pin: Pin) -> Iterator[str]:
    hashes = [f"    --hash={value}" for value in pin.hashes]
    yield " \\\n".join([f"{pin.name}=={pin.version}", *hashes])
    if pin.via:
        yield f"    # via {', '.join(pin.via)}"
