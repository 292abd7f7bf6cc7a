"""Which distribution to install for a module that a source file imports."""

from __future__ import annotations

from functools import cache

from envlock.knowledge.datafiles import read_json, read_toml


def distribution_of(import_name: str) -> str | None:
    """The distribution that brings the module, such as ``opencv-python`` for ``cv2``; ``None`` where none is known.

    *import_name* may be dotted: the longest part of it that is known decides.
    """
    distributions = _distributions()
    while import_name not in distributions and "." in import_name:
        import_name = import_name.rpartition(".")[0]
    return distributions.get(import_name)


@cache
def _distributions() -> dict[str, str]:
    """By module: what wheels hold, before what was not read from one."""
    known: dict[str, str] = {}
    curated = read_toml("import_names.toml")
    for row in curated["alike"]:
        known |= {name: name.lower() for name in row["names"]}
    for row in curated["otherwise"]:
        known |= row["names"]
    read: dict[str, str] = read_json("import_names.json")["distributions"]
    return known | read
