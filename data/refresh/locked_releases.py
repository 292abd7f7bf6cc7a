"""Rewrite ``data/snapshot/`` from what an installer locks: every release that some target of the database needs.

    python data/refresh/locked_releases.py --journal DIR [--only TEXT] [--jobs 1]
    python data/refresh/locked_releases.py --journal DIR --assemble [--allow-fewer]

``snapshot.py`` asks the index for all releases of all distributions. This script asks nothing that uv does not ask
for an installation: it lets uv lock each trial of ``closures.py`` for each platform, with the corrected bounds, and
keeps of each lock the files with their hashes, addresses and upload times, and of uv's cache what the wheel that the
target gets declares. The journal holds a JSON line for each lock; targets that stand there are not asked for again.
``--assemble`` joins them, and keeps the rows that the tables have already.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import msgpack
from closures import Journal, Trial, describe_trial, plan_trials
from packaging.utils import canonicalize_name
from packaging.version import Version
from tables import DATA, write_lines

from envlock.knowledge.datafiles import read_toml
from envlock.target import PLATFORMS
from envlock.uv_process import UvError, run_uv

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

GENERATOR = "data/refresh/locked_releases.py"
COLUMNS = ("name", "uploaded", "sha256", "size", "requires_python", "requires", "yanked")

_TOOLS = ("pip",)
"""Beside the subject: what every environment holds."""

Row = dict[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--journal", type=Path, required=True, metavar="DIR", help="where locks are kept")
    parser.add_argument(
        "--only", default="", metavar="TEXT", help="targets whose name holds this, as the log prints it"
    )
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="locks at a time")
    parser.add_argument("--assemble", action="store_true", help="write data/snapshot/ from the journal")
    parser.add_argument("--allow-fewer", action="store_true", help="let a table lose rows")
    options = parser.parse_args()
    journal = Journal(options.journal)
    if options.assemble:
        assemble(journal.rows(), DATA / "snapshot", allow_fewer=options.allow_fewer)
        return
    done = {_key(row) for row in journal.rows()}
    pythons = read_toml("snapshot_roots.toml")["scope"]["pythons"]
    trials = [trial for platform in PLATFORMS for trial in plan_trials(pythons, platform)]
    pending = [trial for trial in trials if options.only in _name(trial) and _key(describe_trial(trial)) not in done]
    cache = Path(run_uv(["cache", "dir"], action="finding the cache", place="the cache of uv").strip())
    with ThreadPoolExecutor(options.jobs) as pool:
        for number, row in enumerate(pool.map(lambda trial: lock(trial, cache), pending), start=1):
            journal.append(row)
            told = row.get("error") or f"{len(row['packages'])} distributions"
            print(f"{number}/{len(pending)} {row['name']}: {told}", file=sys.stderr, flush=True)


def _name(trial: Trial) -> str:
    return f"{trial.name} on {trial.target.platform.name}"


def _key(row: Row) -> str:
    return json.dumps([row[key] for key in ("requested", "python", "platform")])


# --- one lock ------------------------------------------------------------------------------------------------


def lock(trial: Trial, cache: Path) -> Row:
    """What uv locks for *trial*: ``packages``, or the ``error`` where nothing satisfies."""
    row = describe_trial(trial) | {"name": _name(trial)}
    try:
        document = _compile(trial)
    except UvError as error:
        return row | {"error": " ".join(error.detail.split())[:500]}
    return row | {"packages": [_package(package, cache) for package in document["packages"]]}


def _compile(trial: Trial) -> Mapping[str, Any]:
    """The lock of *trial*: of wheels alone where that has a solution."""
    try:
        return _compile_from(trial, ["--only-binary", ":all:"])
    except UvError:
        return _compile_from(trial, [])


def _compile_from(trial: Trial, sources: Sequence[str]) -> Mapping[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        constraints = Path(folder) / "constraints.txt"
        constraints.write_text("".join(f"{item}\n" for item in trial.constraints), encoding="utf-8")
        written = Path(folder) / "pylock.toml"
        run_uv(
            [
                *("pip", "compile", "-", "--quiet", "--no-header", "--format", "pylock.toml", "-o", str(written)),
                *("--python-version", trial.target.python),
                *("--python-platform", trial.target.platform.uv_platform),
                *("--constraints", str(constraints)),
                *sources,
            ],
            action="locking",
            place="the cache of uv",
            text="".join(f"{item}\n" for item in (*trial.requirements, *_TOOLS)),
            folder=folder,
        )
        return tomllib.loads(written.read_text(encoding="utf-8"))


def _package(package: Mapping[str, Any], cache: Path) -> Row:
    name, version = canonicalize_name(package["name"]), package["version"]
    listed = [*package.get("wheels", ()), *([package["sdist"]] if "sdist" in package else ())]
    return {
        "name": name,
        "version": version,
        "files": [_file(file) for file in listed],
        "metadata": list(_cached_metadata(cache, name, version)),
    }


def _file(file: Mapping[str, Any]) -> Row:
    return {
        "name": file["url"].rpartition("/")[2],
        "uploaded": file["upload-time"].astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "sha256": file["hashes"]["sha256"],
        "size": file.get("size"),
    }


def _cached_metadata(cache: Path, name: str, version: str) -> Iterator[Row]:
    """What uv has read of the wheels of a release and of its source: ``tags``, ``requires``, and so on."""
    for path in sorted(cache.glob(f"wheels-v*/pypi/{name}/{version}-*.msgpack")):
        yield _read_metadata(path, tags=path.name.removesuffix(".msgpack").removeprefix(f"{version}-"))
    built = sorted(cache.glob(f"sdists-v*/pypi/{name}/{version}/*/metadata.msgpack"))
    for path in built[:1]:
        yield _read_metadata(path, tags=_SOURCE)


_SOURCE = "source"
"""Stands for the tags of what has none."""


def _read_metadata(path: Path, *, tags: str) -> Row:
    """The object at the head of a file of uv's cache: name, version, requirements, Requires-Python, extras."""
    unpacker = msgpack.Unpacker(raw=False)
    unpacker.feed(path.read_bytes())
    fields = unpacker.unpack()
    return {"tags": tags, "requires": fields[2], "requires_python": fields[3] or "", "extras": fields[4]}


