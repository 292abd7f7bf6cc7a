"""What ``envlock inspect`` and ``envlock explain`` cost: wall time and memory of the process, requests and bytes of a remote artifact.

    python tests/benchmarks/inspection.py [--runs N] [--h5py EXE] [--bulk FOLDER]

Medians of N whole processes that take turns in one go, beside the start of Python and, given an interpreter that has
h5py, its import: figures of different machines or days do not compare, ratios within one run do. The large artifacts
are sparse files of 2 GiB: what is not read takes no room. With a folder, the milliseconds a file of reading all of
its models are measured too.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from fsspec.implementations.local import LocalFileSystem

from envlock.artifacts import FsspecSource, read_provenance

ROOT = Path(__file__).parent.parent.parent
ASSETS = ROOT / "tests" / "assets"
TWO_GIBIBYTES = 2 * 1024**3
# What is run here is warm: byte code is there, as in any installation.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


@dataclass(frozen=True)
class Cost:
    """Of one process."""

    seconds: float
    """Wall time."""

    processor: float
    """Seconds of processor time, which other work on the machine disturbs less."""

    memory: float
    """Largest resident set in MB."""


def main() -> None:
    """Make the artifacts, run everything once unmeasured and then *N* times, and print tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--h5py", metavar="EXE", help="a Python that has h5py")
    parser.add_argument("--bulk", metavar="FOLDER", type=Path, help="a folder of saved models")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        artifacts = {name: make(Path(folder)) for name, make in ARTIFACTS.items()}
        show_processes(commands(artifacts, arguments.h5py), arguments.runs)
        show_requests(artifacts)
    if arguments.bulk is not None:
        show_bulk(arguments.bulk, arguments.runs)


# --- artifacts -----------------------------------------------------------------------------------------------


def tiny_hdf5(folder: Path) -> Path:
    """A model of 34 kB."""
    return Path(shutil.copy(ASSETS / "keras" / "tf-2.6-sequential.h5", folder))


def large_hdf5(folder: Path) -> Path:
    """The same, with 2 GiB behind what stands at its head, as weights do."""
    content = tiny_hdf5(folder).read_bytes()
    # The superblock tells the end of the file.
    ends = (size.to_bytes(8, "little") for size in (len(content), TWO_GIBIBYTES))
    return sparse(folder / "large.h5", content.replace(*ends, 1))


