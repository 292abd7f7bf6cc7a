"""A wheelhouse as text for a person and as JSON document."""

from __future__ import annotations

import shlex
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from envlock.formats.text import printable

if TYPE_CHECKING:
    from envlock.wheelhouse import Wheelhouse, WheelhouseFile


def render_wheelhouse(wheelhouse: Wheelhouse) -> str:
    """What was fetched, and the command that installs it."""
    files = wheelhouse.files
    new = [file for file in files if file.is_new]
    lines = [
        f"Wheelhouse      {printable(str(wheelhouse.folder))}: all that {printable(str(wheelhouse.lock_path))} needs"
        f" for {wheelhouse.target}",
        f"  fetched       {_amount(new)}",
        f"  there now     {_amount(files)}",
    ]
    sources = [file.name for file in files if file.is_source]
    if sources:
        lines.append(f"  to be built   {', '.join(sources)}: what builds them is there too")
    return "\n".join(lines) + f"\n\nWithout network {_installation(wheelhouse)}\n"


def wheelhouse_document(wheelhouse: Wheelhouse) -> dict[str, Any]:
    """``envlock/fetch/1``."""
    new = [file for file in wheelhouse.files if file.is_new]
    return {
        "schema": "envlock/fetch/1",
        "lock": str(wheelhouse.lock_path),
        "folder": str(wheelhouse.folder),
        "requirements": str(wheelhouse.requirements_path),
        "target": {"python": wheelhouse.target.python, "platform": wheelhouse.target.platform.name},
        "fetched": {"files": len(new), "bytes": _bytes(new)},
        "total": {"files": len(wheelhouse.files), "bytes": _bytes(wheelhouse.files)},
        "files": [
            {
                "name": file.name,
                "bytes": file.size,
                "sha256": file.sha256,
                "source": file.is_source,
                "fetched": file.is_new,
            }
            for file in wheelhouse.files
        ],
    }


def _installation(wheelhouse: Wheelhouse) -> str:
    folder, requirements = (shlex.quote(str(path)) for path in (wheelhouse.folder, wheelhouse.requirements_path))
    return f"python -m pip install --require-hashes --no-index --find-links {folder} -r {requirements}"


def _amount(files: Collection[WheelhouseFile]) -> str:
    noun = "file" if len(files) == 1 else "files"
    return f"{len(files)} {noun}, {_bytes(files) / 1e6:.1f} MB" if files else "nothing"


def _bytes(files: Collection[WheelhouseFile]) -> int:
    return sum(file.size for file in files)
