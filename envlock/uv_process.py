"""Running uv as a child process: its complaints become one clear line each."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping, Sequence

import uv

from envlock.errors import EnvlockError, NetworkError, WriteError

_NETWORK = re.compile(
    r"error sending request|dns error|connection (?:refused|reset|closed)|network is unreachable|timed? ?out"
    r"|failed to (?:fetch|download)|could not connect|tls handshake|network connectivity is disabled",
    re.IGNORECASE,
)
_DISK = re.compile(
    r"no space left on device|disk quota exceeded|read-only file system|permission denied", re.IGNORECASE
)


class UvError(EnvlockError):
    """uv ended with an error that is neither the network's nor the disk's."""

    reference = "uv-failed"

    def __init__(self, action: str, detail: str) -> None:
        super().__init__(action, detail)
        self.action, self.detail = action, detail

    def __str__(self) -> str:
        return f"{self.action}: {self.detail}"


def run_uv(
    arguments: Sequence[str], *, action: str, where: str, text: str = "", environment: Mapping[str, str] | None = None
) -> str:
    """Run uv with *arguments*, hand it *text* on standard input, and return what it prints to standard output.

    *action* says in an error what was being done, *where* which place was being written to. The person's own uv
    configuration and environment apply: index, proxy, cache, credentials.

    Raises:
        NetworkError: The index cannot be reached.
        WriteError: The disk is full or cannot be written to.
        UvError: Anything else, with uv's own explanation on one line.
    """
    # The interpreter is always named by envlock; an activated environment must not stand in for it.
    inherited = {name: value for name, value in os.environ.items() if name not in {"VIRTUAL_ENV", "CONDA_PREFIX"}}
    completed = subprocess.run(  # noqa: S603
        [uv.find_uv_bin(), *arguments, "--color", "never", "--no-progress"],
        input=text,
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
        env=inherited | dict(environment or {}),
        check=False,
    )
    if completed.returncode == 0:
        return completed.stdout
    complaint = completed.stderr
    detail = distil(complaint)
    if _DISK.search(complaint):
        raise WriteError(where, detail)
    if _NETWORK.search(complaint):
        raise NetworkError(action, detail)
    raise UvError(action, detail)


_DECORATION = re.compile(r"^[\s×╰├│─▶▸-]+|^(?:error|hint|cause|Caused by):\s*", re.IGNORECASE)


def distil(complaint: str) -> str:
    """Uv's complaint as one line: its error and the causes below it, without warnings, drawing and addresses."""
    lines = []
    for line in complaint.splitlines():
        if line.startswith(("warning:", "Using ", "Resolved ")):
            continue
        bare = line
        while (shorter := _DECORATION.sub("", bare)) != bare:
            bare = shorter
        if bare.strip():
            lines.append(bare.strip())
    joined = " ".join(lines)
    # Index addresses may carry credentials, and say nothing that a person could act on.
    return re.sub(r"\s*[(`]*https?://\S+[)`]*", "", joined)[:600] or "uv gave no reason"
