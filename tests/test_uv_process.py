"""What uv complains of, as one clear line."""

from __future__ import annotations

import pytest

from envlock.errors import CertificateError, EnvlockError, NetworkError, WriteError
from envlock.uv_process import UvError, read_failure

# What uv wrote, in the words of several of its releases, and what it amounts to.
_UV_FAILURES = {
    "hash mismatch": (
        "Resolved 1 package in 45ms\n"
        "error: Failed to download `six==1.16.0`\n"
        "  cause: Hash mismatch for `six==1.16.0`\n\n"
        "         Expected:\n           sha256:00\n\n         Computed:\n           sha256:8a\n",
        UvError("installing", "the index serves another file for six==1.16.0 than the lock pins (hash mismatch)"),
    ),
    "no name server": (
        "error: Failed to fetch: http://index.test/six/\n"
        "  cause: error sending request for url (http://index.test/six/)\n"
        "  cause: dns error\n"
        "  cause: failed to lookup address information: Name or service not known\n",
        NetworkError(
            "installing",
            "Failed to fetch: http://index.test/six/: failed to lookup address information: Name or service not known",
        ),
    ),
    "the same, numbered": (
        "error: Failed to fetch: `http://index.test/six/`\n"
        "  Caused by: Request failed after 3 retries\n"
        "  Caused by: error sending request for url (http://index.test/six/)\n"
        "  Caused by: operation timed out\n",
        NetworkError("installing", "Failed to fetch: `http://index.test/six/`: operation timed out"),
    ),
    "the same, as a tree": (
        "  \u00d7 Failed to download `six==1.16.0`\n"
        "  ├─▶ Failed to fetch: `http://index.test/six.whl`\n"
        "  ╰─▶ Connection reset by peer (os error 104)\n",
        NetworkError(
            "installing",
            "Failed to download `six==1.16.0`: Connection reset by peer (os error 104)",
        ),
    ),
    "a certificate of nobody known": (
        "error: Failed to fetch: https://index.test/six/\n"
        "  cause: error sending request for url (https://index.test/six/)\n"
        "  cause: client error (Connect)\n"
        "  cause: invalid peer certificate: UnknownIssuer\n",
        CertificateError(
            "installing", "Failed to fetch: https://index.test/six/: invalid peer certificate: UnknownIssuer"
        ),
    ),
    "network switched off": (
        "error: No solution found when resolving dependencies\n"
        "  cause: Because six was not found in the cache, your requirements are unsatisfiable.\n\n"
        "hint: Packages were unavailable because the network was disabled.\n",
        NetworkError(
            "installing",
            "No solution found when resolving dependencies: "
            "Because six was not found in the cache, your requirements are unsatisfiable.",
        ),
    ),
    "file gone from the index": (
        "error: Failed to download `six==1.16.0`\n"
        "  cause: Failed to fetch: `http://index.test/six.whl`\n"
        "  cause: HTTP status client error (404 Not Found) for url (http://index.test/six.whl)\n",
        UvError(
            "installing",
            "Failed to download `six==1.16.0`: "
            "HTTP status client error (404 Not Found) for url (http://index.test/six.whl)",
        ),
    ),
    "failed build": (
        "   Building bad==1.0\n"
        "error: Failed to build `bad==1.0`\n"
        "  cause: The build backend returned an error\n"
        "  cause: Call to `setuptools.build_meta:__legacy__.build_wheel` failed (exit status: 1)\n\n"
        "         [stdout]\n         working\n\n"
        "         [stderr]\n         Traceback (most recent call last):\n         no compiler here\n\n"
        "hint: Build failures usually indicate a problem with the package or the build environment\n",
        UvError("installing", "Failed to build `bad==1.0`: no compiler here"),
    ),
    "full disk": (
        "error: Failed to install: six-1.16.0-py2.py3-none-any.whl\n"
        "  Caused by: failed to write to file `six.py`: No space left on device (os error 28)\n",
        WriteError(
            ".venv",
            "failed to write to file `six.py`: No space left on device (os error 28)",
        ),
    ),
    "no solution, over several lines": (
        "  \u00d7 No solution found when resolving dependencies:\n"
        "  ╰─▶ Because a==1 depends on b>=2 and you require a==1, we can\n"
        "      conclude that you require b>=2.\n",
        UvError(
            "installing",
            "No solution found when resolving dependencies: Because a==1 depends on b>=2 and you require a==1, we can"
            " conclude that you require b>=2.",
        ),
    ),
    "an index with credentials": (
        "error: Failed to fetch: https://user:secret@index.test/six/\n  cause: connection closed\n",
        NetworkError("installing", "Failed to fetch: https://index.test/six/: connection closed"),
    ),
    "nothing": ("", UvError("installing", "uv was killed by signal 9")),
}


@pytest.mark.parametrize(("output", "error"), _UV_FAILURES.values(), ids=_UV_FAILURES.keys())
def test_what_uv_writes_becomes_one_line(output: str, error: EnvlockError) -> None:
    found = read_failure(output, exit_code=-9, action="installing", place=".venv")

    assert (type(found), str(found)) == (type(error), str(error))