# --- the tables ----------------------------------------------------------------------------------------------


def assemble(rows: Iterable[Row], folder: Path, *, allow_fewer: bool) -> None:
    """Write one table for each distribution that any lock of *rows* holds.

    Raises:
        FewerRowsError: A distribution would lose releases, and *allow_fewer* is not set.
    """
    releases: dict[str, dict[Version, dict[str, Row]]] = {}
    metadata: dict[tuple[str, Version], list[Row]] = {}
    for package in (package for row in rows for package in row.get("packages", ())):
        version = Version(package["version"])
        files = releases.setdefault(package["name"], {}).setdefault(version, {})
        files |= {file["name"]: file for file in package["files"]}
        metadata.setdefault((package["name"], version), []).extend(package["metadata"])
    for name, found in sorted(releases.items()):
        _write(folder, name, {version: _described(files, metadata[name, version]) for version, files in found.items()},
               allow_fewer=allow_fewer)  # fmt: skip


def _described(files: Mapping[str, Row], metadata: Sequence[Row]) -> list[Row]:
    """The files of a release, by name, with what each declares: what was read of itself, else of its like."""
    by_tags = {item["tags"]: item for item in metadata}
    return [file | {"declares": _declared(file["name"], by_tags)} for _, file in sorted(files.items())]


def _declared(file_name: str, by_tags: Mapping[str, Row]) -> Row | None:
    """The metadata of a file: its own, else that of a wheel for the same system, else of any."""
    own = file_name.removesuffix(".whl").split("-", 2)[-1] if file_name.endswith(".whl") else _SOURCE
    if own in by_tags:
        return by_tags[own]
    system = _system(file_name)
    alike = [item for tags, item in sorted(by_tags.items()) if _system(tags) == system]
    return next(iter([*alike, *by_tags.values()]), None)


def _system(tags: str) -> str:
    platform = tags.removesuffix(".whl").rpartition("-")[2]
    return next((word for word in ("linux", "macosx", "win", "any") if word in platform), _SOURCE)


def _write(folder: Path, name: str, releases: Mapping[Version, list[Row]], *, allow_fewer: bool) -> None:
    pythons: list[str] = []
    requires: list[list[str]] = []
    extras: list[list[str]] = []

    def python_index(text: str) -> int:
        if text not in pythons:
            pythons.append(text)
        return pythons.index(text)

    def requires_index(declared: Row) -> int:
        pair = (declared["requires"], declared["extras"])
        pairs = list(zip(requires, extras, strict=True))
        if pair not in pairs:
            requires.append(pair[0])
            extras.append(pair[1])
            return len(pairs)
        return pairs.index(pair)

    rows = [
        {
            "version": str(version),
            "files": [
                [
                    file["name"],
                    file["uploaded"],
                    file["sha256"],
                    file["size"],
                    python_index(file["declares"]["requires_python"] if file["declares"] else ""),
                    requires_index(file["declares"]) if file["declares"] else None,
                    None,
                ]
                for file in releases[version]
            ],
        }
        for version in sorted(releases)
    ]
    header = {
        "generator": GENERATOR,
        "source": "package-index",
        "distribution": name,
        "harvested": f"{datetime.now(timezone.utc):%Y-%m-%d}",
        "rows": len(rows),
        "columns": list(COLUMNS),
        "requires_python": pythons,
        "requires": requires,
        "extras": extras,
    }
    write_lines(
        folder / f"{name}.jsonl", rows, header=header, key="version", undated="harvested", allow_fewer=allow_fewer
    )


if __name__ == "__main__":
    main()
