"""Rewrite ``data/public_names.json``: the names of ``tf.`` that not all releases have.

    python data/refresh/public_names.py PLACE [PLACE ...] [--data DIR] [--allow-fewer]

Each PLACE is a wheel of TensorFlow, or a folder that one was unpacked into; one of each line, as many lines as there
are. Of a name and what is below it, the first is listed alone where the others come and go with it. What is loaded
only when it is used has no names to read: ``tf.contrib``, ``tf.estimator`` and ``tf.keras`` are left out.
"""

from __future__ import annotations

import ast
import re
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from options import script_parser
from packaging.version import Version
from spans import Spans, spans_by_name
from tables import write_document

GENERATOR = "data/refresh/public_names.py"

_METADATA = re.compile(r"(?:.*/)?tensorflow[\w.]*-(?P<version>[^/-]+)\.dist-info/METADATA")
# TensorFlow up to 1.14 keeps its packages in the part of the wheel for data.
_EXPORTS = re.compile(
    r"(?:[^/]+\.data/purelib/)?tensorflow(?:_core)?/_api/v[12]/(?P<module>(?:[a-z]\w*/)*)(?:__init__|v[12])\.py"
)
_ELSEWHERE = frozenset({"compat", "contrib", "estimator", "keras"})


class Exports(NamedTuple):
    """The public names of one release."""

    version: Version
    names: frozenset[str]
    """Below ``tf.``, dotted."""


def main() -> None:
    parser = script_parser(__doc__)
    parser.add_argument("places", type=Path, nargs="+", metavar="PLACE", help="a wheel, or a folder with its content")
    options = parser.parse_args()
    exports = sorted(map(read_exports, options.places))
    write_document(
        options.data / "public_names.json",
        {"versions": [str(release.version) for release in exports], "names": names_that_changed(exports)},
        generator=GENERATOR,
        source="tensorflow-wheels",
        tables=("names",),
        allow_fewer=options.allow_fewer,
    )


def read_exports(place: Path) -> Exports:
    """What the release in a wheel or a folder exports.

    Raises:
        SystemExit: It holds no TensorFlow.
    """
    files = dict(_read_files(place))
    version = next((found["version"] for name in files if (found := _METADATA.fullmatch(name))), None)
    if version is None:
        raise SystemExit(f"{place}: holds no TensorFlow")
    modules = ((found["module"], text) for name, text in files.items() if (found := _EXPORTS.fullmatch(name)))
    names = (f"{module}{name}".replace("/", ".") for module, text in modules for name in _imported(text))
    return Exports(Version(version), frozenset(name for name in names if name.partition(".")[0] not in _ELSEWHERE))


def names_that_changed(exports: list[Exports]) -> dict[str, Spans]:
    """The names that some of the releases lack, without those that come and go with what they are a part of."""
    spans = spans_by_name({index: release.names for index, release in enumerate(exports)})
    whole = [[0, len(exports) - 1]]
    return {
        name: found for name, found in spans.items() if found != whole and found != spans.get(name.rpartition(".")[0])
    }


def _read_files(place: Path) -> Iterator[tuple[str, str]]:
    """The files that export names, and the name of the one with the metadata."""
    if place.is_dir():
        for path in [*place.glob("*.dist-info/METADATA"), *place.rglob("_api/**/*.py")]:
            name = path.relative_to(place).as_posix()
            if _METADATA.fullmatch(name) or _EXPORTS.fullmatch(name):
                yield name, path.read_text(encoding="utf-8")
        return
    with zipfile.ZipFile(place) as wheel:
        for name in wheel.namelist():
            if _METADATA.fullmatch(name) or _EXPORTS.fullmatch(name):
                yield name, wheel.read(name).decode("utf-8")


def _imported(text: str) -> Iterator[str]:
    """The public names that a module imports, which is how it exports them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            names = (alias.asname or alias.name for alias in node.names)
            yield from (name for name in names if name != "*" and not name.startswith("_"))


if __name__ == "__main__":
    main()
