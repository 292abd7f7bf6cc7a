"""Rewrite ``data/import_names.json``: what to install for ``import cv2``.

    python data/refresh/import_names.py FOLDER [FOLDER ...] [--data DIR] [--allow-fewer]

Each FOLDER holds wheels or what installers made of them; of each distribution its list of files is read, nothing is
imported. What several distributions bring goes to the one that ``data/import_names.toml`` prefers, else to the one of
the same name, else to none: these are printed. A distribution that is not in the folders keeps its rows.
"""

from __future__ import annotations

import json
import sys
import zipfile
from collections.abc import Iterable, Iterator
from itertools import takewhile
from pathlib import Path, PurePosixPath

from options import script_parser
from packaging.utils import canonicalize_name
from tables import read_toml, write_document

GENERATOR = "data/refresh/import_names.py"

# Folders that some distributions install beside their modules by mistake.
_STRAY = frozenset(
    {
        "bin",
        "benchmark",
        "benchmarks",
        "demo",
        "doc",
        "docs",
        "example",
        "examples",
        "scripts",
        "setup",
        "test",
        "tests",
    }
)


def main() -> None:
    parser = script_parser(__doc__)
    parser.add_argument("folders", type=Path, nargs="+", metavar="FOLDER", help="with wheels or what they install")
    options = parser.parse_args()
    table = options.data / "import_names.json"
    curated = read_toml(options.data / "import_names.toml")
    claims: dict[str, set[str]] = {}
    read = set()
    for distribution, files in read_file_lists(options.folders):
        read.add(distribution)
        for name in import_names(files):
            claims.setdefault(name, set()).add(distribution)
    chosen = {name: choose(name, claims[name], curated["preferred"]) for name in sorted(claims)}
    for name in (name for name, distribution in chosen.items() if distribution is None):
        print(f"ambiguous: {name} is of {', '.join(sorted(claims[name]))}", file=sys.stderr)
    known = json.loads(table.read_bytes())["distributions"] if table.exists() else {}
    kept = {name: distribution for name, distribution in known.items() if distribution not in read}
    rows = kept | {name: found for name, found in chosen.items() if found is not None}
    write_document(
        table,
        {"distributions": dict(sorted(rows.items()))},
        generator=GENERATOR,
        source=curated["source"],
        tables=("distributions",),
        allow_fewer=options.allow_fewer,
    )


def read_file_lists(folders: Iterable[Path]) -> Iterator[tuple[str, list[PurePosixPath]]]:
    """Normalised name of each distribution below *folders*, and the files that it installs."""
    for folder in folders:
        for wheel in sorted(folder.rglob("*.whl")):
            with zipfile.ZipFile(wheel) as archive:
                yield _name(wheel.name), [PurePosixPath(name) for name in archive.namelist()]
        for record in sorted(folder.rglob("*.dist-info/RECORD")):
            lines = record.read_text(encoding="utf-8").splitlines()
            yield _name(record.parent.name), [PurePosixPath(line.split(",")[0]) for line in lines]


def _name(stem: str) -> str:
    return canonicalize_name(stem.partition("-")[0])


def import_names(files: Iterable[PurePosixPath]) -> set[str]:
    """What can be imported of a distribution: its top-level modules, and what it adds to a namespace package."""
    modules = [file for file in files if file.suffix in {".py", ".so", ".pyd"} and not _is_data(file)]
    packages = {file.parent for file in modules if file.stem == "__init__"}
    names = set()
    for file in modules:
        parts = [*file.parent.parts, file.name.partition(".")[0]]
        # A folder without __init__ may be shared with other distributions, and those in it again, as google.cloud
        # is: what stands in them tells them apart.
        shared = takewhile(lambda folder: folder not in packages, _from_the_top(file.parent))
        name = parts[: 1 + len(list(shared))]
        if all(part.isidentifier() and not part.startswith("_") for part in name):
            names.add(".".join(name))
    return names


def _from_the_top(folder: PurePosixPath) -> list[PurePosixPath]:
    """*folder* and those that it lies in, outermost first."""
    return [*reversed(folder.parents), folder][1:]


def _is_data(file: PurePosixPath) -> bool:
    top = file.parts[0]
    return top.removesuffix(".py") in _STRAY or top.endswith((".data", ".dist-info", ".libs")) or top == ".."


def choose(name: str, distributions: set[str], preferred: dict[str, str]) -> str | None:
    """The distribution to install for *name*, ``None`` where that is open."""
    if name in preferred:
        return preferred[name]
    if len(distributions) == 1:
        return next(iter(distributions))
    of_same_name = canonicalize_name(name)
    return of_same_name if of_same_name in distributions else None


if __name__ == "__main__":
    main()
