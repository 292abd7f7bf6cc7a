"""Lock every TensorFlow and tf-keras line, and every release that projects pin, for every target offline, and have uv
and the index check a sample.

    python tests/matrix/check_locks.py --journal FILE [--only TEXT] [--sample 40]

A target is a Python, a platform and a device that a line has a build for. All are locked in this process; those without
a solution are printed with the reason. Of the others a sample, spread over platforms and devices, is put to the test:

- ``uv pip install --dry-run --require-hashes`` has to accept the lock for that target, dependencies included;
- what ``uv pip compile`` lists of the pinned releases has to agree with the hashes of the lock: a file that the target
  can install is in the lock, and nothing else is.

The checks need the network. The journal gets a JSON line for each checked lock; a lock that stands there is not checked
again. The exit status is 0 where every check was passed.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import chain, zip_longest
from pathlib import Path
from typing import Any

# The scripts that plan what the database knows stand beside it.
sys.path.insert(0, str(Path(__file__).parents[2]))
sys.path.insert(0, str(Path(__file__).parents[2] / "data" / "refresh"))

from closures import Trial, plan_trials
from packaging.requirements import Requirement
from planned_locks import plan_device_trials, plan_pins
from tables import read_toml

from envlock.errors import EnvlockError, ResolutionError
from envlock.knowledge.datafiles import data_folder, database_digest
from envlock.knowledge.releases import line_order
from envlock.locks import Lock
from envlock.resolution.distributions import rank_wheel
from envlock.resolution.interface import Pin
from envlock.resolution.offline import OfflineResolver
from envlock.target import PLATFORMS, Target
from envlock.uv_process import run_uv
from envlock.writers import WRITERS

OLDEST_PYTHON_OF_UV = "3.6"
"""Locks for older ones are not put into the sample: uv plans nothing for them."""

Row = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Locked:
    """A trial, and its lock or why there is none."""

    trial: Trial
    lock: Lock | None
    reason: str = ""

    @property
    def name(self) -> str:
        """Such as ``tensorflow for cuda: tensorflow-gpu==1.15.5 on 3.7 on linux_x86_64``."""
        return f"{self.trial.name} on {self.trial.target.platform.name}"

    @property
    def group(self) -> tuple[str, str]:
        """What a sample is spread over: the subject with its device, and the platform."""
        return (self.trial.subject, self.trial.target.platform.name)


def main() -> int:
    """Print what cannot be locked and why, then a line for each check, then the sums."""
    options = _read_options()
    locked = [_lock(trial) for trial in _plan() if options.only in f"{trial.name} on {trial.target.platform.name}"]
    _print_solvable(locked)
    done = _read_journal(options.journal)
    rows = []
    for item in spread([item for item in locked if item.lock and _is_served_by_uv(item.trial.target)], options.sample):
        row = done.get(item.lock.digest) if item.lock else None
        if row is None:
            row = _check(item)
            with options.journal.open("a", encoding="utf-8") as stream:
                stream.write(json.dumps(row) + "\n")
        rows.append(row)
        _print_check(row)
    good = sum(_is_good(row) for row in rows)
    print(f"{good} of {len(rows)} locks are accepted, and their hashes are those of the index")
    return 0 if good == len(rows) else 1


def _read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--journal", type=Path, required=True, metavar="FILE", help="where checks are kept")
    parser.add_argument("--only", default="", metavar="TEXT", help="targets whose name holds this, as it is printed")
    parser.add_argument("--sample", type=int, default=40, metavar="N", help="locks to check; 0: lock alone")
    return parser.parse_args()


def _read_journal(path: Path) -> Mapping[str, Row]:
    """The checks that were made, by the digest of the lock."""
    rows = map(json.loads, path.read_text(encoding="utf-8").splitlines()) if path.exists() else ()
    return {row["lock"]: row for row in rows}


# --- every target ----------------------------------------------------------------------------------------------


def _plan() -> Iterator[Trial]:
    roots = read_toml(data_folder() / "snapshot_roots.toml")
    pythons = roots["scope"]["pythons"]
    for platform in PLATFORMS:
        yield from plan_device_trials(pythons, platform)
        yield from (trial for trial in plan_trials(pythons, platform) if trial.subject == "tf-keras")
    yield from plan_pins(roots)


def _lock(trial: Trial) -> Locked:
    requirements = (*trial.requirements, Requirement("pip"))
    try:
        resolution = OfflineResolver().resolve(
            requirements, constraints=trial.constraints, target=trial.target, interpreter=None
        )
    except ResolutionError as error:
        return Locked(trial=trial, lock=None, reason=error.explanation)
    lock = Lock(
        artifact="model.h5",
        loader=trial.subject,
        requirements=tuple(map(str, requirements)),
        constraints=tuple(map(str, trial.constraints)),
        target=trial.target,
        pins=resolution.pins,
        evidence=(),
        engine=resolution.engine,
        database=database_digest(),
    )
    return Locked(trial=trial, lock=lock)


def _print_solvable(locked: Sequence[Locked]) -> None:
    targets, solved = Counter(item.group for item in locked), Counter(item.group for item in locked if item.lock)
    for group, number in sorted(targets.items()):
        print(f"{' on '.join(group)}: {solved[group]} of {number} targets have a lock")
    for item in locked:
        if item.lock is None:
            print(f"no lock: {item.name}: {' '.join(item.reason.split())}")
    print(f"{solved.total()} of {targets.total()} targets have a lock", flush=True)


# --- a sample --------------------------------------------------------------------------------------------------


def spread(locked: Iterable[Locked], count: int) -> list[Locked]:
    """*count* of *locked*, from each group in turn; within a group in an order that is fixed and has no meaning."""
    groups: dict[tuple[str, str], list[Locked]] = {}
    for item in sorted(locked, key=lambda item: sha256(item.name.encode()).digest()):
        groups.setdefault(item.group, []).append(item)
    in_turn = chain.from_iterable(zip_longest(*(items for _, items in sorted(groups.items()))))
    return [item for item in in_turn if item is not None][:count]


def _is_served_by_uv(target: Target) -> bool:
    return line_order(target.python) >= line_order(OLDEST_PYTHON_OF_UV)


def _check(item: Locked) -> Row:
    """What uv says of a lock, and where its hashes differ from those of the index."""
    lock = item.lock
    assert lock is not None
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        row: Row = {"target": item.name, "lock": lock.digest, "pins": len(lock.pins)}
        try:
            _install_dry(lock, folder)
            listed = _listed_files(lock.pins, lock.target, folder)
        except EnvlockError as error:
            return row | {"error": " ".join(str(error).split())}
        return row | {"error": None} | compare(lock.pins, listed, lock.target)


def _install_dry(lock: Lock, folder: Path) -> None:
    """Have uv plan the installation, which checks hashes, Pythons, tags and what the pins require of each other."""
    requirements = folder / "requirements.txt"
    requirements.write_text(WRITERS[0].render(lock), encoding="utf-8")
    run_uv(
        [
            *("pip", "install", "--dry-run", "--require-hashes", "--requirement", str(requirements)),
            *("--target", str(folder / "environment"), "--python-version", lock.target.python),
            *("--python-platform", lock.target.platform.uv_platform),
        ],
        action="planning an installation",
        place="the cache of uv",
        folder=str(folder),
    )


def _listed_files(pins: Sequence[Pin], target: Target, folder: Path) -> Mapping[str, Mapping[str, str]]:
    """Per distribution what the index has of the pinned release: file name to SHA-256.

    uv leaves out the wheels of Pythons below that of the target.
    """
    written = folder / "pylock.toml"
    run_uv(
        [
            *("pip", "compile", "-", "--quiet", "--no-header", "--no-deps", "--universal"),
            *("--python-version", target.python, "--format", "pylock.toml", "--output-file", str(written)),
        ],
        action="listing files",
        place="the cache of uv",
        text="".join(f"{pin.name}=={pin.version}\n" for pin in pins),
        folder=str(folder),
    )
    return {
        package["name"]: {
            file["url"].rpartition("/")[2]: file["hashes"]["sha256"]
            for file in (*package.get("wheels", ()), *([package["sdist"]] if "sdist" in package else ()))
        }
        for package in read_toml(written)["packages"]
    }


def compare(pins: Sequence[Pin], listed: Mapping[str, Mapping[str, str]], target: Target) -> Row:
    """``missing``: files that the target can install and the lock lacks; ``surplus``: the other way round.

    ``elsewhere`` counts the files of the index that are for other targets, ``unlisted`` names the distributions of
    which uv lists nothing.
    """
    missing, surplus, unlisted, elsewhere = [], [], [], 0
    for pin in pins:
        files = listed.get(pin.name)
        if files is None:
            unlisted.append(f"{pin.name}=={pin.version}")
            continue
        fitting = {name: digest for name, digest in files.items() if _fits(name, pin, target)}
        elsewhere += len(files) - len(fitting)
        locked = {file.sha256: file.name for file in pin.files}
        missing += [name for name, digest in fitting.items() if digest not in locked]
        surplus += [name for digest, name in locked.items() if digest not in fitting.values()]
    return {"missing": missing, "surplus": surplus, "unlisted": unlisted, "elsewhere": elsewhere}


def _fits(file_name: str, pin: Pin, target: Target) -> bool:
    if file_name.endswith(".whl"):
        return not pin.is_source and rank_wheel(file_name, target) is not None
    return pin.is_source


def _is_good(row: Row) -> bool:
    return not (row["error"] or row["missing"] or row["surplus"] or row["unlisted"])


def _print_check(row: Row) -> None:
    if row["error"]:
        print(f"REFUSED {row['target']}: {row['error']}", flush=True)
        return
    told = [f"{kind} {', '.join(row[kind])}" for kind in ("missing", "surplus", "unlisted") if row[kind]]
    verdict = "; ".join(told) or f"{row['pins']} pins, {row['elsewhere']} files of theirs are for other targets"
    print(f"{'ok' if _is_good(row) else 'DIFFERS'} {row['target']}: {verdict}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
