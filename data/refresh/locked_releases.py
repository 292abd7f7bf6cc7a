"""Rewrite ``data/snapshot/`` from what an installer locks: every release that some target of the database needs.

    python data/refresh/locked_releases.py --journal DIR --add [--only TEXT ...] [--data DIR]
    python data/refresh/locked_releases.py --journal DIR [--only TEXT ...] [--jobs 1]
    python data/refresh/locked_releases.py --journal DIR --assemble [--data DIR] [--allow-fewer]

``snapshot.py`` asks the index for all releases of all distributions. This script asks nothing that uv does not ask
for an installation: it lets uv lock each trial of ``planned_locks.py``. Of each lock it keeps the files with their
hashes and upload times, and of uv's cache what the wheels that it looked into declare; not the sizes, which uv knows
by chance. The journal gets a JSON line for each lock; a trial that stands there is not locked again. Where uv refuses a
Python, a project of uv (``project_locks.py``) or a pip of that Python (``pip_locks.py``) stands in.

The first form is for what is new, and for what projects pin: a trial is locked where the tables have no solution for
it, and they get what its lock holds, which may be the solution of the next. The second form locks all that is not
pinned, and the third writes the tables from all locks of the journal.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timezone
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import msgpack
from closures import Journal, Trial, describe_trial, pending_trials
from options import script_parser
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version
from pip_locks import SOURCE, lock_with_pip
from planned_locks import plan_locks, plan_pins
from project_locks import lock_project
from snapshot_tables import ListedFile, Metadata, add_to_snapshot, write_snapshot
from tables import read_toml

from envlock.errors import ResolutionError
from envlock.knowledge.pip_support import find_old_python
from envlock.knowledge.snapshot import IndexSnapshot
from envlock.resolution.interface import ConflictError
from envlock.resolution.offline import OfflineResolver
from envlock.uv_process import UvError, run_uv

GENERATOR = "data/refresh/locked_releases.py"

_TOOLS = ("pip",)
"""Beside the subject: what every environment holds."""

Row = dict[str, Any]


def main() -> None:
    options = _read_options()
    journal, folder = Journal(options.journal), options.data / "snapshot"
    if options.assemble:
        assemble(journal.rows(), folder, allow_fewer=options.allow_fewer)
        return
    roots = read_toml(options.data / "snapshot_roots.toml")
    trials = chain(plan_locks(roots), plan_pins(roots) if options.add else ())
    chosen = [trial for trial in trials if all(text in _name(trial) for text in options.only)]
    cache = Path(run_uv(["cache", "dir"], action="finding the cache", place="the cache of uv").strip())
    if options.add:
        add(chosen, journal, folder, cache)
        return
    pending = pending_trials(chosen, journal.rows(), again=False)
    with ThreadPoolExecutor(options.jobs) as pool:
        rows = pool.map(lambda trial: lock(trial, cache), pending)
        for number, (trial, row) in enumerate(zip(pending, rows, strict=True), start=1):
            journal.append(row)
            _tell(f"{number}/{len(pending)} {_name(trial)}", row)


def _read_options() -> argparse.Namespace:
    parser = script_parser(__doc__)
    parser.add_argument("--journal", type=Path, required=True, metavar="DIR", help="where locks are kept")
    parser.add_argument(
        "--only", nargs="+", default=[], metavar="TEXT", help="trials whose name in the log holds all of these"
    )
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="locks at a time; one with --add")
    written = parser.add_mutually_exclusive_group()
    written.add_argument("--add", action="store_true", help="lock what data/snapshot/ does not solve, and add it there")
    written.add_argument("--assemble", action="store_true", help="write data/snapshot/ from the journal")
    return parser.parse_args()


def _name(trial: Trial) -> str:
    return f"{trial.name} on {trial.target.platform.name}"


def _tell(name: str, row: Row) -> None:
    told = row.get("error") or f"{len(row['packages'])} distributions"
    print(f"{name}: {told}", file=sys.stderr, flush=True)


def add(trials: Sequence[Trial], journal: Journal, folder: Path, cache: Path) -> None:
    """Lock those of *trials* that the tables of *folder* leave open; each lock is added to them at once."""
    # A run that was killed may have written its last lock into the journal alone.
    _add_locks(journal.rows(), folder)
    snapshot = IndexSnapshot(folder)
    for number, trial in enumerate(pending_trials(trials, journal.rows(), again=False), start=1):
        if _is_open(trial, snapshot):
            row = lock(trial, cache)
            journal.append(row)
            _tell(f"{number}/{len(trials)} {_name(trial)}", row)
            _add_locks([row], folder)
            snapshot = IndexSnapshot(folder)


def _add_locks(rows: Iterable[Row], folder: Path) -> None:
    for name, releases in _locked_releases(rows):
        add_to_snapshot(folder, name, releases, generator=GENERATOR)


def _is_open(trial: Trial, snapshot: IndexSnapshot) -> bool:
    """Whether the index may have a solution for *trial* that *snapshot* lacks."""
    try:
        OfflineResolver(snapshot).resolve(
            _all_requirements(trial), constraints=trial.constraints, target=trial.target, interpreter=None
        )
    except ResolutionError as error:
        return not (isinstance(error, ConflictError) and error.is_certain)
    return False


def _all_requirements(trial: Trial) -> list[Requirement]:
    return [*trial.requirements, *map(Requirement, _TOOLS)]


# --- one lock ------------------------------------------------------------------------------------------------


def lock(trial: Trial, cache: Path) -> Row:
    """What uv locks for *trial*: ``packages``, or the ``error`` where nothing satisfies; *cache* is uv's."""
    row = describe_trial(trial)
    try:
        return row | {"packages": _lock_packages(trial, cache)}
    except UvError as error:
        return row | {"error": " ".join(error.detail.split())[:500]}


