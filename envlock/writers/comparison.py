"""A lock against the file that was written earlier: what has changed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from packaging.version import Version

    from envlock.locks import Lock
    from envlock.writers.interface import LockWriter


@dataclass(frozen=True, slots=True, kw_only=True)
class Differences:
    """How a lock differs from a file; names are sorted."""

    added: tuple[tuple[str, Version], ...]
    """What only the lock pins."""

    removed: tuple[tuple[str, Version], ...]
    """What only the file pins."""

    changed: tuple[tuple[str, Version, Version], ...]
    """Name, version in the file, version in the lock."""

    other_files: tuple[str, ...]
    """Names of those with the same version in both of which other files may be installed, as for another Python."""

    @property
    def is_stale(self) -> bool:
        """Whether the file no longer installs what the lock does. Another heading alone does not matter."""
        return bool(self.added or self.removed or self.changed or self.other_files)

    def lines(self) -> Iterator[str]:
        """Each difference as a person would say it, such as ``numpy 1.23.5 -> 1.24.4``."""
        yield from (f"{name} {version} is not in the file" for name, version in self.added)
        yield from (f"{name} {version} is no longer needed" for name, version in self.removed)
        yield from (f"{name} {before} -> {after}" for name, before, after in self.changed)
        yield from (f"{name}: other files of the same version" for name in self.other_files)


def compare(lock: Lock, text: str, writer: LockWriter) -> Differences:
    """How *lock* differs from *text*, the content of a file in the format of *writer*.

    Raises:
        DamagedFileError: The text is not of this format.
    """
    before, hashes = writer.read_pins(text), writer.read_hashes(text)
    after = {pin.name: pin.version for pin in lock.pins}
    # A file that holds no hashes does not care which files are installed.
    other_files = (pin.name for pin in lock.pins if hashes.get(pin.name) and hashes[pin.name] != set(pin.hashes))
    return Differences(
        added=tuple(sorted((name, after[name]) for name in after.keys() - before.keys())),
        removed=tuple(sorted((name, before[name]) for name in before.keys() - after.keys())),
        changed=tuple(
            (name, before[name], after[name])
            for name in sorted(before.keys() & after.keys())
            if before[name] != after[name]
        ),
        other_files=tuple(sorted(name for name in other_files if before.get(name) == after[name])),
    )
