"""What interpreters have said of themselves, kept on disk: asking them all takes many times longer than looking.

An answer holds as long as the files that it speaks of are the same, by size, time of change and inode. What did not
answer is not kept: it may be repaired without a change to itself. The file decides which programs are started later,
so it counts only where nobody else could have written it; where anything is wrong with it, it is as if it were empty.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from zlib import crc32

from envlock.errors import WriteError
from envlock.interpreters.folders import cache_home
from envlock.interpreters.question import PROBE, Facts, check_facts

_LARGEST_FILE = 4 * 1024 * 1024

Identity = list[int]
"""Size in bytes, time of change in nanoseconds, inode."""


def recall(executables: Iterable[Path]) -> dict[Path, Facts]:
    """The answers of those of *executables* that have not changed since they were asked."""
    entries = _read_entries()
    return {
        executable: facts
        for executable in executables
        if (facts := _valid_facts(executable, entries.get(str(executable)))) is not None
    }


def keep(answers: Mapping[Path, Facts]) -> None:
    """Add *answers* to what is kept; nothing happens where that cannot be done safely."""
    from envlock.writers.files import write_whole

    entries = {path: entry for path, entry in _read_entries().items() if os.path.lexists(path)}
    for executable, facts in answers.items():
        with suppress(OSError):
            entries[str(executable)] = {"files": _identities(executable, facts), "facts": facts}
    # Without a home, or with a disk that is full, every search asks again.
    with suppress(RuntimeError, OSError, WriteError):
        path = _file()
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if _is_private(path.parent.stat()):
            write_whole(path, json.dumps({"probe": _probe(), "answers": entries}))


def _file() -> Path:
    return cache_home() / "envlock" / "interpreters.json"


def _probe() -> int:
    """Tells answers to this probe from those to an earlier one."""
    return crc32(PROBE.read_bytes())


def _read_entries() -> dict[str, Any]:
    # Whatever is wrong with it, it is written anew: RecursionError comes of brackets without end.
    with suppress(RuntimeError, OSError, ValueError, RecursionError):
        path = _file()
        if _is_private(path.parent.stat()):
            document = json.loads(_read_private(path))
            if isinstance(document, dict) and document.get("probe") == _probe():
                entries = document.get("answers")
                return entries if isinstance(entries, dict) else {}
    return {}


def _read_private(path: Path) -> bytes:
    """The content of *path*; empty where it is no file, or one that somebody else could have written."""
    # Neither a link nor a pipe is waited for.
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    with os.fdopen(os.open(path, flags), "rb") as stream:
        status = os.fstat(stream.fileno())
        is_sound = stat.S_ISREG(status.st_mode) and status.st_size <= _LARGEST_FILE and _is_private(status)
        return stream.read(_LARGEST_FILE) if is_sound else b""


def _is_private(status: os.stat_result) -> bool:
    """Whether only this user may write it. Windows keeps the folders of its users apart."""
    if os.name == "nt":
        return True
    return status.st_uid == os.geteuid() and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _valid_facts(executable: Path, entry: Any) -> Facts | None:
    try:
        facts = check_facts(entry["facts"])
        return facts if entry["files"] == _identities(executable, facts) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _identities(executable: Path, facts: Facts) -> dict[str, Identity]:
    """Of what was asked and, where a copy in a virtual environment answers for its base, of the base."""
    return {path: _identity(path) for path in (str(executable), facts["executable"])}


def _identity(path: str) -> Identity:
    status = Path(path).stat()
    return [status.st_size, status.st_mtime_ns, status.st_ino]