def _lock_packages(trial: Trial, cache: Path) -> list[Row]:
    if trial.target.python.startswith("2."):
        return lock_with_pip(trial, _TOOLS)
    document = _compile(trial, cache)
    return [describe_package(package, cache) for package in document["packages"]]


def _compile(trial: Trial, cache: Path) -> Mapping[str, Any]:
    """The lock of *trial*: of wheels alone where that has a solution."""
    if find_old_python(trial.target.python):
        bounds_of = partial(_declared_pythons, cache)
        wheels, compile_from = ["--no-build"], partial(lock_project, trial, _TOOLS, bounds_of=bounds_of)
    else:
        wheels, compile_from = ["--only-binary", ":all:"], partial(compile_lock, trial)
    try:
        return compile_from(wheels)
    except UvError:
        return compile_from([])


def _declared_pythons(cache: Path, package: Mapping[str, Any]) -> list[str]:
    """The Requires-Python of each file of a package that uv has looked into."""
    return [item["requires_python"] for item in describe_package(package, cache)["metadata"]]


def compile_lock(trial: Trial, options: Sequence[str]) -> Mapping[str, Any]:
    """The document of PEP 751 that uv makes of *trial* with further *options*.

    Raises:
        UvError: It finds no solution.
    """
    target = ("--python-version", trial.target.python, "--python-platform", trial.target.platform.uv_platform)
    return compile_pylock(_all_requirements(trial), [*target, *options], constraints=trial.constraints)


def compile_pylock(
    requirements: Iterable[object], options: Sequence[str], *, constraints: Iterable[object] = ()
) -> Mapping[str, Any]:
    """The document of PEP 751 that uv makes of *requirements* with *options*.

    Raises:
        UvError: It finds no solution.
    """
    with tempfile.TemporaryDirectory() as folder:
        listed, written = Path(folder) / "constraints.txt", Path(folder) / "pylock.toml"
        listed.write_text(_lines(constraints), encoding="utf-8")
        run_uv(
            [
                *("pip", "compile", "-", "--quiet", "--no-header", "--format", "pylock.toml", "-o", str(written)),
                *("--constraints", str(listed)),
                *options,
            ],
            action="locking",
            place="the cache of uv",
            text=_lines(requirements),
            folder=folder,
        )
        return read_toml(written)


def _lines(items: Iterable[object]) -> str:
    return "".join(f"{item}\n" for item in items)


def describe_package(package: Mapping[str, Any], cache: Path) -> Row:
    """What the journal keeps of a package of a lock: its files, and the metadata that uv's *cache* has of them."""
    name, version = canonicalize_name(package["name"]), package["version"]
    return {
        "name": name,
        "version": version,
        "files": describe_files(package),
        "metadata": list(_cached_metadata(cache, name, version)),
    }


def describe_files(package: Mapping[str, Any]) -> list[Row]:
    """The wheels of a package of a lock, then its sdist: names, upload times and hashes."""
    listed = [*package.get("wheels", ()), *([package["sdist"]] if "sdist" in package else ())]
    return [_describe_file(file) for file in listed]


def _describe_file(file: Mapping[str, Any]) -> Row:
    return {
        "name": file["url"].rpartition("/")[2],
        "uploaded": file["upload-time"].astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "sha256": file["hashes"]["sha256"],
    }


