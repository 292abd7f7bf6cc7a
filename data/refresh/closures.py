"""Rewrite ``data/closures/``: install each subject, save and load models there, and write down what was installed.

    python data/refresh/closures.py --journal DIR [--engine uv] [--jobs 1] [--most N] [--only TEXT] [--again]
    python data/refresh/closures.py --journal DIR --assemble [--data DIR] [--allow-fewer]

A trial is one release of one subject beside one TensorFlow on one Python of this machine. It is resolved as
``from-model`` does, with the corrected bounds; its environment is made, tried by ``probes/save_and_load.py`` and
deleted. What came out is appended to the journal at once; a trial that stands there is not made again, unless it
failed and ``--again`` is given. A journal serves one run at a time. ``--assemble`` turns it into ``data/closures/``:
the last outcome of each trial counts, and those that failed go to ``failed.json``, where the curated ``reason`` of an
error stays with it.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from datetime import datetime, timezone
from itertools import count, islice
from pathlib import Path
from threading import Lock
from typing import Any

from options import script_parser
from packaging.requirements import Requirement
from packaging.version import Version
from roots import names_under
from tables import write_document

from envlock.environment import reserve_place
from envlock.errors import EnvlockError
from envlock.interpreters import Interpreter, find_interpreters
from envlock.knowledge.bounds import bounds_for
from envlock.knowledge.builds import build_for
from envlock.knowledge.datafiles import read_toml
from envlock.knowledge.families import family_of
from envlock.knowledge.loaders import all_loaders
from envlock.knowledge.pairings import is_paired, paired_lines, release_for_tensorflow
from envlock.knowledge.pip_support import find_old_python
from envlock.knowledge.releases import Release, line_order, lines_of, releases_of_line
from envlock.reporter import SilentReporter
from envlock.resolution import ENGINES, Resolution, Resolver, resolvers_of
from envlock.target import LINUX_X86_64, Platform, Target
from envlock.uv_process import run_uv

GENERATOR = "data/refresh/closures.py"
SOURCE = "run-2026-11"

TENSORFLOW = "tensorflow"

TIME_LIMIT = 900.0
"""Seconds that a probe may take."""

PRUNE_BELOW = 15 * 10**9
"""Bytes of free disk below which the cached wheels of TensorFlow are removed."""

STOP_BELOW = 8 * 10**9
"""Bytes of free disk below which no trial is begun."""

_PROBES = Path(__file__).parent / "probes"
_SAVE_AND_LOAD = _PROBES / "save_and_load.py"
_REGISTERED_OPERATIONS = _PROBES / "registered_operations.py"

Row = dict[str, Any]


def main() -> None:
    options = _parse(sys.argv[1:])
    journal = Journal(options.journal)
    if options.assemble:
        assemble(journal.rows(), options.data / "closures", allow_fewer=options.allow_fewer)
        return
    interpreters = {interpreter.line: interpreter for interpreter in reversed(find_interpreters())}
    trials = [trial for trial in plan_trials(interpreters, LINUX_X86_64) if options.only in trial.name]
    pending = pending_trials(trials, journal.rows(), again=options.again)
    (resolver,) = resolvers_of([options.engine])
    laboratory = Laboratory(interpreters, resolver, options.journal)
    run(pending[: options.most], laboratory.try_out, journal, jobs=options.jobs)
    print(f"{max(len(pending) - (options.most or len(pending)), 0)} of {len(trials)} trials are left", file=sys.stderr)


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = script_parser(__doc__)
    parser.add_argument("--journal", type=Path, required=True, metavar="DIR", help="where outcomes are kept")
    parser.add_argument("--engine", choices=ENGINES, default=ENGINES[0])
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="trials at a time")
    parser.add_argument("--only", default="", metavar="TEXT", help="trials whose name holds this, as the log prints it")
    parser.add_argument("--most", type=int, metavar="N", help="trials of this call")
    parser.add_argument("--again", action="store_true", help="make the trials again that failed")
    parser.add_argument("--assemble", action="store_true", help="write data/closures/ from the journal")
    return parser.parse_args(arguments)


# --- what is to be tried ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One environment that is to be made and tried."""

    subject: str
    version: Version
    requirements: tuple[Requirement, ...]
    """What is asked for by name: the member of the TensorFlow family, the subject, what metadata forgets."""

    constraints: tuple[Requirement, ...]
    """Corrected bounds."""

    target: Target

    @property
    def requested(self) -> list[str]:
        """The requirements as text."""
        return [str(requirement) for requirement in self.requirements]

    @property
    def name(self) -> str:
        """Such as ``keras: tensorflow-cpu==2.18.1 keras==3.6.0 on 3.11``."""
        return f"{self.subject}: {' '.join(self.requested)} on {self.target.python}"


