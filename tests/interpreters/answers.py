"""Interpreters, and programs that answer as one would."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from packaging.version import Version

from envlock.interpreters import Interpreter
from envlock.knowledge.releases import line_of

WriteProgram = Callable[[str, str], Path]


def interpreter(prefix: str, version: str, **changes: Any) -> Interpreter:
    """The one of a *version* that is installed at *prefix*, on Linux and found on the search path but for *changes*."""
    line = line_of(Version(version))
    facts = {"system": "linux", "machine": "x86_64", "libc": "glibc 2.36", "bits": 64, "source": "path", **changes}
    return Interpreter(
        executable=Path(prefix, "bin", f"python{line}"),
        version=Version(version),
        line=line,
        prefix=Path(prefix),
        **facts,
    )


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
