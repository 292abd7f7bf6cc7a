"""Rewrite ``data/snapshot/`` from what an installer locks: every release that some target of the database needs.

    python data/refresh/locked_releases.py --journal DIR [--only TEXT] [--jobs 1]
    python data/refresh/locked_releases.py --journal DIR --assemble [--data DIR] [--allow-fewer]

``snapshot.py`` asks the index for all releases of all distributions. This script asks nothing that uv does not ask
for an installation: it lets uv lock each trial of ``closures.py`` for each platform, with the corrected bounds, every
TensorFlow line for each device, and what makes environments of old Pythons. Of each lock it keeps the files with their
hashes and upload times, and of uv's cache what the wheels that it looked into declare; not the sizes, which uv knows
by chance. The journal gets a JSON line for each lock; a trial that stands there is not locked again. The second form
writes the tables from all locks of the journal. Where uv refuses a Python, a project of uv (``project_locks.py``) or a
pip of that Python (``pip_locks.py``) stands in.
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
from itertools import product
from pathlib import Path
from typing import Any

import msgpack
from closures import Journal, Trial, describe_trial, pending_trials, plan_best_trials, plan_trials
from options import script_parser
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version
from pip_locks import SOURCE, lock_with_pip
from project_locks import lock_project
from roots import names_under
from snapshot_tables import ListedFile, Metadata, write_snapshot
from tables import read_toml

from envlock.knowledge.bounds import bounds_for
from envlock.knowledge.builds import Build, build_for
from envlock.knowledge.loaders import all_loaders
from envlock.knowledge.pip_support import find_old_python
from envlock.knowledge.releases import line_order, releases_of_line
from envlock.target import DEVICES, PLATFORMS, Device, Platform, Target
from envlock.uv_process import UvError, run_uv

GENERATOR = "data/refresh/locked_releases.py"

_TOOLS = ("pip",)
"""Beside the subject: what every environment holds."""

Row = dict[str, Any]


def main() -> None:
    options = _read_options()
    journal = Journal(options.journal)
    if options.assemble:
        assemble(journal.rows(), options.data / "snapshot", allow_fewer=options.allow_fewer)
        return
    roots = read_toml(options.data / "snapshot_roots.toml")
    pythons, companions = roots["scope"]["pythons"], names_under("locked", roots)
    trials = [trial for platform in PLATFORMS for trial in plan_trials(pythons, platform)]
    trials += [trial for platform in PLATFORMS for trial in plan_device_trials(pythons, platform)]
    trials += [
        trial for platform in PLATFORMS for name in companions for trial in plan_best_trials(name, pythons, platform)
    ]
    trials += [trial for platform in PLATFORMS for trial in plan_tool_trials(pythons, platform)]
    chosen = [trial for trial in trials if options.only in _name(trial)]
    pending = pending_trials(chosen, journal.rows(), again=False)
    cache = Path(run_uv(["cache", "dir"], action="finding the cache", place="the cache of uv").strip())
    with ThreadPoolExecutor(options.jobs) as pool:
        rows = pool.map(lambda trial: lock(trial, cache), pending)
        for number, (trial, row) in enumerate(zip(pending, rows, strict=True), start=1):
            journal.append(row)
            told = row.get("error") or f"{len(row['packages'])} distributions"
            print(f"{number}/{len(pending)} {_name(trial)}: {told}", file=sys.stderr, flush=True)


def _read_options() -> argparse.Namespace:
    parser = script_parser(__doc__)
    parser.add_argument("--journal", type=Path, required=True, metavar="DIR", help="where locks are kept")
    parser.add_argument("--only", default="", metavar="TEXT", help="trials whose name holds this, as the log prints it")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="locks at a time")
    parser.add_argument("--assemble", action="store_true", help="write data/snapshot/ from the journal")
    return parser.parse_args()


def _name(trial: Trial) -> str:
    return f"{trial.name} on {trial.target.platform.name}"


def plan_device_trials(pythons: Iterable[str], platform: Platform) -> Iterator[Trial]:
    """What ``from-model`` asks for to have a TensorFlow line compute on a device: its newest release built for that."""
    lines = sorted({line for loader in all_loaders() for line in loader.tensorflow}, key=line_order, reverse=True)
    targets = [Target(python=python, platform=platform) for python in pythons]
    for device, line, target in product(DEVICES, lines, targets):
        releases = reversed(releases_of_line("tensorflow", line))
        builds = (build_for(release.version, target, device) for release in releases)
        if (build := next(filter(None, builds), None)) is not None:
            yield _device_trial(build, device, target)


def _device_trial(build: Build, device: Device, target: Target) -> Trial:
    version = build.release.version
    bounds = bounds_for(build.release.distribution, version, python=target.python)
    return Trial(
        subject=f"tensorflow for {device}",
        version=version,
        requirements=(*build.requirements, *(bound.requirement for bound in bounds if bound.is_missing)),
        constraints=tuple(bound.requirement for bound in bounds),
        target=target,
    )


def plan_tool_trials(pythons: Iterable[str], platform: Platform) -> Iterator[Trial]:
    """What makes environments of the *pythons* that uv does not serve."""
    for old in dict.fromkeys(filter(None, map(find_old_python, pythons))):
        virtualenv = Requirement(old.virtualenv)
        (pinned,) = virtualenv.specifier
        yield Trial(
            subject=virtualenv.name,
            version=Version(pinned.version),
            requirements=(virtualenv,),
            constraints=(),
            target=Target(python=old.run_by, platform=platform),
        )


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
    with tempfile.TemporaryDirectory() as folder:
        constraints, written = Path(folder) / "constraints.txt", Path(folder) / "pylock.toml"
        constraints.write_text(_lines(trial.constraints), encoding="utf-8")
        run_uv(
            [
                *("pip", "compile", "-", "--quiet", "--no-header", "--format", "pylock.toml", "-o", str(written)),
                *("--python-version", trial.target.python),
                *("--python-platform", trial.target.platform.uv_platform),
                *("--constraints", str(constraints)),
                *options,
            ],
            action="locking",
            place="the cache of uv",
            text=_lines((*trial.requirements, *_TOOLS)),
            folder=folder,
        )
        return read_toml(written)


def _lines(items: Iterable[object]) -> str:
    return "".join(f"{item}\n" for item in items)


def describe_package(package: Mapping[str, Any], cache: Path) -> Row:
    """What the journal keeps of a package of a lock: its files, and the metadata that uv's *cache* has of them."""
    name, version = canonicalize_name(package["name"]), package["version"]
    listed = [*package.get("wheels", ()), *([package["sdist"]] if "sdist" in package else ())]
    return {
        "name": name,
        "version": version,
        "files": [_describe_file(file) for file in listed],
        "metadata": list(_cached_metadata(cache, name, version)),
    }