def subjects() -> tuple[str, ...]:
    """What closures are made for, in the order of their worth."""
    return names_under("tried", read_toml("snapshot_roots.toml"))


def plan_trials(pythons: Collection[str], platform: Platform) -> tuple[Trial, ...]:
    """Every trial that *pythons* admit, best first.

    Subjects in the order of their worth; in each, every line on the newest of its Pythons before any on the second
    newest, newest line first. What goes with several TensorFlow lines is tried on the best of them in this way; the
    others come last of all, each on one Python, and so do the earlier patch releases of TensorFlow: bounds are learned
    from the last one of a line, and proved by all.
    """
    targets = [Target(python=python, platform=platform) for python in sorted(pythons, key=line_order, reverse=True)]
    ranked: list[tuple[tuple[object, ...], Trial]] = []
    for worth, subject in enumerate(subjects()):
        for line in lines_of(subject):
            newest_first = tuple(-part for part in line_order(line))
            for place, position, trial in _trials_of_line(subject, line, targets):
                ranked.append(((place > 0, worth, position, newest_first, place), trial))
    return tuple(trial for _, trial in sorted(ranked, key=lambda item: item[0]))


def plan_best_trials(subject: str, pythons: Collection[str], platform: Platform) -> Iterator[Trial]:
    """Of each line of *subject* its last release, on the newest Python and the TensorFlow line that go with it."""
    targets = [Target(python=python, platform=platform) for python in sorted(pythons, key=line_order, reverse=True)]
    for line in lines_of(subject):
        yield from (trial for *rank, trial in _trials_of_line(subject, line, targets) if rank == [0, 0])


def _trials_of_line(subject: str, line: str, targets: Sequence[Target]) -> Iterator[tuple[int, int, Trial]]:
    """The trials of one line, each after the places of its TensorFlow line and of its target, counted from the best."""
    positions = count()
    last = _last_releases(subject, line, targets)
    for release, served in last:
        for place, tensorflow_line in enumerate(_tensorflow_lines(release, served)):
            trials = _trials(release, tensorflow_line, served)
            if place:
                yield from ((place, 0, trial) for trial in islice(trials, 1))
            else:
                yield from ((0, next(positions), trial) for trial in trials)
    if subject == TENSORFLOW:
        versions = {release.version for release, _ in last}
        earlier = [item for item in reversed(releases_of_line(subject, line)) if item.version not in versions]
        for place, release in enumerate(earlier, start=1):
            served = [target for target in targets if _can_install(release, target)]
            yield from ((place, 0, trial) for trial in islice(_trials(release, line, served), 1))


def _last_releases(subject: str, line: str, targets: Iterable[Target]) -> list[tuple[Release, list[Target]]]:
    """The last releases of a line that *targets* can install, each with its targets, in the order of these."""
    found: dict[Version, tuple[Release, list[Target]]] = {}
    for target in targets:
        installable = (item for item in reversed(releases_of_line(subject, line)) if _can_install(item, target))
        if (release := next(installable, None)) is not None:
            found.setdefault(release.version, (release, []))[1].append(target)
    return list(found.values())


def _can_install(release: Release, target: Target) -> bool:
    if release.distribution == TENSORFLOW and build_for(release.version, target, "cpu") is None:
        return False
    return release.can_be_installed(target.python, target.platform.name)


