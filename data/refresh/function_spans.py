"""Rewrite ``data/function_spans.json``: where the functions that load models stand in each release.

    python data/refresh/function_spans.py PLACE [PLACE ...] [--data DIR] [--allow-fewer]

Each PLACE is a wheel, or a folder that one was unpacked into, of TensorFlow, Keras or tf-keras; one of each line. A
frame of a traceback names file, function and line number, and so the releases that have that function there.
"""

from __future__ import annotations

import ast
import re
import warnings
import zipfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from options import script_parser
from packaging.utils import canonicalize_name
from packaging.version import Version
from tables import write_document

GENERATOR = "data/refresh/function_spans.py"

_METADATA = re.compile(r"^(?P<name>[^/\n]+?)-(?P<version>[^/-]+)\.dist-info/METADATA$", re.MULTILINE)
_LOADING = re.compile(
    r"(tensorflow(_core)?/python/)?((_impl/)?keras|tf_keras)/(src/)?"
    r"(models\.py|engine/\w+\.py|models/\w+\.py|saving/([\w/]+)\.py|layers/(serialization|layer|core/lambda_layer)\.py"
    r"|utils/(generic_utils|traceback_utils)\.py|ops/operation\.py)"
    r"|tensorflow(_core)?/python/(saved_model/(load|loader_impl)\.py|framework/(importer|load_library)\.py"
    r"|training/saver\.py|(training/(checkpointable|tracking)|checkpoint)/(util|checkpoint|saver)\.py)"
)
_TESTS = re.compile(r"(_test|_tests|test_utils)\.py$|/tests?/")


class Source(NamedTuple):
    """The sources of one release."""

    distribution: str
    version: Version
    files: dict[str, bytes]


def main() -> None:
    parser = script_parser(__doc__)
    parser.add_argument("places", type=Path, nargs="+", metavar="PLACE", help="a wheel, or a folder with its content")
    options = parser.parse_args()
    sources = sorted(map(read_source, options.places), key=lambda source: source[:2])
    write_document(
        options.data / "function_spans.json",
        {
            "releases": [f"{source.distribution} {source.version}" for source in sources],
            "files": spans_by_file(sources),
        },
        generator=GENERATOR,
        source="tensorflow-wheels",
        tables=("files",),
        allow_fewer=options.allow_fewer,
    )


def read_source(place: Path) -> Source:
    """The release in a wheel or a folder.

    Raises:
        SystemExit: It holds none.
    """
    found = _METADATA.search("\n".join(sorted(_names_in(place))))
    if found is None:
        raise SystemExit(f"{place}: holds no metadata of a distribution")
    files = {name: content for name, content in _read_files(place) if not _TESTS.search(name)}
    name = canonicalize_name(found["name"])
    # Members of the family bring the same sources.
    distribution = "tensorflow" if name.startswith("tensorflow") else name
    return Source(distribution=distribution, version=Version(found["version"]), files=files)


def _names_in(place: Path) -> Iterator[str]:
    if place.is_dir():
        yield from (path.relative_to(place).as_posix() for path in place.glob("*.dist-info/METADATA"))
    else:
        with zipfile.ZipFile(place) as wheel:
            yield from wheel.namelist()


def _read_files(place: Path) -> Iterator[tuple[str, bytes]]:
    """Every file that takes part in loading, by its name in the wheel without the folder for data."""
    if place.is_dir():
        for path in place.rglob("*.py"):
            name = path.relative_to(place).as_posix()
            if _LOADING.fullmatch(name):
                yield name, path.read_bytes()
        return
    with zipfile.ZipFile(place) as wheel:
        for name in wheel.namelist():
            # TensorFlow up to 1.14 keeps its packages in the part of the wheel for data.
            plain = re.sub(r"^[^/]+\.data/purelib/", "", name)
            if _LOADING.fullmatch(plain):
                yield plain, wheel.read(name)


def spans_by_file(sources: list[Source]) -> dict[str, dict[str, list[list[int]]]]:
    """File to function to rows ``[first line, last line, first release, last release]``, all inclusive."""
    table: dict[str, dict[str, list[list[int]]]] = defaultdict(lambda: defaultdict(list))
    for number, source in enumerate(sources):
        for name, content in sorted(source.files.items()):
            for function, first, last in functions_in(content):
                rows = table[name][function]
                same = next((row for row in rows if row[:2] == [first, last] and row[3] >= number - 1), None)
                if same is not None:
                    same[3] = number
                else:
                    rows.append([first, last, number, number])
    return {name: {function: table[name][function] for function in sorted(table[name])} for name in sorted(table)}


def functions_in(content: bytes) -> Iterator[tuple[str, int, int]]:
    """Name, first and last line of every function, as tracebacks name them; nothing for what does not parse."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            tree: ast.Module = ast.parse(content)
        except SyntaxError:
            return
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            yield node.name, node.lineno, _last_line(node)


def _last_line(node: Any) -> int:
    last: int = node.end_lineno
    return last


if __name__ == "__main__":
    main()
