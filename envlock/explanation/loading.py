"""How a line loads an artifact, and the Pythons that it runs on."""

from __future__ import annotations

from functools import cache

from envlock.knowledge.loaders import Loader
from envlock.knowledge.releases import latest_of_line, python_lines_of, sort_lines
from envlock.provenance import ArtifactFormat, Provenance
from envlock.target import PLATFORMS

_OF_KERAS: frozenset[ArtifactFormat] = frozenset(
    {"keras-hdf5", "keras-archive", "saved-model", "keras-json", "keras-yaml"}
)


def way_to_load(loader: Loader, provenance: Provenance) -> str | None:
    """The expression that loads the artifact at ``path``; ``None`` where there is none of one line."""
    if provenance.content == "weights" and loader.schema is not None:
        return "model.load_weights(path)"
    if loader.schema is not None and provenance.format in _OF_KERAS:
        return loader.expression_for(provenance.format)
    if provenance.format == "saved-model":
        is_first = loader.line.startswith("1.")
        return "tf.saved_model.loader.load(session, tags, path)" if is_first else "tf.saved_model.load(path)"
    return None


def pythons_of(loader: Loader, provenance: Provenance) -> tuple[str, ...]:
    """The Python lines for which, on some platform, all that *loader* needs has a wheel, oldest first.

    Where the artifact holds marshalled bytecode, those alone that read it.
    """
    readers = pythons_for_code(provenance)
    return tuple(
        python
        for python, platforms in (_pythons(loader.tensorflow[0]) if loader.tensorflow else ())
        if any(not loader.is_separate or loader.release.can_be_installed(python, platform) for platform in platforms)
        and (readers is None or python in readers)
    )


def pythons_for_code(provenance: Provenance) -> tuple[str, ...] | None:
    """The Python lines that read all marshalled bytecode in the artifact; ``None`` where there is none in it."""
    readers = provenance.code_readers
    return None if readers is None else sort_lines(readers)


@cache
def _pythons(line: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Each Python with the platforms that have a wheel of TensorFlow's *line* for it, oldest first."""
    release = latest_of_line("tensorflow", line)
    if release is None:
        return ()
    by_platform = {platform.name: python_lines_of(release, platform.name) for platform in PLATFORMS}
    pythons = sort_lines(python for found in by_platform.values() for python in found)
    return tuple((python, tuple(name for name, found in by_platform.items() if python in found)) for python in pythons)