def large_graph(folder: Path) -> Path:
    """A frozen graph with a constant of nearly 2 GiB, the most that a protobuf message can have."""
    content = (ASSETS / "graphs" / "2.3" / "frozen.pb").read_bytes()
    size = TWO_GIBIBYTES - len(content) - 1024
    tensor_type, tensor_shape = message(1, 1), message(2, message(2, message(1, size // 4)))
    # GraphDef.node.attr["value"].tensor.tensor_content: the last of each message, so that the hole ends all of them.
    node = message(1, b"weights") + message(2, b"Const") + message(5, message(1, b"dtype") + message(2, message(6, 1)))
    tensor = (tensor_type + tensor_shape, 4)
    nested = [(content, 1), (node, 5), (message(1, b"value"), 2), (b"", 8), tensor]
    head = open_messages(nested, size)
    return sparse(folder / "large.pb", head, len(head) + size)


def large_saved_model(folder: Path) -> Path:
    """A graph of 50,000 operations beside variables of 2 GiB."""
    model = folder / "large_saved_model"
    shutil.copytree(ASSETS / "saved_model" / "2.6", model)
    nodes = (message(1, message(1, f"node_{number}".encode()) + message(2, b"Identity")) for number in range(50_000))
    information = message(4, b"serve") + message(5, b"2.6.0")
    graph = message(1, information) + message(2, b"".join(nodes))
    (model / "saved_model.pb").write_bytes(message(1, 1) + message(2, graph))
    data = model / "variables" / "variables.data-00000-of-00001"
    sparse(data, data.read_bytes())
    return model


ARTIFACTS: dict[str, Callable[[Path], Path]] = {
    "tiny .h5": tiny_hdf5,
    "2 GiB .h5": large_hdf5,
    "2 GiB frozen graph": large_graph,
    "large SavedModel": large_saved_model,
}

EXPLAINED = {
    "SavedModel": ASSETS / "saved_model" / "2.6",
    ".keras": ASSETS / "keras" / "tf-2.21-functional.keras",
    ".h5": ASSETS / "example" / "model.h5",
}


def sparse(path: Path, head: bytes, size: int = TWO_GIBIBYTES) -> Path:
    """A file of *size* bytes that begins with *head* and takes no more room than that."""
    with path.open("wb") as file:
        file.write(head)
        file.truncate(size)
    return path


def message(number: int, payload: bytes | int) -> bytes:
    """One field of a protobuf message."""
    if isinstance(payload, int):
        return varint(number << 3) + varint(payload)
    return varint(number << 3 | 2) + varint(len(payload)) + payload


def varint(value: int) -> bytes:
    """An unsigned number of a protobuf message."""
    low, rest = value & 0x7F, value >> 7
    return bytes([low | 0x80]) + varint(rest) if rest else bytes([low])


def open_messages(nested: Sequence[tuple[bytes, int]], size: int) -> bytes:
    """The start of messages within messages: of each what comes first, and the field that the next is the value of.

    The value of the last one is *size* bytes, which are left to the caller to write.
    """
    start = b""
    for before, number in reversed(nested):
        start = before + varint(number << 3 | 2) + varint(len(start) + size) + start
    return start


# --- processes -----------------------------------------------------------------------------------------------


def commands(artifacts: dict[str, Path], h5py: str | None) -> dict[str, list[str]]:
    """What is run, by name."""
    envlock = [sys.executable, "-m", "envlock"]
    return {
        "python -c pass": [sys.executable, "-c", "pass"],
        **({"import h5py": [h5py, "-c", "import h5py"]} if h5py else {}),
        "envlock --help": [*envlock, "--help"],
        **{f"inspect {name}": [*envlock, "inspect", str(path)] for name, path in artifacts.items()},
        **{f"explain {name}": [*envlock, "explain", str(path)] for name, path in EXPLAINED.items()},
    }


def show_processes(processes: dict[str, list[str]], runs: int) -> None:
    """Print wall time and memory of each."""
    costs: dict[str, list[Cost]] = {name: [] for name in processes}
    for number in range(runs + 1):
        for name, command in processes.items():
            cost = run(command)
            if number:
                costs[name].append(cost)
    print(f"{'':<28}{'median':>10}{'least':>10}{'processor':>10}{'memory':>10}")
    for name, found in costs.items():
        median, least = (choose(cost.seconds for cost in found) for choose in (statistics.median, min))
        processor, memory = min(cost.processor for cost in found), max(cost.memory for cost in found)
        print(f"{name:<28}{median:8.3f} s{least:8.3f} s{processor:8.3f} s{memory:7.1f} MB")


# A process is charged with the memory of the one that starts it, so a small one stands between.
LAUNCHER = """
import os, sys, time
started = time.perf_counter()
output = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
_, status, usage = os.wait4(os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ, file_actions=output), 0)
print(time.perf_counter() - started, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1000)
sys.exit(os.waitstatus_to_exitcode(status))
"""


def run(command: Sequence[str], *, must_succeed: bool = True) -> Cost:
    """What a command costs."""
    launch = [sys.executable, "-I", "-S", "-c", LAUNCHER, *command]
    done = subprocess.run(launch, cwd=ROOT, env=ENVIRONMENT, stdout=subprocess.PIPE, text=True, check=must_succeed)
    seconds, processor, memory = map(float, done.stdout.split())
    return Cost(seconds=seconds, processor=processor, memory=memory)


# --- remote --------------------------------------------------------------------------------------------------


class CountedStream:
    """A stream that counts what is read, each read a request to a remote host."""

    def __init__(self, stream: BinaryIO, sizes: list[int]) -> None:
        self._stream = stream
        self._sizes = sizes

    def read(self, size: int = -1) -> bytes:
        """The next bytes."""
        data = self._stream.read(size)
        self._sizes.append(len(data))
        return data

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class CountedFileSystem(LocalFileSystem):
    """The local files, with the bytes of each request."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.sizes: list[int] = []

    def open(self, path: str, mode: str = "rb", **_: Any) -> CountedStream:
        """Open a file and count what is read of it."""
        return CountedStream(Path(path).open(mode), self.sizes)


def show_requests(artifacts: dict[str, Path]) -> None:
    """Print how much of each artifact is fetched where it is not local."""
    print(f"\n{'':<28}{'requests':>10}{'bytes':>12}")
    for name, path in artifacts.items():
        file_system = CountedFileSystem(skip_instance_cache=True)
        read_provenance(FsspecSource(file_system, str(path)))
        print(f"{name:<28}{len(file_system.sizes):10}{sum(file_system.sizes):12,}")


# --- bulk ----------------------------------------------------------------------------------------------------


def show_bulk(folder: Path, runs: int) -> None:
    """Print the milliseconds a file of reading every model in a folder: of the whole process, and of each file more."""
    command = [sys.executable, "-m", "envlock", "inspect", "--recursive", "--json", str(folder)]
    # Bad files have a row of their own, and the exit code tells of them.
    listed = subprocess.run(command, cwd=ROOT, env=ENVIRONMENT, capture_output=True, check=False)
    files = len(listed.stdout.splitlines())
    whole, more = [], []
    for _ in range(runs):
        once = run(command, must_succeed=False)
        thrice = run([*command, str(folder), str(folder)], must_succeed=False)
        whole.append((once.seconds / files, once.processor / files))
        more.append(
            ((thrice.seconds - once.seconds) / (2 * files), (thrice.processor - once.processor) / (2 * files)),
        )
    print()
    for name, costs in ((f"each of {files} files", whole), ("each file more", more)):
        seconds, processor = zip(*costs, strict=True)
        figures = (statistics.median(seconds), min(seconds), statistics.median(processor))
        print(f"{name:<28}" + "".join(f"{1000 * value:7.2f} ms" for value in figures))


if __name__ == "__main__":
    main()
