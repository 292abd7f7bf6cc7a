"""Seconds that a lock takes, beside those of its peers for the same requirements and target.

    python tests/benchmarks/locks.py [--runs N] [--pip-tools]

Wall times of whole processes with their processor times, medians of N runs in one go; figures of different machines or
days do not compare, ratios within one run do. envlock locks with ``--engine offline``, in a namespace without a network
where the machine gives one; the peers get what envlock asks for by name, with the bounds that metadata lacks, and warm
caches. uv is run with the network and from its cache alone. pip-compile resolves for the Python that runs it and takes
minutes: it is left out unless asked for, and then run once.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import uv

ROOT = Path(__file__).parent.parent.parent
ARTIFACT = ROOT / "tests" / "assets" / "example" / "model.h5"
TARGETS = (("1.15.5", "3.7"), ("2.4.4", "3.8"), ("2.15.1", "3.11"), ("2.21.0", "3.13"))


def main() -> None:
    """Print a line for each target: seconds of each engine, and ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--pip-tools", action="store_true", help="also pip-compile, once for each target")
    options = parser.parse_args()
    isolation = _without_network()
    print(f"envlock {'without a network' if isolation else 'with the network on: no namespace can be made here'}")
    for version, python in TARGETS:
        with tempfile.TemporaryDirectory() as folder:
            print(_measure(version, python, Path(folder), isolation, options), flush=True)


def _measure(version: str, python: str, folder: Path, isolation: list[str], options: argparse.Namespace) -> str:
    own = [sys.executable, "-m", "envlock", "from-model", str(ARTIFACT), "--lock-only", "--engine", "offline", "--json"]
    own += ["--tensorflow", version, "--python-version", python, "-o", str(folder / "requirements.txt")]
    document = json.loads(_run([*isolation, *own], folder))
    _write_question(document, folder)
    peer = [uv.find_uv_bin(), "pip", "compile", "-q", "--generate-hashes", "--only-binary", ":all:"]
    peer += ["--python-version", python, "--python-platform", "x86_64-manylinux_2_28"]
    peer += ["asked.in", "-c", "bounds.txt", "-o", "uv.txt"]
    if not _succeeds(peer, folder):
        # Where no wheel satisfies, sources have to be admitted.
        peer.remove("--only-binary")
        peer.remove(":all:")
        _run(peer, folder)
    commands = {"envlock": [*isolation, *own], "uv": peer, "uv from its cache": [*isolation, *peer, "--offline"]}
    times: dict[str, list[Times]] = {name: [] for name in commands}
    for _ in range(options.runs):
        for name, command in commands.items():
            (folder / "uv.txt").unlink(missing_ok=True)
            times[name].append(_timed(command, folder))
    if options.pip_tools:
        compiled = ["tool", "run", "--python", python, "--from", "pip-tools", "pip-compile", "-q", "--generate-hashes"]
        compiled += ["--resolver", "backtracking"]
        command = [uv.find_uv_bin(), *compiled, "--allow-unsafe", "bounded.in", "-o", "pip-tools.txt"]
        times["pip-tools"] = [_timed(command, folder)]
    medians = {name: statistics.median(one.wall for one in measured) for name, measured in times.items()}
    processor = {name: statistics.median(one.processor for one in measured) for name, measured in times.items()}
    told = [
        f"{name} {seconds:.2f} s ({seconds / medians['envlock']:.1f}), {processor[name]:.2f} s of a processor"
        for name, seconds in medians.items()
    ]
    return f"TensorFlow {version} on Python {python}: {'; '.join(told)}"


def _write_question(document: dict[str, object], folder: Path) -> None:
    """What envlock asked for and bounded, as files for the peers."""
    head = (folder / "requirements.txt").read_text(encoding="utf-8").splitlines()
    bounds = next((line.partition(": ")[2] for line in head if line.startswith("# Bounds")), "")
    candidate = document["candidate"]
    assert isinstance(candidate, dict)
    (folder / "asked.in").write_text("\n".join([*candidate["requirements"], "pip"]) + "\n", encoding="utf-8")
    # Old releases of pip-compile have no option for it.
    (folder / "bounded.in").write_text("-r asked.in\n-c bounds.txt\n", encoding="utf-8")
    (folder / "bounds.txt").write_text("\n".join(bounds.split(", ")) + "\n", encoding="utf-8")


def _without_network() -> list[str]:
    """What runs a command in a network namespace of its own; nothing where none can be made."""
    command = ["unshare", "--net", "--map-root-user"]
    if shutil.which("unshare") and subprocess.run([*command, "true"], capture_output=True, check=False).returncode == 0:
        return command
    return []


@dataclass(frozen=True, slots=True)
class Times:
    """Of one process, in seconds."""

    wall: float
    processor: float


def _timed(command: list[str], folder: Path) -> Times:
    started, used = time.perf_counter(), _processor_seconds()
    _run(command, folder)
    return Times(time.perf_counter() - started, _processor_seconds() - used)


def _processor_seconds() -> float:
    """Of all children so far, user and system."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _succeeds(command: list[str], folder: Path) -> bool:
    return subprocess.run(command, cwd=folder, capture_output=True, check=False).returncode == 0


def _run(command: list[str], folder: Path) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)}\n{done.stderr}")
    return done.stdout


if __name__ == "__main__":
    main()
