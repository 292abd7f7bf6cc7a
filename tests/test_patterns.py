"""The regular expressions that read what nobody trusts: none of them takes forever."""

from __future__ import annotations

import subprocess
import sys

import pytest

CPU_SECONDS = 60
"""Many times what it takes."""

# Runs in a process of its own: a pattern that parts a text in every possible way cannot be stopped from within.
MATCH_EVERYTHING = """
import importlib, inspect, pkgutil, re, resource, sys

limit = int(sys.argv[2])
resource.setrlimit(resource.RLIMIT_CPU, (limit, limit))
package = importlib.import_module(sys.argv[1])
units = [*"\\n\\t aAx09._-+:;=/'\\"#\\\\[]{}(),<>&*!|", "\\\\\\\\", "a ", "a:", "- ", "#\\n", "9.", "a/", "\\r\\n"]
for item in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
    module = importlib.import_module(item.name)
    source = inspect.getsource(module)
    for name, value in vars(module).items():
        for pattern in value.values() if isinstance(value, dict) else [value]:
            if not isinstance(pattern, re.Pattern):
                continue
            # With fullmatch, a pattern is asked for more than it was written for.
            methods = [pattern.match, pattern.search] + [pattern.fullmatch] * (f"{name}.fullmatch(" in source)
            print(module.__name__, name, flush=True)
            for text in (head + unit * 1000 + tail for unit in units for head in ("", "a", "'") for tail in ("", "\\0")):
                for method in methods:
                    method(text.encode() if isinstance(pattern.pattern, bytes) else text)
print("done")
"""


@pytest.mark.parametrize("package", ["envlock.formats", "envlock.artifacts", "envlock.diagnosis"])
def test_no_pattern_tries_every_way_to_part_a_long_run(package: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", MATCH_EVERYTHING, package, str(CPU_SECONDS)], capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stdout.splitlines()[-1:]) == (0, ["done"]), done.stderr