def _tensorflow_lines(release: Release, targets: Sequence[Target]) -> tuple[str, ...]:
    """The TensorFlow lines that *release* is to be tried on, best first; empty where it belongs to none."""
    loaders = [loader for loader in all_loaders() if loader.release.distribution == release.distribution]
    if loaders:
        own = (loader.tensorflow for loader in loaders if loader.line == release.line)
        return next(own, None) or paired_lines(release.distribution, release.version)
    if is_paired(release.distribution):
        fitting: Sequence[str] = paired_lines(release.distribution, release.version)
    else:
        declared = _demanded_member(release, targets[0])
        fitting = [line for line in reversed(lines_of(TENSORFLOW)) if _patches(TENSORFLOW, line, declared)]
    chosen = [line for line in fitting if _is_release_for(release, line)]
    of_its_time = [line for line in fitting if releases_of_line(TENSORFLOW, line)[0].uploaded <= release.uploaded]
    nearest = of_its_time[:1] or fitting[-1:]
    return tuple(dict.fromkeys([*nearest, *chosen]))


def _is_release_for(release: Release, line: str) -> bool:
    """Whether *release* is the one that would be taken beside that TensorFlow line."""
    best = release_for_tensorflow(release.distribution, line)
    return best is not None and best.version == release.version


def _trials(release: Release, line: str, targets: Iterable[Target]) -> Iterator[Trial]:
    """The trials of *release* on a TensorFlow line, for those of *targets* that have wheels of both."""
    for target in targets:
        tensorflow = _tensorflow_for(release, line, target)
        if tensorflow is None:
            continue
        releases = (tensorflow,) if release.distribution == TENSORFLOW else (tensorflow, release)
        bounds = [
            bound for item in releases for bound in bounds_for(item.distribution, item.version, python=target.python)
        ]
        yield Trial(
            subject=release.distribution,
            version=release.version,
            requirements=(
                *(Requirement(f"{item.distribution}=={item.version}") for item in releases),
                *(bound.requirement for bound in bounds if bound.is_missing),
            ),
            constraints=tuple(bound.requirement for bound in bounds),
            target=target,
        )


def _tensorflow_for(release: Release, line: str, target: Target) -> Release | None:
    """The last release of the TensorFlow family that goes with *release*; ``None`` where the target has no wheel."""
    declared = _demanded_member(release, target)
    member = declared.name if declared else None
    patches = [release] if release.distribution == TENSORFLOW else _patches(member or TENSORFLOW, line, declared)
    builds = (build_for(item.version, target, "cpu", member=member) for item in reversed(patches))
    return next((build.release for build in builds if build), None)


def _demanded_member(release: Release, target: Target) -> Requirement | None:
    """The member of the TensorFlow family that comes with *release*, as its own metadata or that of tf-keras asks."""
    if family_of(release.distribution) == TENSORFLOW:
        return None
    bounds = bounds_for(release.distribution, release.version, python=target.python)
    declared = [*_declared(release, target), *(bound.requirement for bound in bounds if bound.is_missing)]
    members = [item for item in declared if family_of(item.name) == TENSORFLOW]
    if members:
        return members[0]
    names = {release.distribution, *(item.name for item in declared)}
    demanded = (loader.family_member for loader in all_loaders() if loader.release.distribution in names)
    return next((Requirement(member) for member in demanded if member), None)


def _declared(release: Release, target: Target) -> Iterator[Requirement]:
    platform = target.platform.name
    for text in release.requires.get(platform) or release.requires.get("*", ()):
        requirement = Requirement(text)
        if requirement.marker is None or requirement.marker.evaluate(target.marker_environment):
            yield requirement


def _patches(distribution: str, line: str, declared: Requirement | None) -> list[Release]:
    """The releases of a line that a requirement admits, oldest first."""
    return [
        item
        for item in releases_of_line(distribution, line)
        if declared is None or declared.specifier.contains(item.version, prereleases=True)
    ]


# --- the journal -----------------------------------------------------------------------------------------------


