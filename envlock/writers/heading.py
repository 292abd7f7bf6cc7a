"""Comments that say what a lock is for and why it is this one."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import TYPE_CHECKING

from envlock.formats.text import printable

if TYPE_CHECKING:
    from envlock.locks import Lock


def describe_choice(lock: Lock) -> Iterator[str]:
    """The target, the evidence and what was asked for, a comment line each."""
    yield f"# For Python {lock.target.python} on {lock.target.platform.tag}; another target needs a lock of its own."
    if lock.command:
        yield f"# Made by: {printable(shlex.join(lock.command), _LONGEST_COMMAND)}"
    for item in lock.evidence:
        yield f"# Evidence: {item.fact} {printable(item.value)} ({printable(item.location)})"
    yield f"# Asked for: {', '.join(lock.requirements)}"
    if lock.constraints:
        yield f"# Bounds that its metadata lacks: {', '.join(lock.constraints)}"
    yield f"# Resolved by {lock.engine}, database {lock.database[:12]}"


_LONGEST_COMMAND = 2000
"""Characters: any that a person types fits."""