def _cached_metadata(cache: Path, name: str, version: str) -> Iterator[Row]:
    """What uv has read of the wheels of a release, by their tags, and of its sdist."""
    for path in sorted(cache.glob(f"wheels-v*/pypi/{name}/{version}-*.msgpack")):
        yield {"tags": path.stem.removeprefix(f"{version}-")} | read_metadata(path)
    for path in sorted(cache.glob(f"sdists-v*/pypi/{name}/{version}/*/metadata.msgpack"))[:1]:
        yield {"tags": SOURCE} | read_metadata(path)


def read_metadata(path: Path) -> Row:
    """The object at the head of a file of uv's cache: its fields stand in the order of uv's ``ResolutionMetadata``."""
    unpacker = msgpack.Unpacker(raw=False)
    unpacker.feed(path.read_bytes())
    _, _, requires, requires_python, extras, *_ = unpacker.unpack()
    return {"requires": requires, "requires_python": requires_python or "", "extras": extras}


# --- the tables ----------------------------------------------------------------------------------------------


def assemble(rows: Iterable[Row], folder: Path, *, allow_fewer: bool) -> None:
    """Write one table for each distribution that any lock of *rows* holds.

    Raises:
        FewerRowsError: A distribution would lose releases, and *allow_fewer* is not set.
    """
    for name, releases in _locked_releases(rows):
        write_snapshot(folder, name, releases, generator=GENERATOR, is_complete=False, allow_fewer=allow_fewer)


def _locked_releases(rows: Iterable[Row]) -> Iterator[tuple[str, dict[Version, list[ListedFile]]]]:
    """Each distribution that any lock of *rows* holds, sorted by name, with the files of its releases."""
    files: dict[str, dict[Version, dict[str, Row]]] = {}
    metadata: dict[tuple[str, Version], dict[str, Row]] = {}
    for package in (package for row in rows for package in row.get("packages", ())):
        name, version = package["name"], Version(package["version"])
        of_release = files.setdefault(name, {}).setdefault(version, {})
        # pip, which locks for the oldest Pythons, does not tell when a file was uploaded.
        told = {file["name"]: file for file in package["files"] if file["uploaded"] or file["name"] not in of_release}
        of_release |= told
        metadata.setdefault((name, version), {}).update((item["tags"], item) for item in package["metadata"])
    for name, releases in sorted(files.items()):
        yield (
            name,
            {
                version: [_listed(file, metadata[name, version]) for file in of_release.values()]
                for version, of_release in releases.items()
            },
        )


def _listed(file: Row, metadata: Mapping[str, Row]) -> ListedFile:
    declared = _metadata_of(file["name"], metadata)
    return ListedFile(
        name=file["name"],
        uploaded=file["uploaded"],
        sha256=file["sha256"],
        size=None,
        requires_python=declared["requires_python"] if declared else "",
        declares=Metadata(requires=tuple(declared["requires"]), extras=tuple(declared["extras"])) if declared else None,
        yanked=None,  # uv locks no file that is yanked.
    )


def _metadata_of(file_name: str, by_tags: Mapping[str, Row]) -> Row | None:
    """The metadata of a file: its own, else that of a wheel for the same system, else what all that were read declare.

    None where they disagree: one wheel's requirements are not another's. What is for Python 2 alone and what is not
    do not speak for each other; but where the ones need other distributions on another system, so may the others.
    """
    own = file_name.removesuffix(".whl").split("-", 2)[-1] if file_name.endswith(".whl") else SOURCE
    if own in by_tags:
        return by_tags[own]
    related = {tags: item for tags, item in by_tags.items() if SOURCE in {tags, own} or _is_alike(tags, own)}
    of_system = [item for tags, item in sorted(related.items()) if _system(tags) == _system(file_name)]
    if of_system:
        return of_system[0]
    others = list(related.values())
    agree = all(item["requires"] == others[0]["requires"] for item in others)
    elsewhere = {_required_names(item) for tags, item in by_tags.items() if tags not in related}
    return others[0] if others and agree and len(elsewhere) <= 1 else None


def _required_names(metadata: Row) -> frozenset[str]:
    return frozenset(canonicalize_name(Requirement(text).name) for text in metadata["requires"])


def _is_alike(tags: str, other: str) -> bool:
    """Whether both wheels are for Python 2 alone, or neither."""
    first, second = (re.match(r"(?:cp|py)2\d*-", item) is not None for item in (tags, other))
    return first == second


def _system(tags: str) -> str:
    """The operating system of a wheel, given its tags or its whole name."""
    platform = tags.removesuffix(".whl").rpartition("-")[2]
    return next((word for word in ("linux", "macosx", "win", "any") if word in platform), SOURCE)


if __name__ == "__main__":
    main()