def _describe_file(file: Mapping[str, Any]) -> Row:
    return {
        "name": file["url"].rpartition("/")[2],
        "uploaded": file["upload-time"].astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "sha256": file["hashes"]["sha256"],
    }


def _cached_metadata(cache: Path, name: str, version: str) -> Iterator[Row]:
    """What uv has read of the wheels of a release, by their tags, and of its sdist."""
    for path in sorted(cache.glob(f"wheels-v*/pypi/{name}/{version}-*.msgpack")):
        yield _read_metadata(path, tags=path.stem.removeprefix(f"{version}-"))
    for path in sorted(cache.glob(f"sdists-v*/pypi/{name}/{version}/*/metadata.msgpack"))[:1]:
        yield _read_metadata(path, tags=SOURCE)


def _read_metadata(path: Path, *, tags: str) -> Row:
    """The object at the head of a file of uv's cache: its fields stand in the order of uv's ``ResolutionMetadata``."""
    unpacker = msgpack.Unpacker(raw=False)
    unpacker.feed(path.read_bytes())
    _, _, requires, requires_python, extras, *_ = unpacker.unpack()
    return {"tags": tags, "requires": requires, "requires_python": requires_python or "", "extras": extras}


# --- the tables ----------------------------------------------------------------------------------------------


def assemble(rows: Iterable[Row], folder: Path, *, allow_fewer: bool) -> None:
    """Write one table for each distribution that any lock of *rows* holds.

    Raises:
        FewerRowsError: A distribution would lose releases, and *allow_fewer* is not set.
    """
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
        write_snapshot(
            folder,
            name,
            {
                version: [_listed(file, metadata[name, version]) for file in of_release.values()]
                for version, of_release in releases.items()
            },
            generator=GENERATOR,
            is_complete=False,
            allow_fewer=allow_fewer,
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
    do not speak for each other.
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
    return others[0] if others and agree else None


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
