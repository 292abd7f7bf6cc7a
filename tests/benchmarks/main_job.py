"""What the main job costs beside its peers on the same lock, for TensorFlow old and new, and what a second run costs.

    python tests/benchmarks/main_job.py [LINE ...] [--runs N] [--cold]

The peers install the lock that envlock wrote: ``uv venv`` with ``uv pip sync``, and ``python -m venv`` with pip. All
take turns, and figures are medians of N runs: wall seconds, and processor seconds in brackets. Figures of different
machines or days do not compare, ratios within one run do. With ``--cold`` each starts with empty caches, and fetches
everything; else all is cached by an unmeasured run.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import uv

ROOT = Path(__file__).parents[2]
ASSETS = ROOT / "tests" / "assets"

CASES = {
    "1.15": ("keras/tf-1.15-sequential.h5", "3.7"),
    "2.4": ("example/model.h5", "3.8"),
    "2.15": ("keras/tf-2.15-functional.keras", "3.11"),
    "2.21": ("keras/tf-2.21-functional.keras", "3.12"),
}
"""A model that its TensorFlow line serves, and the Python to serve it on."""


class Cost(NamedTuple):
    """What something took, in seconds."""

    wall: float
    processor: float

    def __str__(self) -> str:
        return f"{self.wall:8.2f} s ({self.processor:.2f})"


def main() -> None:
    """Measure each line, and print a table for it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lines", nargs="*", metavar="LINE", default=[*CASES], help=f"of {', '.join(CASES)}")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--cold", action="store_true")
    arguments = parser.parse_args()
    for line in arguments.lines:
        with tempfile.TemporaryDirectory() as folder:
            print(f"TensorFlow {line}, {'cold' if arguments.cold else 'warm'}")
            print_table(measure(line, Path(folder), arguments.runs, is_cold=arguments.cold))


def measure(line: str, folder: Path, runs: int, *, is_cold: bool) -> dict[str, Cost]:
    """The median cost of every step."""
    steps: dict[str, list[Cost]] = {}
    for number in range(runs if is_cold else runs + 1):
        for name, cost in run_all(line, folder, is_cold=is_cold).items():
            if number or is_cold:
                steps.setdefault(name, []).append(cost)
    return {name: Cost(*map(statistics.median, zip(*costs, strict=True))) for name, costs in steps.items()}


def run_all(line: str, folder: Path, *, is_cold: bool) -> dict[str, Cost]:
    """What each of the peers takes for the same lock, one after the other."""
    artifact, python = CASES[line]
    command = [sys.executable, "-m", "envlock", "from-model", ASSETS / artifact, "--json"]
    command += ["--tensorflow", line, "--python-version", python]
    own, peer = folder / "own", folder / "peer"
    documents: list[dict[str, Any]] = []

    def call_envlock(*options: str) -> None:
        documents.append(json.loads(run(*command, *options, cwd=own)))

    emptied(own)
    costs = {}
    with caches(folder, is_cold=is_cold):
        costs["envlock, nothing verified"] = cost_of(lambda: call_envlock("--no-verify"))
    costs["envlock: environment alone"] = Cost(documents[0]["seconds"]["environment"], 0.0)
    interpreter = (own / ".venv" / "bin" / "python").resolve()
    lock = own / "requirements.txt"
    emptied(peer)
    with caches(folder, is_cold=is_cold):
        costs["uv venv + uv pip sync"] = cost_of(lambda: uv_sync(peer, interpreter, lock))
    emptied(peer)
    with caches(folder, is_cold=is_cold):
        costs["python -m venv + pip install"] = cost_of(lambda: pip_install(peer, interpreter, lock))
    costs["envlock, the model verified"] = cost_of(call_envlock)
    costs["envlock, the same once more"] = cost_of(call_envlock)
    return costs


def print_table(costs: dict[str, Cost]) -> None:
    """Each cost, and the ratios that have budgets."""
    for name, cost in costs.items():
        print(f"  {name:<34}{cost}")
    environment, uv_peer = costs["envlock: environment alone"].wall, costs["uv venv + uv pip sync"].wall
    print(f"  {'environment / uv':<34}{environment / uv_peer:8.2f}")
    print(f"  {'environment / pip':<34}{environment / costs['python -m venv + pip install'].wall:8.2f}")


def uv_sync(folder: Path, interpreter: Path, lock: Path) -> None:
    """What a person would do with uv alone."""
    run(uv.find_uv_bin(), "venv", "--quiet", "--python", interpreter, folder / "venv")
    run(uv.find_uv_bin(), "pip", "sync", "--quiet", "--require-hashes", "--python", folder / "venv/bin/python", lock)


def pip_install(folder: Path, interpreter: Path, lock: Path) -> None:
    """What a person would do with Python alone."""
    run(interpreter, "-m", "venv", folder / "venv")
    run(folder / "venv/bin/python", "-m", "pip", "install", "--quiet", "--require-hashes", "-r", lock)


@contextmanager
def caches(folder: Path, *, is_cold: bool) -> Iterator[None]:
    """Within the block, uv and pip have empty caches where *is_cold*; else those that the person has."""
    before, place = dict(os.environ), folder / "cache"
    if is_cold:
        os.environ.update({"UV_CACHE_DIR": str(place / "uv"), "PIP_CACHE_DIR": str(place / "pip")})
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
        shutil.rmtree(place, ignore_errors=True)


def run(*command: object, cwd: Path | None = None) -> str:
    """What a command that has to succeed prints."""
    done = subprocess.run([str(part) for part in command], cwd=cwd, check=True, capture_output=True, text=True)
    return done.stdout


def cost_of(action: Callable[[], object]) -> Cost:
    """What *action* and the processes that it starts take."""
    started, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    action()
    wall, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    return Cost(wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def emptied(folder: Path) -> None:
    """Leave an empty folder."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)


if __name__ == "__main__":
    main()
