"""Runs masses of damaged inputs over every target, and prints what became of them.

    python -m tests.fuzz.mutate --inputs 100000 --first 0 --workers 1 [TARGET ...]

An input follows from its target and its number alone, so that a run goes on where another ended (``--first``), and a
failure is repeated by its number. Workers are processes of their own: one that is killed costs the rest of its batch,
and its last input is known. Exit code 1 where anything but a result or an EnvlockError came out.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path

from envlock.errors import EnvlockError
from tests.fuzz.mutations import mutate
from tests.fuzz.targets import TARGETS, Target

SLOW_SECONDS = 2.0
"""Of processor time, for one input."""

LARGEST_MEMORY = 256 * 1024
"""KiB that a process may have had resident after any of its inputs."""

_BATCH = 2000
_CPU_SECONDS = 900
_ADDRESS_SPACE = 2 << 30
_TRACEBACK_LINES = 12


@dataclass(slots=True)
class Tally:
    """What became of the inputs of one target."""

    inputs: int = 0
    read: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    """Inputs by the reference of their error."""

    tracebacks: dict[str, int] = field(default_factory=dict)
    """Text of each different one, with the first input that gave it."""

    slow: dict[int, float] = field(default_factory=dict)
    """Seconds of each input over the limit."""

    signals: dict[int, int] = field(default_factory=dict)
    """Signal that ended a worker, by its last input."""

    slowest: float = 0.0
    peak_memory: int = 0
    """KiB resident, at most, in any worker: Python, envlock and the seeds included."""

    @property
    def is_clean(self) -> bool:
        """Whether the contract was kept."""
        return not (self.tracebacks or self.slow or self.signals) and self.peak_memory <= LARGEST_MEMORY

    def add(self, other: Tally) -> None:
        """Add what another batch gave."""
        self.inputs += other.inputs
        self.read += other.read
        for reference, count in other.refused.items():
            self.refused[reference] = self.refused.get(reference, 0) + count
        self.tracebacks = {**other.tracebacks, **self.tracebacks}
        self.slow.update(other.slow)
        self.signals.update(other.signals)
        self.slowest = max(self.slowest, other.slowest)
        self.peak_memory = max(self.peak_memory, other.peak_memory)


def make_input(target: Target, seeds: Sequence[bytes], number: int) -> bytes:
    """The input *number* of *target*."""
    return mutate(seeds, random.Random(f"{target.name}:{number}"))  # noqa: S311 - made to be repeated


def run_batch(target: Target, numbers: range, *, progress: Path | None = None) -> Tally:
    """Run the inputs *numbers* in this process; *progress* holds the number of the one that is running."""
    tally = Tally()
    seeds = target.seeds()
    for number in numbers:
        if progress is not None:
            progress.write_text(str(number))
        _run_input(target, make_input(target, seeds, number), number, tally)
    tally.peak_memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return tally


def _run_input(target: Target, data: bytes, number: int, tally: Tally) -> None:
    started = time.process_time()
    try:
        target.run(data)
        tally.read += 1
    except EnvlockError as error:
        str(error)
        tally.refused[error.reference] = tally.refused.get(error.reference, 0) + 1
    except Exception:  # noqa: BLE001 - whatever it is, it is what is looked for
        tally.tracebacks.setdefault(_last_lines(traceback.format_exc()), number)
    seconds = time.process_time() - started
    tally.inputs += 1
    tally.slowest = max(tally.slowest, seconds)
    if seconds > SLOW_SECONDS:
        tally.slow[number] = round(seconds, 2)


def _last_lines(text: str) -> str:
    return "\n".join(text.splitlines()[-_TRACEBACK_LINES:])


# --- workers -------------------------------------------------------------------------------------------------


def _run_worker(target: Target, numbers: range) -> Tally:
    """Run a batch in a process of its own; what a killed one leaves is its last input and its signal."""
    with tempfile.TemporaryDirectory() as folder:
        progress = Path(folder) / "progress"
        command = [sys.executable, "-m", __spec__.name, "--batch", target.name]
        command += [str(numbers.start), str(numbers.stop), str(progress)]
        completed = subprocess.run(command, capture_output=True, text=True, check=False)
        if completed.returncode == 0:
            return _parse_tally(completed.stdout)
        last = int(progress.read_text()) if progress.exists() else numbers.start
    done = last - numbers.start + 1
    if completed.returncode < 0:
        return Tally(inputs=done, signals={last: -completed.returncode})
    return Tally(inputs=done, tracebacks={_last_lines(completed.stderr): last})


def _parse_tally(text: str) -> Tally:
    fields = json.loads(text)
    fields["slow"] = {int(number): seconds for number, seconds in fields["slow"].items()}
    return Tally(**fields)


def _serve_batch(name: str, first: str, last: str, progress: str) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (_ADDRESS_SPACE, _ADDRESS_SPACE))
    resource.setrlimit(resource.RLIMIT_CPU, (_CPU_SECONDS, _CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    (target,) = _select([name])
    tally = run_batch(target, range(int(first), int(last)), progress=Path(progress))
    sys.stdout.write(json.dumps(asdict(tally)))


# --- the run -------------------------------------------------------------------------------------------------


def main() -> int:
    """Run the inputs that the command line asks for and print one row for each target."""
    arguments = _parse_arguments()
    if arguments.batch:
        _serve_batch(*arguments.batch)
        return 0
    targets = _select(arguments.targets)
    numbers = range(arguments.first, arguments.first + arguments.inputs)
    tallies = {target.name: Tally() for target in targets}
    with ThreadPoolExecutor(arguments.workers) as pool:
        # Targets take turns, so that a run that is stopped early has met all of them.
        for batch in _batches(numbers):
            for target, tally in zip(targets, pool.map(partial(_run_worker, numbers=batch), targets), strict=True):
                tallies[target.name].add(tally)
            _print_table(tallies, following=batch.stop)
    return 0 if all(tally.is_clean for tally in tallies.values()) else 1


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("targets", metavar="TARGET", nargs="*", help="all of them by default")
    parser.add_argument("--inputs", type=int, default=_BATCH, help="inputs for each target")
    parser.add_argument("--first", type=int, default=0, help="number of the first input")
    parser.add_argument("--workers", type=int, default=1, help="processes at a time")
    parser.add_argument("--batch", nargs=4, help=argparse.SUPPRESS)
    return parser.parse_args()


def _select(names: Sequence[str]) -> list[Target]:
    return [target for target in TARGETS if not names or target.name in names]


def _batches(numbers: range) -> Iterator[range]:
    for first in range(numbers.start, numbers.stop, _BATCH):
        yield range(first, min(first + _BATCH, numbers.stop))


def _print_table(tallies: dict[str, Tally], *, following: int) -> None:
    print(f"{'target':16} {'inputs':>9} {'read':>9} {'refused':>9} signals traces  slow {'slowest':>8} {'peak MiB':>8}")
    for name, tally in [*tallies.items(), ("total", _total(tallies))]:
        print(
            f"{name:16} {tally.inputs:9} {tally.read:9} {sum(tally.refused.values()):9} {len(tally.signals):7} "
            f"{len(tally.tracebacks):6} {len(tally.slow):5} {tally.slowest:7.2f}s {tally.peak_memory / 1024:8.1f}"
        )
    for name, tally in tallies.items():
        for text, number in tally.tracebacks.items():
            print(f"\n{name} {number}:\n{text}")
        for number, signal in tally.signals.items():
            print(f"\n{name} {number}: signal {signal}")
        for number, seconds in tally.slow.items():
            print(f"\n{name} {number}: {seconds} s")
    print(f"\ngo on with --first {following}\n", flush=True)


def _total(tallies: dict[str, Tally]) -> Tally:
    total = Tally()
    for tally in tallies.values():
        total.add(tally)
    return total


if __name__ == "__main__":
    sys.exit(main())
