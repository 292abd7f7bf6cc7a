"""Which distribution to install for a module that a source file imports."""

from __future__ import annotations

from envlock.knowledge.datafiles import read_json


def distribution_of(import_name: str) -> str | None:
    """The distribution that brings the module, such as ``opencv-python`` for ``cv2``; ``None`` where none is known.

    *import_name* may be dotted: the longest part of it that is known decides.
    """
    distributions: dict[str, str] = read_json("import_names.json")["distributions"]
    while import_name not in distributions and "." in import_name:
        import_name = import_name.rpartition(".")[0]
    return distributions.get(import_name)
