"""The experiment: save with every environment, load with every environment, and write down what happened.

    python -m tests.matrix.run_matrix WORK [--environments DIR] [--only NAME ...] [--plan]

WORK holds the artifacts (a folder for each saver) and ``journal.jsonl``, to which each outcome is appended at once: a run
that was stopped goes on where it was. Environments are taken from DIR (``<name>/bin/python``); what is not there is made
from the product's own lock and deleted at the end. One process loads what many savers wrote; where an artifact crashes it
or takes too long, another goes on behind that one.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import product
from pathlib import Path
from typing import IO

from packaging.requirements import Requirement
from packaging.version import Version

from envlock.environment import reserve_place
from envlock.errors import EnvlockError, ResolutionError
from envlock.interpreters import find_interpreters
from envlock.knowledge.bounds import bounds_for
from envlock.reporter import SilentReporter
from envlock.resolution import Resolution, Resolver, resolvers_of
from envlock.target import LINUX_X86_64, Target
from tests.matrix.experiment import Environment, Trial, plan_trials, read_environments
from tests.matrix.journal import Row, add_report, find_artifacts, is_saved, journal_of, key_of, read_journal
from tests.matrix.probes.shares import SHARES

START_LIMIT = 300.0
"""Seconds that a process may take until it begins with its first artifact: the import of TensorFlow."""

TIME_LIMIT = 90.0
"""Seconds that one artifact may take."""

BATCH = 300
"""Artifacts that one process loads: TensorFlow does not give back all memory."""

STOP_BELOW = 8 * 10**9
"""Bytes of free disk below which no environment is made."""

_PROBES = Path(__file__).parent / "probes"


def main() -> int:
    """Run what is not in the journal yet; 1 where an environment could not be used."""
    parser = argparse.ArgumentParser()
    parser.add_argument("work", type=Path)
    parser.add_argument("--environments", type=Path, help="where environments are, and are made")
    parser.add_argument("--only", nargs="*", default=[], help="environments that take part")
    parser.add_argument("--saving", nargs="*", default=[], help="those of them that save; all unless given")
    parser.add_argument("--loading", nargs="*", default=[], help="those of them that load; all unless given")
    parser.add_argument(
        "--shares", nargs="*", type=int, default=range(1, SHARES + 1), help="counted from 1; all unless given"
    )
    parser.add_argument("--kinds", nargs="*", default=[], help="kinds of artifacts that are loaded; all unless given")
    parser.add_argument("--subjects", default="", help="part of the names of those that are saved and loaded")
    parser.add_argument("--plan", action="store_true", help="print the pairs and how many trials they have, and end")
    options = parser.parse_args()
    environments = [item for item in read_environments() if not options.only or item.name in options.only]
    saving = [item for item in environments if not options.saving or item.name in options.saving]
    loading = [item for item in environments if not options.loading or item.name in options.loading]
    work = options.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    with ExitStack() as made:
        places = (options.environments or work / "environments").resolve()
        laboratory = Laboratory(work, places, made, kinds=options.kinds, subjects=options.subjects)
        for share in (number - 1 for number in options.shares):
            if options.plan:
                for saver, loader in product(saving, loading):
                    count = len(laboratory.pending([saver], loader, share))
                    print(f"{share + 1}/{SHARES}", saver.name, "->", loader.name, count)
            else:
                laboratory.run_share(saving, loading, share)
    for name, error in laboratory.unusable.items():
        print(f"{name}: {error}", file=sys.stderr)
    return 1 if laboratory.unusable else 0


class Laboratory:
    """Makes environments, saves and loads in them, and keeps the journal."""

    def __init__(
        self, work: Path, environments: Path, made: ExitStack, *, kinds: Sequence[str] = (), subjects: str = ""
    ) -> None:
        """*kinds* limits what is loaded, *subjects*, a part of their names, what is saved and loaded."""
        self._work, self._environments, self._made = work, environments, made
        self._kinds, self._subjects = kinds, subjects
        self._journal = journal_of(work)
        self._done = {key_of(row) for row in read_journal(self._journal)}
        self.unusable: dict[str, str] = {}
        """Environments that could not be made or could not import their Keras, with the error."""

    def run_share(self, savers: Sequence[Environment], loading: Sequence[Environment], share: int) -> None:
        """Save a share of the subjects in each of the *savers*, then load all of them in each of those *loading*."""
        for saver in savers:
            with self._giving_up(saver):
                self._save(saver, share)
        for environment in loading:
            with self._giving_up(environment):
                self._load(savers, environment, share)

    def pending(self, savers: Iterable[Environment], loading: Environment, share: int) -> list[Trial]:
        """The trials that are not in the journal, among the artifacts that were saved already."""
        artifacts = [
            artifact
            for saver in savers
            for artifact in find_artifacts(self._work / saver.name)
            if artifact.share == share
            and self._subjects in artifact.subject
            and (not self._kinds or artifact.kind in self._kinds)
        ]
        return plan_trials(artifacts, loading, self._done)

    @contextmanager
    def _giving_up(self, environment: Environment) -> Iterator[None]:
        """Go on without an environment that turns out to be of no use."""
        try:
            yield
        except UnusableEnvironmentError as error:
            self.unusable[environment.name] = str(error)
            _say(f"{environment.name} is left out: {error}")

    def _save(self, saver: Environment, share: int) -> None:
        if is_saved(self._work, saver.name, share, self._subjects):
            return
        _say(f"{saver.name}: save share {share + 1}")
        folder = self._work / saver.name
        command = [str(self._python(saver)), "-s", str(_PROBES / "save_subjects.py"), saver.saver, str(folder)]
        command += ["--share", str(share), "--only", self._subjects, *(["--packages"] if saver.packages else [])]
        with (self._work / f"{saver.name}.log").open("wb") as log:
            done = subprocess.run(
                command, env=_variables(saver), stdout=subprocess.PIPE, stderr=log, check=False, cwd=self._work
            )
        if done.returncode != 0:
            raise UnusableEnvironmentError(saver.name, f"saving ended with status {done.returncode}")
        answer = json.loads(done.stdout)
        add_report(self._work, saver.name, answer, share=share, subjects=self._subjects)
        _say(f"{saver.name}: {len(answer['saved'])} saved, {len(answer['failed'])} not, {answer['seconds']} s")

    def _load(self, savers: Iterable[Environment], loading: Environment, share: int) -> None:
        trials = self.pending(savers, loading, share)
        if not trials:
            return
        python, started, succeeded = self._python(loading), time.monotonic(), 0
        for batch in batches_of(trials):
            for row in load_all(python, loading, batch, self._work):
                self._note(row)
                succeeded += row["ok"]
        seconds = time.monotonic() - started
        _say(f"{loading.name}: {succeeded} of {len(trials)} load, {seconds:.0f} s")

    def _note(self, row: Row) -> None:
        self._done.add(key_of(row))
        with self._journal.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(row, sort_keys=True) + "\n")

    def _python(self, environment: Environment) -> Path:
        """The interpreter of an environment, which is made where it is not there."""
        if environment.name in self.unusable:
            raise UnusableEnvironmentError(environment.name, self.unusable[environment.name])
        place = self._environments / environment.name
        if not place.exists():
            _say(f"{environment.name}: make")
            try:
                make_environment(environment, place)
            except EnvlockError as error:
                raise UnusableEnvironmentError(environment.name, str(error)) from error
            self._made.callback(shutil.rmtree, place)
        return place / "bin" / "python"


class UnusableEnvironmentError(Exception):
    """An environment cannot be made, or its Keras cannot be imported."""

    def __init__(self, environment: str, message: str) -> None:
        super().__init__(message)
        self.environment = environment


# --- environments ------------------------------------------------------------------------------------------------


def make_environment(environment: Environment, place: Path) -> None:
    """Make an environment at *place* from the lock that the product finds for it.

    Raises:
        EnvlockError: There is no such Python, no lock, or no network.
        UnusableEnvironmentError: The disk is nearly full.
    """
    place.parent.mkdir(parents=True, exist_ok=True)
    if shutil.disk_usage(place.parent).free < STOP_BELOW:
        raise UnusableEnvironmentError(environment.name, "the disk is nearly full")
    interpreter = next((item for item in find_interpreters() if item.line == environment.python), None)
    if interpreter is None:
        raise UnusableEnvironmentError(environment.name, f"there is no Python {environment.python}")
    resolution = resolve(environment, interpreter.executable)
    lock_text = "".join(
        f"{pin.name}=={pin.version} {' '.join(f'--hash={value}' for value in pin.hashes)}\n" for pin in resolution.pins
    )
    with reserve_place(place) as reserved:
        reserved.create(
            interpreter=interpreter,
            lock_text=lock_text,
            digest=hashlib.sha256(lock_text.encode()).hexdigest(),
            reporter=SilentReporter(),
        )
        reserved.keep()


def resolve(environment: Environment, executable: Path) -> Resolution:
    """The lock of an environment: its requirements, with the corrected bounds; offline where that has a solution."""
    requirements = [Requirement(text) for text in environment.requirements]
    exact = {item.name: Version(pin.version) for item in requirements for pin in item.specifier if pin.operator == "=="}
    bounds = [
        bound for name, version in exact.items() for bound in bounds_for(name, version, python=environment.python)
    ]

    def ask(resolver: Resolver) -> Resolution:
        return resolver.resolve(
            [*requirements, *(bound.requirement for bound in bounds if bound.is_missing)],
            constraints=[bound.requirement for bound in bounds],
            target=Target(python=environment.python, platform=LINUX_X86_64),
            interpreter=executable,
        )

    offline, live = resolvers_of()
    try:
        return ask(offline)
    except ResolutionError:
        return ask(live)


# --- loading -------------------------------------------------------------------------------------------------------


def batches_of(trials: Sequence[Trial]) -> Iterator[Sequence[Trial]]:
    """The trials that one process does each: with one loader, since TensorFlow loads more once Keras was imported."""
    for loader in dict.fromkeys(trial.loader for trial in trials):
        of_loader = [trial for trial in trials if trial.loader == loader]
        for first in range(0, len(of_loader), BATCH):
            yield of_loader[first : first + BATCH]


def load_all(python: Path, environment: Environment, trials: Sequence[Trial], work: Path) -> Iterator[Row]:
    """The outcome of each trial, in order; a new process goes on behind an artifact that ended the last."""
    remaining = list(trials)
    while remaining:
        rows = 0
        for row in _load_in_one_process(python, environment, remaining, work):
            rows += 1
            yield row
        if not rows:
            raise UnusableEnvironmentError(environment.name, "its process begins with no artifact")
        remaining = remaining[rows:]


def _load_in_one_process(python: Path, environment: Environment, trials: Sequence[Trial], work: Path) -> Iterator[Row]:
    """The outcomes up to the artifact that ended the process, or to the last."""
    command = [str(python), "-s", str(_PROBES / "load_artifacts.py")]
    with tempfile.TemporaryFile("w+") as tasks, (work / "loading.log").open("wb") as log:
        tasks.writelines(json.dumps(_task(trial)) + "\n" for trial in trials)
        tasks.seek(0)
        process = subprocess.Popen(
            command,
            stdin=tasks,
            stdout=subprocess.PIPE,
            stderr=log,
            env=_variables(environment),
            cwd=work,
            text=True,
            start_new_session=True,
        )
        assert process.stdout is not None
        lines = _Lines(process.stdout)
        try:
            yield from _outcomes(process, lines, trials)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            lines.close()


def _task(trial: Trial) -> Row:
    return {
        "path": str(trial.artifact.path),
        "loader": trial.loader.implementation,
        "definitions": trial.has_definitions,
    }


def _outcomes(process: subprocess.Popen[str], lines: _Lines, trials: Sequence[Trial]) -> Iterator[Row]:
    for trial in trials:
        is_first = trial is trials[0]
        begun = lines.get_within(START_LIMIT if is_first else TIME_LIMIT)
        if begun is None:
            # Ended between two artifacts, or never began: nothing is known of this one.
            return
        answer = lines.get_within(TIME_LIMIT)
        if answer is None:
            yield _row(trial, {"ok": False, "how": None, "error": _end_of(process), "seconds": None})
            return
        yield _row(trial, answer)


class _Lines:
    """Lines of a process as JSON objects, each within a time limit."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._lines: queue.Queue[str] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        for line in self._stream:
            self._lines.put(line)
        self._lines.put("")

    def close(self) -> None:
        """Let go of the stream of a process that has ended."""
        self._reader.join()
        self._stream.close()

    def get_within(self, seconds: float) -> Row | None:
        """The next object; ``None`` where the process ended or gave none in time."""
        try:
            line = self._lines.get(timeout=seconds)
        except queue.Empty:
            return None
        answer: Row | None = json.loads(line) if line.endswith("\n") else None
        return answer