class Journal:
    """Outcomes of trials, a JSON line each, in the order in which they came out."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / "closures.jsonl"
        self._lock = Lock()
        self._drop_unfinished_line()

    def rows(self) -> list[Row]:
        """The last outcome of each trial, in the order of its first."""
        rows = map(json.loads, self._path.read_text(encoding="utf-8").splitlines())
        return list({_key(row): row for row in rows}.values())

    def append(self, row: Row) -> None:
        """Write down an outcome, at once."""
        with self._lock, self._path.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(row) + "\n")

    def _drop_unfinished_line(self) -> None:
        """A run that was killed while it wrote has left half an outcome."""
        self._path.touch()
        written = self._path.read_bytes()
        if written and not written.endswith(b"\n"):
            self._path.write_bytes(written[: written.rfind(b"\n") + 1])


def pending_trials(trials: Iterable[Trial], rows: Iterable[Row], *, again: bool) -> list[Trial]:
    """The trials without an outcome among *rows*; with *again*, also those that failed."""
    done = {_key(row) for row in rows if not (again and "error" in row)}
    return [trial for trial in trials if _key(describe_trial(trial)) not in done]


def describe_trial(trial: Trial) -> Row:
    """What names the outcome of a trial."""
    return {
        "subject": trial.subject,
        "version": str(trial.version),
        "requested": trial.requested,
        "python": trial.target.python,
        "platform": trial.target.platform.name,
    }


def _key(row: Row) -> tuple[object, ...]:
    """What makes two outcomes those of one trial: a bound that was learned between them does not set them apart."""
    return (row["subject"], row["version"], _tensorflow_version(row), row["python"], row["platform"])


def _tensorflow_version(row: Row) -> Version:
    """The version of TensorFlow that was asked for, else that of the subject itself."""
    asked = {
        Version(clause.version)
        for requirement in map(Requirement, row["requested"])
        if family_of(requirement.name) == TENSORFLOW
        for clause in requirement.specifier
    }
    (version,) = asked or {Version(row["version"])}
    return version


def run(trials: Sequence[Trial], try_out: Callable[[Trial], Row], journal: Journal, *, jobs: int) -> None:
    """Try *trials* out, in their order, and write each outcome down as it comes.

    Raises:
        DiskFullError: There is no room for another environment; trials under way are finished first.
    """
    with ThreadPoolExecutor(max_workers=jobs) as pool:
        running = [pool.submit(try_out, trial) for trial in trials]
        try:
            for number, finished in enumerate(as_completed(running), start=1):
                row = finished.result()
                journal.append(row)
                print(f"{number}/{len(trials)} {summarize(row)}", file=sys.stderr, flush=True)
        finally:
            pool.shutdown(cancel_futures=True)


def summarize(row: Row) -> str:
    """One line for the log."""
    told = row.get("error") or f"ok: {', '.join(row['did'])}"
    return f"{row['subject']}: {' '.join(row['requested'])} on {row['python']} ({row['seconds']:.0f} s): {told}"


# --- making and trying an environment --------------------------------------------------------------------------


_PREFIX = "environment-"


class DiskFullError(SystemExit):
    """There is no room for another environment; ends the script with a message."""


class Laboratory:
    """Makes the environment of a trial, tries it out, and deletes it."""

    def __init__(self, interpreters: Mapping[str, Interpreter], resolver: Resolver, folder: Path) -> None:
        self._interpreters, self._resolver = interpreters, resolver
        self._folder = folder
        # A run that was killed has left its environment behind.
        for environment in folder.glob(f"{_PREFIX}*"):
            shutil.rmtree(environment)

    def try_out(self, trial: Trial) -> Row:
        """The outcome of *trial*: ``pins``, ``did``, and ``error`` where anything failed.

        Raises:
            DiskFullError: There is no room for its environment.
        """
        make_room(self._folder)
        started = time.monotonic()
        outcome: Row = {"observed": f"{datetime.now(timezone.utc):%Y-%m-%d}", "pins": {}, "did": {}, "how": {}}
        try:
            self._make_and_try(trial, outcome)
        except EnvlockError as error:
            # The table is for everybody: where the interpreter stands on this machine tells nobody anything.
            executable = self._interpreters[trial.target.python].executable
            outcome["error"] = " ".join(str(error).replace(str(executable), executable.name).split())
        failures = [f"{task}: {result}" for task, result in outcome["did"].items() if result != "ok"]
        if failures:
            outcome["error"] = "; ".join(failures)
        seconds = round(time.monotonic() - started, 1)
        return describe_trial(trial) | outcome | {"engine": self._resolver.name, "seconds": seconds}

    def _make_and_try(self, trial: Trial, outcome: Row) -> None:
        interpreter = self._interpreters[trial.target.python]
        # Where pip installs instead of uv, it is the one that the lock pins.
        tools = [Requirement("pip")] if find_old_python(trial.target.python) else []
        resolution = self._resolver.resolve(
            [*trial.requirements, *tools],
            constraints=trial.constraints,
            target=trial.target,
            interpreter=interpreter.executable,
        )
        outcome["pins"] = {pin.name: str(pin.version) for pin in resolution.pins}
        lock_text = _lock_text(resolution)
        with (
            tempfile.TemporaryDirectory(prefix=_PREFIX, dir=self._folder) as folder,
            # What is not kept is gone when the block ends.
            reserve_place(Path(folder) / "environment") as place,
        ):
            environment = place.create(
                interpreter=interpreter,
                lock_text=lock_text,
                digest=hashlib.sha256(lock_text.encode()).hexdigest(),
                reporter=SilentReporter(),
                build_constraints=_build_constraints(resolution),
            )
            probe = Probe(environment.python, Path(folder), _variables_of(outcome["pins"]))
            outcome |= save_and_load(probe, trial.subject)
            if trial.subject == TENSORFLOW and outcome["did"]["import"] == "ok":
                self._list_operations(probe, trial.version)

    def _list_operations(self, probe: Probe, version: Version) -> None:
        """Keep the registry of operations of a TensorFlow line, as the first environment of the line has it."""
        listed = self._folder / f"operations-{version.major}.{version.minor}.json"
        if _REGISTERED_OPERATIONS.is_file() and not listed.exists():
            answer = probe.run(_REGISTERED_OPERATIONS)
            if isinstance(answer, dict):
                listed.write_text(json.dumps(answer, sort_keys=True) + "\n", encoding="utf-8")


def _lock_text(resolution: Resolution) -> str:
    return "".join(
        f"{pin.name}=={pin.version} {' '.join(f'--hash={value}' for value in pin.hashes)}\n" for pin in resolution.pins
    )


def _build_constraints(resolution: Resolution) -> str | None:
    lines = sorted({f"{requirement}\n" for pin in resolution.pins for requirement in pin.build})
    return "".join(lines) or None


def _variables_of(pins: Collection[str]) -> dict[str, str]:
    """Variables that make ``tf.keras`` the implementation that stands beside TensorFlow in a closure."""
    return {
        name: value
        for loader in all_loaders()
        if loader.release.distribution in pins
        for name, value in loader.environment.items()
    }


@dataclass(frozen=True, slots=True)
class Probe:
    """Runs scripts in an environment, apart from what the person's own folders hold."""

    python: Path
    folder: Path
    """Home and working folder of the scripts."""

    variables: Mapping[str, str]

    def run(self, script: Path, *arguments: str) -> Row | str:
        """The JSON object that *script* prints, or how it ended without one, in one line."""
        try:
            done = subprocess.run(  # noqa: S603 - the interpreter of an environment, with a script of our own
                [str(self.python), "-s", "-E", str(script), *arguments],
                cwd=self.folder,
                env=self._environment(),
                capture_output=True,
                encoding="utf-8",
                errors="replace",
                timeout=TIME_LIMIT,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return f"no answer within {TIME_LIMIT:.0f} seconds"
        if done.returncode == 0:
            # Where the folder of a trial stood tells nobody anything.
            answer: Row = json.loads(done.stdout.replace(f"{self.folder}{os.sep}", ""))
            return answer
        if done.returncode < 0:
            return f"killed by signal {-done.returncode}"
        complaints = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        return complaints[-1] if complaints else f"ended with exit status {done.returncode}"

    def _environment(self) -> dict[str, str]:
        inherited = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL", "TZ") if name in os.environ}
        return {
            **inherited,
            "HOME": str(self.folder),
            "CUDA_VISIBLE_DEVICES": "-1",
            "TF_CPP_MIN_LOG_LEVEL": "2",
            **self.variables,
        }


def save_and_load(probe: Probe, subject: str) -> Row:
    """``did`` and ``how`` of saving the models of *subject* in one process and loading them in another."""
    saved = probe.run(_SAVE_AND_LOAD, "save", subject, str(probe.folder))
    if isinstance(saved, str):
        return {"did": {"import": saved}}
    tasks = [task for task, result in saved["did"].items() if result == "ok" and task != "import"]
    loaded = probe.run(_SAVE_AND_LOAD, "load", subject, str(probe.folder))
    trouble = loaded if isinstance(loaded, str) else loaded["did"]["import"]
    if isinstance(loaded, str) or trouble != "ok":
        return {"did": saved["did"] | dict.fromkeys(tasks, f"in the second process: {trouble}")}
    return {"did": saved["did"] | {task: loaded["did"][task] for task in tasks}, "how": loaded["how"]}


def make_room(folder: Path) -> None:
    """Remove cached wheels of TensorFlow where the disk is nearly full: a few of them fill it.

    Raises:
        DiskFullError: That does not help.
    """
    if shutil.disk_usage(folder).free < PRUNE_BELOW:
        members = next(row["members"] for row in read_toml("families.toml")["family"] if row["name"] == TENSORFLOW)
        run_uv(["cache", "clean", *members], action="removing cached wheels", place="the cache of uv")
    free = shutil.disk_usage(folder).free
    if free < STOP_BELOW:
        raise DiskFullError(f"{folder}: {free / 10**9:.1f} GB of free disk are too few for another environment")


# --- the tables ------------------------------------------------------------------------------------------------

_COLUMNS = ("subject", "version", "requested", "python", "platform", "observed", "pins", "did")


def assemble(rows: Iterable[Row], folder: Path, *, allow_fewer: bool) -> None:
    """Write a table for each subject from the outcomes of its trials, and one for all that failed.

    Raises:
        FewerRowsError: A subject would lose closures, and *allow_fewer* is not set.
    """
    ordered = sorted(rows, key=_order)
    for subject in subjects():
        closures = [_select(row) for row in ordered if row["subject"] == subject and "error" not in row]
        if closures:
            _write(folder / f"{subject}.json", closures, allow_fewer=allow_fewer)
    failed = folder / "failed.json"
    reasons = _read_reasons(failed)
    # A failure that is gone is no loss.
    _write(failed, [_explain(row, reasons) for row in ordered if "error" in row], allow_fewer=True)


def _order(row: Row) -> tuple[object, ...]:
    subject, python = subjects().index(row["subject"]), line_order(row["python"])
    return (subject, Version(row["version"]), _tensorflow_version(row), python, row["platform"])


def _select(row: Row) -> Row:
    return {column: row[column] for column in _COLUMNS}


def _explain(row: Row, reasons: Mapping[tuple[object, ...], str]) -> Row:
    explained = _select(row) | {"error": row["error"]}
    reason = reasons.get((*_key(row), row["error"]))
    return explained | {"reason": reason} if reason else explained


def _read_reasons(failed: Path) -> dict[tuple[object, ...], str]:
    """The curated reasons of the table that is to be replaced."""
    rows = json.loads(failed.read_bytes())["closures"] if failed.exists() else []
    return {(*_key(row), row["error"]): row["reason"] for row in rows if "reason" in row}


def _write(path: Path, closures: list[Row], *, allow_fewer: bool) -> None:
    write_document(
        path,
        {"closures": closures},
        generator=GENERATOR,
        source=SOURCE,
        tables=["closures"],
        allow_fewer=allow_fewer,
    )


if __name__ == "__main__":
    main()
