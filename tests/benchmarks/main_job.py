"""Seconds of each step of the main job, beside those of its peers on the same lock.

    python tests/benchmarks/main_job.py [ARTIFACT] [--runs N]

Wall times of whole processes with warm caches, medians of N runs in one go; figures of different machines or days
do not compare, ratios within one run do. The peers install the lock that envlock wrote: ``virtualenv`` with pip, and
``uv venv`` with ``uv pip sync``.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import uv

ROOT = Path(__file__).parent.parent.parent
DEFAULT = ROOT / "tests" / "assets" / "keras" / "tf-2.15-functional.keras"


def main() -> None:
    """Run everything once unmeasured, then *N* times, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("artifact", nargs="?", type=Path, default=DEFAULT)
    parser.add_argument("--runs", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        measure(arguments.artifact.resolve(), Path(folder), arguments.runs)


def measure(artifact: Path, folder: Path, runs: int) -> None:
    """Print the median seconds of every step."""
    steps: dict[str, list[float]] = {}
    for number in range(runs + 1):
        document = run_envlock(artifact, folder / "own")
        interpreter = (folder / "own" / ".venv" / "bin" / "python").resolve()
        lock = folder / "own" / "requirements.txt"
        taken = {f"envlock: {name}": seconds for name, seconds in document["seconds"].items()}
        taken["envlock: inspect, whole process"] = timed(
            partial(run, sys.executable, "-m", "envlock", "inspect", artifact)
        )
        taken["uv venv + uv pip sync"] = timed(partial(uv_sync, folder / "uv", interpreter, lock))
        taken["virtualenv + pip install"] = timed(partial(pip_install, folder / "pip", interpreter, lock))
        if number:
            for name, seconds in taken.items():
                steps.setdefault(name, []).append(seconds)
    medians = {name: statistics.median(values) for name, values in steps.items()}
    for name, seconds in medians.items():
        print(f"{name:<36}{seconds:8.2f} s")
    environment = medians["envlock: environment"]
    print(f"{'environment / uv':<36}{environment / medians['uv venv + uv pip sync']:8.2f}")
    print(f"{'virtualenv + pip / environment':<36}{medians['virtualenv + pip install'] / environment:8.2f}")


def run_envlock(artifact: Path, folder: Path) -> dict[str, dict[str, float]]:
    """The document of a run from nothing."""
    emptied(folder)
    command = [sys.executable, "-m", "envlock", "from-model", str(artifact), "--json"]
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    document: dict[str, dict[str, float]] = json.loads(done.stdout)
    return document


def uv_sync(folder: Path, interpreter: Path, lock: Path) -> None:
    """What a person would do with uv alone."""
    emptied(folder)
    run(uv.find_uv_bin(), "venv", "--quiet", "--python", interpreter, folder / "venv")
    run(uv.find_uv_bin(), "pip", "sync", "--quiet", "--require-hashes", "--python", folder / "venv/bin/python", lock)


def pip_install(folder: Path, interpreter: Path, lock: Path) -> None:
    """What a person would do with virtualenv and pip."""
    emptied(folder)
    run(sys.executable, "-m", "virtualenv", "--quiet", "--python", interpreter, folder / "venv")
    run(folder / "venv/bin/python", "-m", "pip", "install", "--quiet", "--require-hashes", "-r", lock)


def run(*command: object) -> None:
    """Run a command that has to succeed."""
    subprocess.run([str(part) for part in command], check=True, capture_output=True)


def timed(action: Callable[[], None]) -> float:
    """Wall seconds of *action*."""
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def emptied(folder: Path) -> None:
    """Leave an empty folder."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)


if __name__ == "__main__":
    main()
