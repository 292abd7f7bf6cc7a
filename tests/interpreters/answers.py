"""Programs that answer as an interpreter would."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

WriteProgram = Callable[[str, str], Path]


def answer(executable: Path, **changes: Any) -> str:
    """Shell text that prints what the probe would print for an interpreter at *executable*."""
    facts = {
        "implementation": "CPython",
        "version": "3.7.16",
        "prefix": str(executable.parent.parent),
        "executable": str(executable),
        "abi_flags": "",
        "bits": 64,
        "system": "linux",
        "machine": "x86_64",
        "libc": "glibc 2.36",
        **changes,
    }
    return f"echo '{json.dumps(facts)}'"
