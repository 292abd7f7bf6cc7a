"""Running uv as a child process: what it complains of becomes one clear line."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Sequence

from uv import find_uv_bin

from envlock.errors import EnvlockError, WriteError, unreachable_index
from envlock.formats.text import without_credentials

# uv follows the person's settings, except where they name another environment, switch the check of hashes off, or
# shape what is resolved. So does pip, where uv runs it.
_OVERRIDDEN_VARIABLES = frozenset(
    {
        "CONDA_PREFIX",
        "PIP_ABI",
        "PIP_BUILD_CONSTRAINT",
        "PIP_CONSTRAINT",
        "PIP_IGNORE_REQUIRES_PYTHON",
        "PIP_IMPLEMENTATION",
        "PIP_NO_BINARY",
        "PIP_NO_BUILD_ISOLATION",
        "PIP_ONLY_BINARY",
        "PIP_PLATFORM",
        "PIP_PRE",
        "PIP_PYTHON_VERSION",
        "PIP_TARGET",
        "PIP_UPLOADED_PRIOR_TO",
        "PIP_USE_DEPRECATED",
        "PYTHONHOME",
        "PYTHONPATH",
        "UV_CONSTRAINT",
        "UV_EXCLUDE_NEWER",
        "UV_NO_BINARY",
        "UV_NO_BUILD",
        "UV_ONLY_BINARY",
        "UV_OVERRIDE",
        "UV_PRERELEASE",
        "UV_REQUIRE_HASHES",
        "UV_RESOLUTION",
        "UV_MANAGED_PYTHON",
        "UV_NO_MANAGED_PYTHON",
        "UV_NO_VERIFY_HASHES",
        "UV_PYTHON",
        "UV_PYTHON_PREFERENCE",
        "UV_SYSTEM_PYTHON",
        "VIRTUAL_ENV",
    }
)
# Nobody is there to answer a question, such as for the password of an index.
_SETTINGS = {"NO_COLOR": "1", "PIP_NO_INPUT": "1", "UV_NO_PROGRESS": "1", "UV_PYTHON_DOWNLOADS": "never"}


class UvError(EnvlockError):
    """uv ended with an error that is neither the network's nor the disk's."""

    reference = "uv-failed"

    def __init__(self, action: str, detail: str) -> None:
        super().__init__(action, detail)
        self.action, self.detail = action, detail

    def __str__(self) -> str:
        return f"{self.action}: {self.detail}"


def run_uv(
    arguments: Sequence[str],
    *,
    action: str,
    place: str,
    text: str = "",
    executable: str | None = None,
    kept_open: Sequence[int] = (),
    folder: str | None = None,
    explain: Callable[[str], EnvlockError | None] | None = None,
) -> str:
    """Run uv with *arguments*, hand it *text* on standard input, and return what it prints to standard output.

    *action* says in an error what was being done, *place* what was being written. The person's own configuration of
    uv applies: index, proxy, cache, credentials. *executable* stands in for the uv that came with envlock. Of
    the files that envlock holds open, uv gets those whose descriptors are in *kept_open*. It works in *folder*, and
    reads the configuration of the project there. Where uv runs another program, *explain* makes an error of what that
    one wrote to both streams, or ``None`` where it is uv itself that failed.

    Raises:
        NetworkError: The index cannot be reached.
        WriteError: The disk is full or may not be written to.
        UvError: Anything else.
    """
    inherited = {name: value for name, value in os.environ.items() if name not in _OVERRIDDEN_VARIABLES}
    done = subprocess.run(  # noqa: S603 - uv, with options of our own
        [executable or find_uv_bin(), *arguments],
        input=text,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        env=inherited | _SETTINGS,
        pass_fds=kept_open,
        cwd=folder,
        check=False,
    )
    if done.returncode != 0:
        explained = explain(f"{done.stdout}\n{done.stderr}") if explain else None
        raise explained or read_failure(done.stderr, exit_code=done.returncode, action=action, place=place)
    return done.stdout


def index_address() -> str:
    """The index that uv resolves over, as the person configured it; it may hold credentials.

    Raises:
        UvError: The configuration cannot be read.
    """
    # Nothing is asked for, so nothing is looked up: only the settings are told.
    told = run_uv(
        ["pip", "compile", "-", "--quiet", "--no-header", "--offline", "--emit-index-url"],
        action="reading the settings of uv",
        place="the cache of uv",
    )
    return told.split("--index-url", 1)[1].split()[0]


# --- what went wrong -----------------------------------------------------------------------------------------

# Looked for in this order: a full disk also ends downloads, and a refused hash also fails to download.
_DISK_TROUBLE = re.compile(r"No space left on device|Disk quota exceeded|Read-only file system|Permission denied")
_HASH_TROUBLE = re.compile(r"Hash mismatch for `([^`]+)`")
_ABSENT_FILE = re.compile(r"HTTP status client error \((4\d\d [^)]*)\)")
_NETWORK_TROUBLE = re.compile(
    r"error sending request|dns error|tcp connect error|timed out|network was disabled"
    r"|HTTP status server error|connection (?:closed|reset)|Failed to fetch",
    flags=re.IGNORECASE,
)


def read_failure(output: str, *, exit_code: int, action: str, place: str) -> EnvlockError:
    """The error that *output*, what uv wrote to stderr, amounts to: one line."""
    causes = _read_causes(output)
    detail = ": ".join(dict.fromkeys((causes[0].rstrip(":"), causes[-1]))) if causes else _describe_exit(exit_code)
    if _DISK_TROUBLE.search(output):
        return WriteError(place, causes[-1] if causes else detail)
    if mismatch := _HASH_TROUBLE.search(output):
        return UvError(action, f"the index serves another file for {mismatch[1]} than the lock pins (hash mismatch)")
    if _NETWORK_TROUBLE.search(output) and not _ABSENT_FILE.search(output):
        return unreachable_index(action, detail)
    return UvError(action, detail)


# uv has drawn its chains of causes in several ways over the years: `Caused by:`, `cause:`, and a tree.
_CHAIN_MARK = re.compile(r"^\s*(?:error:|cause:|Caused by:|\u00d7|[│├╰─▶\s]*▶)\s*")
_CONTINUATION = re.compile(r"^[\s│]{4,}(?=\S)")


def _read_causes(output: str) -> list[str]:
    """The chain of causes in what uv wrote, outermost first; whatever a build printed comes last."""
    chain: list[str] = []
    is_open = False
    for line in without_credentials(output).partition("[stdout]")[0].splitlines():
        if _CHAIN_MARK.match(line):
            chain.append(_CHAIN_MARK.sub("", line).strip())
            is_open = True
        elif is_open and _CONTINUATION.match(line):
            chain[-1] += " " + _CONTINUATION.sub("", line).strip()
        else:
            is_open = False
    if "[stderr]" in output:
        printed = [line.strip() for line in output.partition("[stderr]")[2].splitlines() if line.strip()]
        chain += [line for line in printed if not line.startswith("hint:")][-1:]
    return [cause for cause in chain if cause]


def _describe_exit(code: int) -> str:
    return f"uv was killed by signal {-code}" if code < 0 else f"uv ended with exit status {code}"