def _end_of(process: subprocess.Popen[str]) -> str:
    """How a process that owes an answer ended, or that it did not."""
    try:
        status = process.wait(timeout=5)
    except subprocess.TimeoutExpired:
        return f"no answer within {TIME_LIMIT:.0f} seconds"
    return f"killed by signal {-status}" if status < 0 else f"ended with status {status}"


def _row(trial: Trial, outcome: Row) -> Row:
    saver, artifact, loader, has_definitions = trial.key
    return {
        "saver": saver,
        "artifact": artifact,
        "subject": trial.artifact.subject,
        "kind": trial.artifact.kind,
        "loader": loader,
        "definitions": has_definitions,
        **{name: outcome[name] for name in ("ok", "how", "error", "seconds")},
    }


def _variables(environment: Environment) -> dict[str, str]:
    inherited = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL", "TZ", "HOME") if name in os.environ}
    legacy = {"TF_USE_LEGACY_KERAS": "1"} if environment.saver == "tf-keras" else {}
    # One thread: the models are tiny, and threads cost more than they give.
    return {
        **inherited,
        "CUDA_VISIBLE_DEVICES": "-1",
        "KERAS_BACKEND": "tensorflow",
        "OMP_NUM_THREADS": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "TF_CPP_MIN_LOG_LEVEL": "2",
        **legacy,
    }


def _say(message: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {message}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
